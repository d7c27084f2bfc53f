package tidb

import (
	"crypto/rand"
	"fmt"

	"peers/internal/setup"
)

// Config is tidb-server's configuration, as far as binlog and the status port go, and the stand-in's own flags.
type Config struct {
	Host       string `toml:"host"`
	Advertise  string `toml:"advertise-address"`
	Port       int    `toml:"port"`
	Path       string `toml:"path"`
	StatusPort int    `toml:"-"`
	LogFile    string `toml:"-"`
	LogLevel   string `toml:"-"`
	Status     struct {
		Port int `toml:"status-port"`
	} `toml:"status"`
	Binlog struct {
		Enable      bool   `toml:"enable"`
		Socket      string `toml:"binlog-socket"`
		IgnoreError bool   `toml:"ignore-error"`
	} `toml:"binlog"`

	Rate float64 `toml:"-"`
	Tag  string  `toml:"-"`
	Dir  string  `toml:"-"`
}

// ParseConfig reads flags and file. An old version knows no --enable-binlog, a new one no --binlog-socket (facts 3.4).
func ParseConfig(p setup.Program, args []string) (*Config, error) {
	cfg := &Config{}
	fs := p.Flags()
	fs.StringVar(&cfg.Host, "host", "0.0.0.0", "tidb server host")
	fs.StringVar(&cfg.Advertise, "advertise-address", "", "tidb server advertise IP")
	fs.IntVar(&cfg.Port, "P", 4000, "tidb server port")
	fs.IntVar(&cfg.StatusPort, "status", 10080, "tidb server status port")
	fs.StringVar(&cfg.Path, "path", "127.0.0.1:2379", "tidb storage path")
	fs.String("store", "tikv", "registered store name, [tikv, mocktikv]")
	fs.StringVar(&cfg.LogFile, "log-file", "", "log file path")
	fs.StringVar(&cfg.LogLevel, "L", "info", "log level: info, debug, warn, error, fatal")
	fs.Float64Var(&cfg.Rate, "standin-rate", 20, "transactions per second")
	fs.StringVar(&cfg.Tag, "standin-tag", "row", "begins every payload")
	fs.StringVar(&cfg.Dir, "standin-dir", ".", "`folder` for rows, summary.json, paused")
	if p.Version.OldBinlog() {
		fs.StringVar(&cfg.Binlog.Socket, "binlog-socket", "", "socket file to write binlog")
	} else {
		fs.BoolVar(&cfg.Binlog.Enable, "enable-binlog", false, "enable generate binlog")
	}
	if err := p.Parse(fs, args, cfg, "TIDB", nil); err != nil {
		return nil, err
	}
	if cfg.Status.Port != 0 {
		cfg.StatusPort = cfg.Status.Port
	}
	if cfg.Advertise == "" {
		cfg.Advertise = cfg.Host
	}
	return cfg, nil
}

// newID makes a server's ddl_id.
func newID() string {
	var b [16]byte
	rand.Read(b[:])
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
