package drainer

import (
	"fmt"
	"os"
	"path/filepath"
)

// downstream is where transactions go, and where the checkpoint behind them is kept (facts 2.5).
type downstream interface {
	apply(next item) error
	// load gives the saved commit TS, or initial when nothing was ever saved.
	load(initial int64) (int64, error)
	save(commitTS int64, consistent bool) error
}

// openDownstream gives the database for mysql and tidb, a file for every other destination.
func openDownstream(server *Server) (downstream, error) {
	if kind := server.cfg.Syncer.DBType; kind == "mysql" || kind == "tidb" {
		return openDatabase(server)
	}
	dir := server.cfg.Syncer.To.Dir
	if dir == "" {
		dir = server.cfg.DataDir
	}
	if err := os.MkdirAll(dir, 0700); err != nil {
		return nil, err
	}
	rows, err := os.OpenFile(filepath.Join(dir, "rows"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0600)
	if err != nil {
		return nil, err
	}
	return &file{rows, checkpoint{path: filepath.Join(server.cfg.DataDir, "savepoint"), version: server.program.Version}}, nil
}

// file has one line "payload TAB commit TS" for each transaction.
type file struct {
	rows *os.File
	checkpoint
}

func (f *file) apply(next item) error {
	if _, err := fmt.Fprintf(f.rows, "%s\t%d\n", next.Payload, next.CommitTS); err != nil {
		return fmt.Errorf("downstream: %w", err)
	}
	return nil
}
