package olddrainer

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sort"
	"strings"

	"github.com/BurntSushi/toml"

	"peers/internal/old"
)

// checkpoint is how far everything was applied, and where to read from again.
type checkpoint struct {
	CommitTS  int64
	Positions map[string]old.Pos
}

type checkpointStore interface {
	load() (checkpoint, error) // zero where there is none
	save(checkpoint) error
	behind(old.Pos) old.Pos // the position as it is stored
}

// behindKafka: facts 3.1, stored offsets are 5000 below the real ones.
func behindKafka(pos old.Pos) old.Pos {
	if pos.Offset <= old.Safe {
		return old.Pos{}
	}
	return old.Pos{Suffix: pos.Suffix, Offset: pos.Offset - old.Safe}
}

// rowStore is the row tidb_binlog.checkpoint (facts 3.1).
type rowStore struct {
	db        *sql.DB
	clusterID string
}

type row struct {
	CommitTS  int64              `json:"commitTS"`
	Positions map[string]old.Pos `json:"positions"`
	TsMap     map[string]int64   `json:"ts-map"`
}

func (s *rowStore) create() error {
	return execute(s.db, "create schema if not exists tidb_binlog",
		"create table if not exists tidb_binlog.checkpoint(clusterID bigint unsigned primary key, checkPoint MEDIUMTEXT)")
}

func (s *rowStore) load() (checkpoint, error) {
	var text string
	err := s.db.QueryRow("select checkPoint from tidb_binlog.checkpoint where clusterID = ?", s.clusterID).Scan(&text)
	if errors.Is(err, sql.ErrNoRows) {
		return checkpoint{}, nil
	}
	if err != nil {
		return checkpoint{}, err
	}
	var saved row
	err = json.Unmarshal([]byte(text), &saved)
	return checkpoint{saved.CommitTS, saved.Positions}, err
}

func (s *rowStore) save(c checkpoint) error {
	text, err := json.Marshal(row{c.CommitTS, c.Positions, map[string]int64{}})
	if err != nil {
		return err
	}
	_, err = s.db.Exec("replace into tidb_binlog.checkpoint values(?, ?)", s.clusterID, string(text))
	return err
}

func (s *rowStore) behind(pos old.Pos) old.Pos { return behindKafka(pos) }

// fileStore is <data-dir>/savepoint, or the Local version's savePoint, which keeps files' suffixes alone (facts 3.3).
type fileStore struct {
	path  string
	local bool
}

func (s *fileStore) load() (checkpoint, error) {
	var saved struct {
		CommitTS  int64              `toml:"commitTS"`
		Positions map[string]old.Pos `toml:"positions"`
		Suffixes  map[string]uint64  `toml:"suffixs"`
	}
	if _, err := toml.DecodeFile(s.path, &saved); err != nil && !os.IsNotExist(err) {
		return checkpoint{}, err
	}
	if s.local {
		saved.Positions = map[string]old.Pos{}
		for id, suffix := range saved.Suffixes {
			saved.Positions[id] = old.Pos{Suffix: suffix}
		}
	}
	return checkpoint{saved.CommitTS, saved.Positions}, nil
}

func (s *fileStore) save(c checkpoint) error {
	var text strings.Builder
	fmt.Fprintf(&text, "commitTS = %d\n\n", c.CommitTS)
	if s.local {
		text.WriteString("[suffixs]\n")
	} else {
		text.WriteString("[positions]\n")
	}
	var ids []string
	for id := range c.Positions {
		ids = append(ids, id)
	}
	sort.Strings(ids)
	for _, id := range ids {
		if s.local {
			fmt.Fprintf(&text, "  %q = %d\n", id, c.Positions[id].Suffix)
		} else {
			fmt.Fprintf(&text, "  [positions.%q]\n    Suffix = %d\n    Offset = %d\n", id, c.Positions[id].Suffix, c.Positions[id].Offset)
		}
	}
	if err := os.WriteFile(s.path+".tmp", []byte(text.String()), 0644); err != nil {
		return err
	}
	return os.Rename(s.path+".tmp", s.path)
}

func (s *fileStore) behind(pos old.Pos) old.Pos {
	if s.local {
		return old.Pos{Suffix: pos.Suffix}
	}
	return behindKafka(pos)
}
