package olddrainer

import (
	"fmt"
	"net"

	"peers/internal/setup"
)

// Config is the old Drainer's configuration, by flag and by file (facts 3.1). Unknown keys are taken.
type Config struct {
	LogLevel        string       `toml:"log-level"`
	LogFile         string       `toml:"log-file"`
	Addr            string       `toml:"addr"`
	DataDir         string       `toml:"data-dir"`
	DetectInterval  int          `toml:"detect-interval"`
	PDURLs          string       `toml:"pd-urls"`
	KafkaAddrs      string       `toml:"kafka-addrs"`
	KafkaVersion    string       `toml:"kafka-version"`
	ZookeeperAddrs  string       `toml:"zookeeper-addrs"`
	InitialCommitTS int64        `toml:"initial-commit-ts"`
	SyncedCheckTime int          `toml:"synced-check-time"`
	SafeForwardTime int          `toml:"safe-forward-time"`
	Syncer          syncerConfig `toml:"syncer"`
}

type syncerConfig struct {
	DBType          string   `toml:"db-type"`
	To              toConfig `toml:"to"`
	TxnBatch        int      `toml:"txn-batch"`
	WorkerCount     int      `toml:"worker-count"`
	IgnoreSchemas   string   `toml:"ignore-schemas"`
	DisableDispatch bool     `toml:"disable-dispatch"`
	SafeMode        bool     `toml:"safe-mode"`
	DisableDetect   bool     `toml:"disable-detect"`
}

type toConfig struct {
	Host     string `toml:"host"`
	User     string `toml:"user"`
	Password string `toml:"password"`
	Port     int    `toml:"port"`
	Dir      string `toml:"dir"`
}

// ParseConfig reads flags, file and environment; -V and -help do not return.
func ParseConfig(p setup.Program, args []string) (*Config, error) {
	cfg := &Config{SyncedCheckTime: 5, SafeForwardTime: 20}
	fs := p.Flags()
	fs.StringVar(&cfg.Addr, "addr", "127.0.0.1:8249", "addr (i.e. 'host:port') to listen on for drainer connections")
	fs.StringVar(&cfg.DataDir, "data-dir", "data.drainer", "drainer data directory path (default data.drainer)")
	fs.IntVar(&cfg.DetectInterval, "detect-interval", 10, "the interval time (in seconds) of detect pumps' status")
	fs.StringVar(&cfg.PDURLs, "pd-urls", "http://127.0.0.1:2379", "a comma separated list of PD endpoints")
	fs.StringVar(&cfg.LogLevel, "L", "info", "log level: debug, info, warn, error, fatal")
	fs.StringVar(&cfg.LogFile, "log-file", "", "log file path")
	fs.IntVar(&cfg.Syncer.TxnBatch, "txn-batch", 1, "number of binlog events in a transaction batch")
	fs.StringVar(&cfg.Syncer.IgnoreSchemas, "ignore-schemas", "INFORMATION_SCHEMA,PERFORMANCE_SCHEMA,mysql", "disable sync those schemas")
	fs.IntVar(&cfg.Syncer.WorkerCount, "c", 1, "parallel worker count")
	fs.StringVar(&cfg.Syncer.DBType, "dest-db-type", "mysql", "target db type: mysql or tidb or pb or flash or kafka; see syncer section in conf/drainer.toml")
	fs.BoolVar(&cfg.Syncer.DisableDispatch, "disable-dispatch", false, "disable dispatching sqls that in one same binlog; if set true, work-count and txn-batch would be useless")
	fs.BoolVar(&cfg.Syncer.SafeMode, "safe-mode", false, "enable safe mode to make syncer reentrant")
	fs.BoolVar(&cfg.Syncer.DisableDetect, "disable-detect", false, "disbale detect causality")
	if p.Old.Local() {
		fs.Bool("gen-savepoint", false, "generate savepoint from cluster")
	} else {
		fs.StringVar(&cfg.KafkaAddrs, "kafka-addrs", "127.0.0.1:9092", "a comma separated list of the kafka broker endpoints")
		fs.StringVar(&cfg.ZookeeperAddrs, "zookeeper-addrs", "", "a comma separated list of the zookeeper endpoints")
		fs.Int64Var(&cfg.InitialCommitTS, "initial-commit-ts", 0, "if drainer donesn't have checkpoint, use initial commitTS to initial checkpoint")
		fs.Int("cache-binlog-count", 16<<12, "blurry count of binlogs in cache, limit cache size")
	}
	if p.Old.TimeRule() { // v1.1 and later
		fs.StringVar(&cfg.KafkaVersion, "kafka-version", "0.8.2.0", "kafka version, looks like \"0.8.2.0\"")
		fs.IntVar(&cfg.SyncedCheckTime, "synced-check-time", 5, "if we can't dectect new binlog after many minute, we think the all binlog is all synced")
		fs.IntVar(&cfg.SafeForwardTime, "safe-forward-time", 20, "how many minutes drainer sync before the commit ts in checkpoint file or initial-commit-ts")
		fs.Int("max-message-size", 1<<30, "max msg size that consume from kafka")
	}
	if err := p.Parse(fs, args, cfg, "BINLOG_SERVER", nil); err != nil {
		return nil, err
	}
	if !cfg.intoDatabase() {
		cfg.Syncer.DisableDispatch = true
	}
	if _, _, err := net.SplitHostPort(cfg.Addr); err != nil {
		return nil, fmt.Errorf("bad ListenAddr host format: %s, %v", cfg.Addr, err)
	}
	return cfg, setup.CheckURLs(cfg.PDURLs)
}

func (cfg *Config) intoDatabase() bool {
	return cfg.Syncer.DBType == "mysql" || cfg.Syncer.DBType == "tidb"
}
