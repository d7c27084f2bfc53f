package drainer

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	_ "github.com/go-sql-driver/mysql"

	"peers/internal/era"
	"peers/internal/registry"
)

// safeMode is how long a Drainer replaces instead of inserting after a start, so that what is
// replayed from the checkpoint does no harm (facts 2.4).
const safeMode = 5 * time.Minute

// database is a MySQL or MariaDB: rows in standin.rows, the checkpoint in tidb_binlog.checkpoint.
type database struct {
	db        *sql.DB
	version   era.Version
	clusterID int64
	schema    string
	started   time.Time
}

func openDatabase(server *Server) (*database, error) {
	to := server.cfg.Syncer.To
	host := to.Host
	if host == "" {
		host = "127.0.0.1"
	}
	password := to.Password
	if password == "" {
		password = os.Getenv("MYSQL_PSWD")
	}
	db, err := sql.Open("mysql", fmt.Sprintf("%s:%s@tcp(%s:%d)/?timeout=5s", to.User, password, host, to.Port))
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	d := &database{db: db, version: server.program.Version, schema: "tidb_binlog", started: time.Now()}
	if to.Checkpoint.Schema != "" {
		d.schema = to.Checkpoint.Schema
	}
	if d.clusterID, err = registry.ClusterID(server.ctx, server.nodes.KV); err != nil {
		return nil, err
	}
	return d, d.create()
}

func (d *database) create() error {
	for _, statement := range []string{
		"create schema if not exists " + d.schema,
		"create table if not exists " + d.schema + ".checkpoint(clusterID bigint unsigned primary key, checkPoint MEDIUMTEXT)",
		"create schema if not exists standin",
		"create table if not exists standin.rows(number bigint auto_increment primary key, payload varchar(255) unique, commit_ts bigint)",
	} {
		if _, err := d.db.Exec(statement); err != nil {
			return fmt.Errorf("downstream: %w", err)
		}
	}
	return nil
}

func (d *database) apply(next item) error {
	verb := "insert"
	if time.Since(d.started) < safeMode {
		verb = "replace"
	}
	_, err := d.db.Exec(verb+" into standin.rows(payload, commit_ts) values(?, ?)", next.Payload, next.CommitTS)
	if err != nil {
		return fmt.Errorf("downstream: %w", err)
	}
	return nil
}

func (d *database) load(initial int64) (int64, error) {
	var text string
	err := d.db.QueryRow("select checkPoint from "+d.schema+".checkpoint where clusterID = ?", d.clusterID).Scan(&text)
	if errors.Is(err, sql.ErrNoRows) {
		return initial, nil
	}
	if err != nil {
		return 0, err
	}
	var saved struct {
		CommitTS int64 `json:"commitTS"`
	}
	decoder := json.NewDecoder(strings.NewReader(text))
	if err := decoder.Decode(&saved); err != nil {
		return 0, err
	}
	return saved.CommitTS, nil
}

func (d *database) save(commitTS int64, consistent bool) error {
	row := map[string]interface{}{"commitTS": commitTS, "ts-map": map[string]int{}}
	if d.version.SavesConsistent() {
		row["consistent"] = consistent
	}
	if d.version.SavesSchemaVersion() {
		row["schema-version"] = 0
	}
	text, err := json.Marshal(row)
	if err != nil {
		return err
	}
	_, err = d.db.Exec("replace into "+d.schema+".checkpoint values(?, ?)", d.clusterID, string(text))
	return err
}
