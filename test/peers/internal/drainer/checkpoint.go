package drainer

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/BurntSushi/toml"

	"peers/internal/era"
)

// checkpoint is the file <data-dir>/savepoint (facts 2.5).
type checkpoint struct {
	path    string
	version era.Version
}

// load gives the saved commit TS, or initial when nothing was ever saved.
func (c checkpoint) load(initial int64) (int64, error) {
	var saved struct {
		CommitTS int64 `toml:"commitTS"`
	}
	if _, err := toml.DecodeFile(c.path, &saved); os.IsNotExist(err) {
		return initial, nil
	} else if err != nil {
		return 0, err
	}
	return saved.CommitTS, nil
}

func (c checkpoint) save(commitTS int64, consistent bool) error {
	text := fmt.Sprintf("commitTS = %d\n", commitTS)
	if c.version.SavesConsistent() {
		text = fmt.Sprintf("consistent = %v\n", consistent) + text
	}
	if c.version.SavesSchemaVersion() {
		text += "schema-version = 0\n"
	}
	temp := c.path + ".tmp"
	if err := os.WriteFile(temp, []byte(text), 0600); err != nil {
		return err
	}
	return os.Rename(temp, filepath.Clean(c.path))
}
