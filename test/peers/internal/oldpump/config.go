package oldpump

import (
	"fmt"
	"math"
	"net"
	"net/url"
	"strings"

	"peers/internal/setup"
)

// Config is the old Pump's configuration, by flag and by file (facts 3.2). Unknown keys are taken, as before 2.1.16.
type Config struct {
	LogLevel          string         `toml:"log-level"`
	LogFile           string         `toml:"log-file"`
	NodeID            string         `toml:"node-id"`
	Addr              string         `toml:"addr"`
	Advertise         string         `toml:"advertise-addr"`
	Socket            string         `toml:"socket"`
	PDURLs            string         `toml:"pd-urls"`
	KafkaAddrs        string         `toml:"kafka-addrs"`
	KafkaVersion      string         `toml:"kafka-version"`
	KafkaMaxMessages  int            `toml:"kafka-max-messages"`
	ZookeeperAddrs    string         `toml:"zookeeper-addrs"`
	DataDir           string         `toml:"data-dir"`
	HeartbeatInterval int            `toml:"heartbeat-interval"`
	FakeInterval      int            `toml:"gen-binlog-interval"`
	GC                int            `toml:"gc"`
	EnableTolerant    bool           `toml:"enable-tolerant"`
	WriteMode         string         `toml:"write-mode"`
	Security          setup.Security `toml:"security"`

	socketPath string
}

// ParseConfig reads flags, file and environment; -V and -help do not return.
func ParseConfig(p setup.Program, args []string) (*Config, error) {
	cfg := &Config{EnableTolerant: true, WriteMode: "mixed", FakeInterval: 3}
	fs := p.Flags()
	fs.StringVar(&cfg.NodeID, "node-id", "", "the ID of pump node; if not specify, we will generate one from hostname and the listening port")
	fs.StringVar(&cfg.Addr, "addr", "127.0.0.1:8250", "addr(i.e. 'host:port') to listen on for client traffic")
	fs.StringVar(&cfg.Advertise, "advertise-addr", "", "addr(i.e. 'host:port') to advertise to the public")
	fs.StringVar(&cfg.Socket, "socket", "", "unix socket addr to listen on for client traffic")
	fs.StringVar(&cfg.PDURLs, "pd-urls", "http://127.0.0.1:2379", "a comma separated list of the PD endpoints")
	fs.StringVar(&cfg.DataDir, "data-dir", "", "the path to store binlog data")
	fs.IntVar(&cfg.HeartbeatInterval, "heartbeat-interval", 2, "number of seconds between heartbeat ticks")
	fs.IntVar(&cfg.GC, "gc", 7, "recycle binlog files older than gc days, zero means never recycle")
	fs.StringVar(&cfg.LogLevel, "L", "info", "log level: debug, info, warn, error, fatal")
	fs.StringVar(&cfg.LogFile, "log-file", "", "log file path")
	if !p.Old.Local() {
		fs.StringVar(&cfg.KafkaAddrs, "kafka-addrs", "127.0.0.1:9092", "a comma separated list of the kafka broker endpoints")
		fs.StringVar(&cfg.ZookeeperAddrs, "zookeeper-addrs", "", "a comma separated list of the zookeeper broker endpoints")
	}
	if p.Old.TwoPositions() { // v1.1 and later
		fs.StringVar(&cfg.KafkaVersion, "kafka-version", "0.8.2.0", "kafka version, looks like \"0.8.2.0\"")
		fs.IntVar(&cfg.KafkaMaxMessages, "kafka-max-messages", 1<<10, "The maximum number of messages the producer will send in a single broker request.")
		fs.BoolVar(&cfg.EnableTolerant, "enable-tolerant", true, "after enable tolerant, pump wouldn't return error if it fails to write binlog")
		fs.StringVar(&cfg.WriteMode, "write-mode", "mixed", "support kafka and mixed mode")
		fs.IntVar(&cfg.FakeInterval, "fake-binlog-interval", 3, "interval time to generate fake binlog, the unit is second")
		fs.Bool("enable-debug", false, "enable print debug log")
		fs.Int("max-message-size", math.MaxInt32, "max msg size producer produce into kafka")
		fs.Int64("binlog-file-size", 512<<20, "binlog-file-size is the max threshold of binlog segment file size")
		fs.Bool("enable-binlog-slice", false, "enable pump to split large binlog into small binlog slices")
		fs.Int("binlog-slice-size", 10<<20, "size of one binlog slice")
	}
	if err := p.Parse(fs, args, cfg, "PUMP", nil); err != nil {
		return nil, err
	}
	if !p.Old.Tolerates() {
		cfg.EnableTolerant = false // whatever a file says: the key is not known
	}
	adjust(&cfg.Addr, "127.0.0.1:8250")
	adjust(&cfg.Advertise, cfg.Addr)
	adjust(&cfg.DataDir, "data.pump")
	adjust(&cfg.Socket, "unix:///tmp/pump.sock")
	if cfg.HeartbeatInterval == 0 {
		cfg.HeartbeatInterval = 2
	}
	return cfg, cfg.validate()
}

func adjust(value *string, standard string) {
	if *value == "" {
		*value = standard
	}
}

func (cfg *Config) validate() error {
	for _, addr := range []string{cfg.Addr, cfg.Advertise} {
		if _, _, err := net.SplitHostPort(addr); err != nil {
			return fmt.Errorf("bad host format: %s, %v", addr, err)
		}
	}
	if strings.HasPrefix(cfg.Advertise, "0.0.0.0:") {
		return fmt.Errorf("advertiseAddr host is not allowed to be set to 0.0.0.0")
	}
	socket, err := url.Parse(cfg.Socket)
	if err != nil || !strings.Contains(socket.Path, "/") {
		return fmt.Errorf("bad Socket addr format: %s", cfg.Socket)
	}
	cfg.socketPath = socket.Path
	return setup.CheckURLs(cfg.PDURLs)
}
