package pump

import (
	"crypto/tls"
	"errors"
	"flag"
	"fmt"
	"math"
	"net"
	"strconv"
	"strings"
	"time"

	"peers/internal/setup"
)

// Config is Pump's configuration, by flag and by file (facts 1.6).
type Config struct {
	LogLevel          string         `toml:"log-level"`
	LogFile           string         `toml:"log-file"`
	NodeID            string         `toml:"node-id"`
	Addr              string         `toml:"addr"`
	Advertise         string         `toml:"advertise-addr"`
	Socket            string         `toml:"socket"`
	PDURLs            string         `toml:"pd-urls"`
	DataDir           string         `toml:"data-dir"`
	HeartbeatInterval int            `toml:"heartbeat-interval"`
	FakeInterval      int            `toml:"gen-binlog-interval"`
	GC                retention      `toml:"gc"`
	Security          setup.Security `toml:"security"`
	Storage           storageConfig  `toml:"storage"`

	tls *tls.Config
}

type storageConfig struct {
	SyncLog            bool      `toml:"sync-log"`
	KVChanCap          int       `toml:"kv_chan_cap"`
	SlowWriteThreshold float64   `toml:"slow_write_threshold"`
	StopWriteAt        byteCount `toml:"stop-write-at-available-space"`
	KV                 kvConfig  `toml:"kv"`
}

// kvConfig has no effect here; its keys must be known.
type kvConfig struct {
	BlockCacheCapacity   int     `toml:"block-cache-capacity"`
	BlockRestartInterval int     `toml:"block-restart-interval"`
	BlockSize            int     `toml:"block-size"`
	L0Trigger            int     `toml:"compaction-L0-trigger"`
	TableSize            int     `toml:"compaction-table-size"`
	TotalSize            int     `toml:"compaction-total-size"`
	TotalSizeMultiplier  float64 `toml:"compaction-total-size-multiplier"`
	WriteBuffer          int     `toml:"write-buffer"`
	L0PauseTrigger       int     `toml:"write-L0-pause-trigger"`
	L0SlowdownTrigger    int     `toml:"write-L0-slowdown-trigger"`
}

// retention is "7" (days) or a duration such as "8h"; in a file also a bare number.
type retention string

func (r *retention) UnmarshalText(text []byte) error {
	*r = retention(text)
	return r.check()
}

func (r retention) check() error {
	if days, err := strconv.ParseUint(string(r), 10, 64); err == nil && days > 0 {
		return nil
	}
	if span, err := time.ParseDuration(string(r)); err != nil || span <= 0 {
		return fmt.Errorf("unsupported gc time %s, etc: use 7 for 7 day, 7h for 7 hour", string(r))
	}
	return nil
}

// byteCount is a number of bytes, written plainly or with a unit ("10 GB", "512MiB").
type byteCount uint64

func (b *byteCount) UnmarshalText(text []byte) error {
	words := strings.ToLower(strings.ReplaceAll(string(text), " ", ""))
	digits := strings.TrimRight(words, "bikmgt")
	number, err := strconv.ParseFloat(digits, 64)
	if err != nil {
		return fmt.Errorf("unhandled size %q", text)
	}
	unit := strings.TrimSuffix(words[len(digits):], "b")
	base := 1000.0
	if strings.HasSuffix(unit, "i") {
		base = 1024
	}
	power := strings.Index("kmgt", strings.TrimSuffix(unit, "i"))
	if unit == "" {
		power = -1
	}
	*b = byteCount(number * math.Pow(base, float64(power+1)))
	return nil
}

// lateKeys are the configuration keys that not every version knows.
func lateKeys(p setup.Program) map[string]bool {
	return map[string]bool{
		"storage.stop-write-at-available-space": p.Version.StopWriteKey(),
		"security.cert-allowed-cn":              p.Version.HTTPS(),
	}
}

// ParseConfig reads flags, file and environment; -V and -help do not return.
func ParseConfig(p setup.Program, args []string) (*Config, error) {
	cfg := &Config{GC: "7", Storage: storageConfig{SyncLog: true, StopWriteAt: 10 << 30}}
	fs := p.Flags()
	cfg.bind(fs)
	if err := p.Parse(fs, args, cfg, "PUMP", lateKeys(p)); err != nil {
		return nil, err
	}
	if cfg.Advertise == "" {
		cfg.Advertise = cfg.Addr
	}
	if cfg.DataDir == "" {
		cfg.DataDir = "data.pump"
	}
	if cfg.HeartbeatInterval == 0 {
		cfg.HeartbeatInterval = 2
	}
	var err error
	if cfg.tls, err = cfg.Security.TLS(); err != nil {
		return nil, fmt.Errorf("tls config %+v error %v", cfg.Security, err)
	}
	return cfg, cfg.validate()
}

func (cfg *Config) bind(fs *flag.FlagSet) {
	fs.StringVar(&cfg.NodeID, "node-id", "", "the ID of pump node; if not specified, we will generate one from hostname and the listening port")
	fs.StringVar(&cfg.Addr, "addr", "127.0.0.1:8250", "addr(i.e. 'host:port') to listen on for client traffic")
	fs.StringVar(&cfg.Advertise, "advertise-addr", "", "addr(i.e. 'host:port') to advertise to the public")
	fs.StringVar(&cfg.Socket, "socket", "", "unix socket addr to listen on for client traffic")
	fs.StringVar(&cfg.PDURLs, "pd-urls", "http://127.0.0.1:2379", "a comma separated list of the PD endpoints")
	fs.StringVar(&cfg.DataDir, "data-dir", "", "the path to store binlog data")
	fs.IntVar(&cfg.HeartbeatInterval, "heartbeat-interval", 2, "number of seconds between heartbeat ticks")
	fs.StringVar((*string)(&cfg.GC), "gc", "7", "recycle binlog files older than gc time. default unit is day. also accept 8h format time(max unit is hour)")
	fs.StringVar(&cfg.LogLevel, "L", "info", "log level: debug, info, warn, error, fatal")
	fs.StringVar(&cfg.LogFile, "log-file", "", "log file path")
	fs.IntVar(&cfg.FakeInterval, "fake-binlog-interval", 3, "interval time to generate fake binlog, the unit is second")
	fs.Int("max-message-size", math.MaxInt32, "max message size tidb produce into pump")
	fs.Bool("enable-debug", false, "enable print debug log")
	fs.Int64("binlog-file-size", 0, "DEPRECATED")
	fs.Bool("enable-binlog-slice", false, "DEPRECATED")
	fs.Int("binlog-slice-size", 0, "DEPRECATED")
}

func (cfg *Config) validate() error {
	if err := cfg.GC.check(); err != nil {
		return fmt.Errorf("parse GC time failed, err: %s", err)
	}
	if _, _, err := net.SplitHostPort(cfg.Addr); err != nil {
		return fmt.Errorf("bad ListenAddr host format: %s, %v", cfg.Addr, err)
	}
	if err := setup.CheckAdvertise(cfg.Advertise); err != nil {
		return err
	}
	if cfg.Socket != "" && !strings.Contains(cfg.Socket, "/") {
		return errors.New("bad Socket addr format: " + cfg.Socket)
	}
	return setup.CheckURLs(cfg.PDURLs)
}
