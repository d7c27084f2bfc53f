package pump

import (
	"os"
	"path/filepath"
	"strings"

	"peers/internal/setup"
)

// nodeID finds who this pump is (facts 1.3): the .node file wins over --node-id, which is not
// saved; with neither, host name and port are saved for the next start.
func nodeID(cfg *Config) (string, error) {
	path := filepath.Join(cfg.DataDir, ".node")
	text, err := os.ReadFile(path)
	if err == nil {
		return strings.TrimSpace(string(text)), nil
	}
	if cfg.NodeID != "" {
		return cfg.NodeID, nil
	}
	if !os.IsNotExist(err) {
		return "", err
	}
	id, err := setup.DefaultID(cfg.Addr)
	if err != nil {
		return "", err
	}
	return id, os.WriteFile(path, []byte(id), 0600)
}
