// Pump stands in for TiDB Binlog's Pump, cluster version.
package main

import (
	"os"
	"os/signal"
	"syscall"

	"peers/internal/pump"
	"peers/internal/setup"
	"peers/internal/zlog"
)

func main() {
	program, err := setup.New("pump")
	early := zlog.Default(program.Version.ZapLog())
	if err != nil {
		early.Fatal("reading the baked trailer failed", "error", err)
	}
	cfg, err := pump.ParseConfig(program, os.Args[1:])
	if err != nil {
		early.Fatal("verifying flags failed. See 'pump --help'.", "error", err)
	}
	log, err := zlog.Open(program.Version.ZapLog(), cfg.LogLevel, cfg.LogFile)
	if err != nil {
		early.Fatal("Failed to initialize log", "error", err)
	}
	program.LogWelcome(log, "Pump")
	if code := program.Knobs(cfg.DataDir).ExitAtStart; code != nil {
		os.Exit(*code)
	}

	server, err := pump.New(cfg, program, log)
	if err != nil {
		log.Fatal("creating pump server failed", "error", err)
	}

	// Until here a signal ends the process by itself, as it does in the real one (facts 1.6).
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGHUP, syscall.SIGINT, syscall.SIGTERM, syscall.SIGQUIT)
	go func() {
		for sig := range signals {
			log.Info("got signal to exit.", "signal", sig)
			if !program.Knobs(cfg.DataDir).IgnoreTerm {
				server.Close()
				return // a second signal is never looked at (facts 1.2)
			}
		}
	}()

	if err := server.Start(); err != nil {
		log.Error("start pump server failed", "error", err)
		os.Exit(2)
	}
	log.Info("pump exit")
}
