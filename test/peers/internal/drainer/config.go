package drainer

import (
	"crypto/tls"
	"flag"
	"fmt"
	"net"

	"peers/internal/setup"
)

// Config is Drainer's configuration, by flag and by file (facts 2.4).
type Config struct {
	LogLevel        string         `toml:"log-level"`
	LogFile         string         `toml:"log-file"`
	NodeID          string         `toml:"node-id"`
	Addr            string         `toml:"addr"`
	Advertise       string         `toml:"advertise-addr"`
	PDURLs          string         `toml:"pd-urls"`
	DataDir         string         `toml:"data-dir"`
	DetectInterval  int            `toml:"detect-interval"`
	InitialCommitTS int64          `toml:"initial-commit-ts"`
	SyncedCheckTime int            `toml:"synced-check-time"`
	Compressor      string         `toml:"compressor"`
	Security        setup.Security `toml:"security"`
	Syncer          syncerConfig   `toml:"syncer"`

	tls *tls.Config
}

// syncerConfig lists the real keys; most have no effect, but they must be known.
type syncerConfig struct {
	DBType             string      `toml:"db-type"`
	To                 toConfig    `toml:"to"`
	SQLMode            string      `toml:"sql-mode"`
	TxnBatch           int         `toml:"txn-batch"`
	WorkerCount        int         `toml:"worker-count"`
	ChannelID          int64       `toml:"channel-id"`
	IgnoreSchemas      string      `toml:"ignore-schemas"`
	IgnoreTxnCommitTS  []int64     `toml:"ignore-txn-commit-ts"`
	LoopbackControl    bool        `toml:"loopback-control"`
	SyncDDL            bool        `toml:"sync-ddl"`
	SafeMode           bool        `toml:"safe-mode"`
	DisableDispatch    bool        `toml:"disable-dispatch"`
	EnableDispatch     bool        `toml:"enable-dispatch"`
	DisableDetect      bool        `toml:"disable-detect"`
	EnableDetect       bool        `toml:"enable-detect"`
	LoadSchemaSnapshot bool        `toml:"load-schema-snapshot"`
	CaseSensitive      bool        `toml:"case-sensitive"`
	DoDBs              []string    `toml:"replicate-do-db"`
	DoTables           []tableName `toml:"replicate-do-table"`
	IgnoreTables       []tableName `toml:"ignore-table"`
	Relay              struct {
		LogDir      string `toml:"log-dir"`
		MaxFileSize int64  `toml:"max-file-size"`
	} `toml:"relay"`
}

type tableName struct {
	Schema string `toml:"db-name"`
	Table  string `toml:"tbl-name"`
}

type checkpointConfig struct {
	Type              string         `toml:"type"`
	Schema            string         `toml:"schema"`
	Table             string         `toml:"table"`
	Host              string         `toml:"host"`
	Port              int            `toml:"port"`
	User              string         `toml:"user"`
	Password          string         `toml:"password"`
	EncryptedPassword string         `toml:"encrypted_password"`
	Security          setup.Security `toml:"security"`
}

type toConfig struct {
	Dir                 string            `toml:"dir"`
	RetentionTime       int               `toml:"retention-time"`
	Host                string            `toml:"host"`
	Port                int               `toml:"port"`
	User                string            `toml:"user"`
	Password            string            `toml:"password"`
	EncryptedPassword   string            `toml:"encrypted_password"`
	Compression         string            `toml:"compression"`
	SyncMode            int               `toml:"sync-mode"`
	ReadTimeout         string            `toml:"read-timeout"`
	Merge               bool              `toml:"merge"`
	Params              map[string]string `toml:"params"`
	Security            setup.Security    `toml:"security"`
	Checkpoint          checkpointConfig  `toml:"checkpoint"`
	ZookeeperAddrs      string            `toml:"zookeeper-addrs"`
	KafkaAddrs          string            `toml:"kafka-addrs"`
	KafkaVersion        string            `toml:"kafka-version"`
	KafkaMaxMessages    int               `toml:"kafka-max-messages"`
	KafkaMaxMessageSize int32             `toml:"kafka-max-message-size"`
	KafkaClientID       string            `toml:"kafka-client-id"`
	TopicName           string            `toml:"topic-name"`
	OracleServiceName   string            `toml:"oracle-service-name"`
	OracleConnectString string            `toml:"oracle-connect-string"`
}

// lateKeys are the configuration keys that not every version knows.
func lateKeys(p setup.Program) map[string]bool {
	return map[string]bool{
		"node-id":                  p.Version.DrainerNodeID(),
		"advertise-addr":           p.Version.DrainerAdvertise(),
		"security.cert-allowed-cn": p.Version.HTTPS(),
	}
}

// ParseConfig reads flags, file and environment; -V and -help do not return.
func ParseConfig(p setup.Program, args []string) (*Config, error) {
	cfg := &Config{}
	fs := p.Flags()
	cfg.bind(p, fs)
	if err := p.Parse(fs, args, cfg, "BINLOG_SERVER", lateKeys(p)); err != nil {
		return nil, err
	}
	if cfg.Advertise == "" {
		cfg.Advertise = cfg.Addr
	}
	var err error
	if cfg.tls, err = cfg.Security.TLS(); err != nil {
		return nil, fmt.Errorf("tls config %+v error %v", cfg.Security, err)
	}
	return cfg, cfg.validate()
}

func (cfg *Config) bind(p setup.Program, fs *flag.FlagSet) {
	initial := int64(0)
	if p.Version.DrainerStartsNow() {
		initial = -1
	}
	if p.Version.DrainerNodeID() {
		fs.StringVar(&cfg.NodeID, "node-id", "", "the ID of drainer node; if not specified, we will generate one from hostname and the listening port")
	}
	if p.Version.DrainerAdvertise() {
		fs.StringVar(&cfg.Advertise, "advertise-addr", "", "addr(i.e. 'host:port') to advertise to the public, default to be the same value as -addr")
	}
	fs.StringVar(&cfg.Addr, "addr", "127.0.0.1:8249", "addr (i.e. 'host:port') to listen on for drainer connections")
	fs.StringVar(&cfg.DataDir, "data-dir", "data.drainer", "drainer data directory path (default data.drainer)")
	fs.IntVar(&cfg.DetectInterval, "detect-interval", p.Version.DetectSeconds(), "the interval time (in seconds) of detect pumps' status")
	fs.StringVar(&cfg.PDURLs, "pd-urls", "http://127.0.0.1:2379", "a comma separated list of PD endpoints")
	fs.StringVar(&cfg.LogLevel, "L", "info", "log level: debug, info, warn, error, fatal")
	fs.StringVar(&cfg.LogFile, "log-file", "", "log file path")
	fs.Int64Var(&cfg.InitialCommitTS, "initial-commit-ts", initial, "if drainer donesn't have checkpoint, use initial commitTS to initial checkpoint")
	fs.StringVar(&cfg.Compressor, "compressor", "", "use the specified compressor to compress payload between pump and drainer, only 'gzip' is supported now")
	fs.IntVar(&cfg.SyncedCheckTime, "synced-check-time", 5, "if we can't detect new binlog after many minute, we think the all binlog is all synced")
	fs.IntVar(&cfg.Syncer.TxnBatch, "txn-batch", 20, "number of binlog events in a transaction batch")
	fs.IntVar(&cfg.Syncer.WorkerCount, "c", 16, "parallel worker count")
	fs.StringVar(&cfg.Syncer.IgnoreSchemas, "ignore-schemas", "INFORMATION_SCHEMA,PERFORMANCE_SCHEMA,mysql", "disable sync those schemas")
	fs.StringVar(&cfg.Syncer.DBType, "dest-db-type", "mysql", "target db type: mysql or tidb or file or kafka; see syncer section in conf/drainer.toml")
	fs.BoolVar(&cfg.Syncer.DisableDispatch, "disable-dispatch", false, "DEPRECATED, use enable-dispatch")
	fs.BoolVar(&cfg.Syncer.DisableDetect, "disable-detect", false, "DEPRECATED, use enable-detect")
	fs.BoolVar(&cfg.Syncer.SafeMode, "safe-mode", false, "enable safe mode to make syncer reentrant")
	fs.Int("cache-binlog-count", 8, "blurry count of binlogs in cache, limit cache size")
}

func (cfg *Config) validate() error {
	for _, addr := range []string{cfg.Addr, cfg.Advertise} {
		host, _, err := net.SplitHostPort(addr)
		if err != nil || host == "" || host == "0.0.0.0" {
			return fmt.Errorf("invalid addr: %s", addr)
		}
	}
	return setup.CheckURLs(cfg.PDURLs)
}
