// Package setup is what pump and drainer do before they start: flags, -V, configuration file
// and environment, in the real programs' order (facts 1.6).
package setup

import (
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/BurntSushi/toml"

	"peers/internal/bake"
	"peers/internal/era"
	"peers/internal/knob"
	"peers/internal/old"
)

// Program is which program this is and what was baked into it.
type Program struct {
	Name    string // pump or drainer
	Version era.Version
	Baked   knob.Set
	Old     *old.Era // one of the old versions; nil: the cluster version
}

// New reads the running binary's trailer.
func New(name string) (Program, error) {
	program := Program{Name: name, Version: era.Latest}
	trailer, err := bake.Own()
	if err != nil {
		return program, err
	}
	program.Baked = trailer.Knobs
	if trailer.Version != "" {
		program.Version, err = era.Parse(trailer.Version)
	}
	return program, err
}

// NewOld is New for the old versions' programs: -V, log and configuration as in 2.1's first releases.
func NewOld(name string) (Program, error) {
	program := Program{Name: name}
	trailer, err := bake.Own()
	if err != nil {
		return program, err
	}
	program.Baked = trailer.Knobs
	e, err := old.ParseEra(trailer.Version)
	program.Old = &e
	program.Version = era.Version{Major: 2, Minor: 1, Text: e.Text}
	if e == old.Kafka {
		program.Version.Patch = 7 // the first release with a Release Version line
	}
	return program, err
}

// Flags makes the flag set with the options that both programs have.
func (p Program) Flags() *flag.FlagSet {
	fs := flag.NewFlagSet(p.Name, flag.ContinueOnError)
	fs.Usage = func() {
		fmt.Fprintf(os.Stderr, "Usage of %s:\n", p.Name)
		fs.PrintDefaults()
	}
	fs.Bool("V", false, "print version information and exit")
	fs.String("config", "", "path to the configuration file")
	fs.String("metrics-addr", "", "prometheus pushgateway address, leaves it empty will disable prometheus push")
	fs.Int("metrics-interval", 15, `prometheus client push interval in second, set "0" to disable prometheus push`)
	fs.String("log-rotate", "", "DEPRECATED")
	return fs
}

// Parse fills the variables bound to fs and the struct file (which may be the same memory):
// flags are read, then the file, then the flags again so that they win, then the environment
// for flags not given. -help, -V and bad flags end the process here.
func (p Program) Parse(fs *flag.FlagSet, args []string, file interface{}, envPrefix string, lateKeys map[string]bool) error {
	switch err := fs.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		os.Exit(0)
	case err != nil:
		os.Exit(2)
	}
	if fs.Lookup("V").Value.String() == "true" {
		p.printVersion()
		os.Exit(0)
	}
	if path := fs.Lookup("config").Value.String(); path != "" {
		if err := p.readFile(path, file, lateKeys); err != nil {
			return err
		}
	}
	if err := fs.Parse(args); err != nil {
		return err
	}
	if fs.NArg() > 0 {
		return fmt.Errorf("'%s' is not a valid flag", fs.Arg(0))
	}
	return fromEnvironment(fs, envPrefix)
}

// readFile decodes the TOML file. lateKeys are keys that the struct knows but this version
// does not (value false).
func (p Program) readFile(path string, file interface{}, lateKeys map[string]bool) error {
	meta, err := toml.DecodeFile(path, file)
	if err != nil {
		return err
	}
	var unknown []string
	for _, key := range meta.Undecoded() {
		unknown = append(unknown, key.String())
	}
	for _, key := range meta.Keys() {
		known, late := lateKeys[key.String()]
		if late && !known || key.String() == p.Baked.RejectKey {
			unknown = append(unknown, key.String())
		}
	}
	if len(unknown) > 0 && (p.Version.StrictConfig() || p.Baked.RejectKey != "") {
		return fmt.Errorf("component %s's config file %s contained unknown configuration options: %s", p.Name, path, strings.Join(unknown, ", "))
	}
	return nil
}

func fromEnvironment(fs *flag.FlagSet, prefix string) error {
	given := map[string]bool{}
	fs.Visit(func(f *flag.Flag) { given[f.Name] = true })
	var failure error
	fs.VisitAll(func(f *flag.Flag) {
		name := prefix + "_" + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
		if value := os.Getenv(name); value != "" && !given[f.Name] {
			if err := fs.Set(f.Name, value); err != nil {
				failure = fmt.Errorf("invalid environment value %q for %s: %v", value, name, err)
			}
		}
	})
	return failure
}

// CheckAdvertise refuses an address that others could not use.
func CheckAdvertise(addr string) error {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return fmt.Errorf("bad AdvertiseAddr host format: %s, %v", addr, err)
	}
	if host == "" || host == "0.0.0.0" {
		return fmt.Errorf("invalid advertiseAddr host: %v", host)
	}
	return nil
}

// CheckURLs refuses PD addresses without scheme or port.
func CheckURLs(list string) error {
	for _, url := range strings.Split(list, ",") {
		scheme, host, found := strings.Cut(url, "://")
		if !found || scheme != "http" && scheme != "https" {
			return fmt.Errorf("parse EtcdURLs error: %s, URL scheme must be http, https", list)
		}
		if _, _, err := net.SplitHostPort(host); err != nil {
			return fmt.Errorf("bad EtcdURL host format: %s, %v", host, err)
		}
	}
	return nil
}

// DefaultID is the node id of a node that was given none: the host's name and its port.
func DefaultID(addr string) (string, error) {
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return "", err
	}
	host, err := os.Hostname()
	return host + ":" + port, err
}

// MakeDir makes a data folder as private as the real ones.
func MakeDir(path string) error { return os.MkdirAll(filepath.Clean(path), 0700) }

// Knobs are the knobs in force for a data folder.
func (p Program) Knobs(dataDir string) knob.Set {
	return knob.Source{Baked: p.Baked, DataDir: dataDir}.Now()
}
