package olddrainer

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"time"

	_ "github.com/go-sql-driver/mysql"
)

// downstream takes transactions and DDL in order.
type downstream interface {
	apply(next item) error
}

func openDownstream(server *Server) (downstream, checkpointStore, error) {
	cfg := server.cfg
	local := &fileStore{path: filepath.Join(cfg.DataDir, "savepoint"), local: server.era.Local()}
	if local.local {
		local.path = filepath.Join(cfg.DataDir, "savePoint")
	}
	if !cfg.intoDatabase() {
		to, err := openFile(cfg)
		return to, local, err
	}
	db, err := openDatabase(cfg.Syncer.To)
	if err != nil {
		return nil, nil, err
	}
	to := &database{db: db, started: time.Now(), safeMode: cfg.Syncer.SafeMode}
	if local.local {
		return to, local, nil
	}
	row := &rowStore{db: db, clusterID: server.clusterID}
	return to, row, row.create()
}

// database is a MySQL or MariaDB: rows in standin.rows; a DDL is run as it stands.
type database struct {
	db       *sql.DB
	started  time.Time
	safeMode bool
}

func openDatabase(to toConfig) (*sql.DB, error) {
	host := to.Host
	if host == "" {
		host = "127.0.0.1"
	}
	db, err := sql.Open("mysql", fmt.Sprintf("%s:%s@tcp(%s:%d)/?timeout=5s", to.User, to.Password, host, to.Port))
	if err != nil {
		return nil, err
	}
	return db, execute(db,
		"create schema if not exists standin",
		"create table if not exists standin.rows(number bigint auto_increment primary key, payload varchar(255) unique, commit_ts bigint)")
}

func execute(db *sql.DB, statements ...string) error {
	for _, statement := range statements {
		if _, err := db.Exec(statement); err != nil {
			return fmt.Errorf("downstream: %w", err)
		}
	}
	return nil
}

// apply replaces instead of inserting in the first 5 minutes, so that what is replayed does no harm.
func (d *database) apply(next item) error {
	if next.DDL {
		return execute(d.db, next.Payload)
	}
	verb := "insert"
	if d.safeMode || time.Since(d.started) < 5*time.Minute {
		verb = "replace"
	}
	_, err := d.db.Exec(verb+" into standin.rows(payload, commit_ts) values(?, ?)", next.Payload, next.CommitTS)
	return err
}

// file is every other destination: lines in a file.
type file struct{ out *os.File }

func openFile(cfg *Config) (*file, error) {
	dir := cfg.Syncer.To.Dir
	if dir == "" {
		dir = cfg.DataDir
	}
	if err := os.MkdirAll(dir, 0755); err != nil {
		return nil, err
	}
	out, err := os.OpenFile(filepath.Join(dir, "rows"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0644)
	return &file{out}, err
}

func (f *file) apply(next item) (err error) {
	if next.DDL {
		_, err = fmt.Fprintf(f.out, "DDL\t%d\t%s\n", next.CommitTS, next.Payload)
	} else {
		_, err = fmt.Fprintf(f.out, "%s\t%d\n", next.Payload, next.CommitTS)
	}
	return err
}
