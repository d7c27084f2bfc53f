// Drainer stands in for TiDB Binlog's Drainer, cluster version.
package main

import (
	"os"
	"os/signal"
	"syscall"

	"peers/internal/drainer"
	"peers/internal/setup"
	"peers/internal/zlog"
)

func main() {
	program, err := setup.New("drainer")
	early := zlog.Default(program.Version.ZapLog())
	if err != nil {
		early.Fatal("reading the baked trailer failed", "error", err)
	}
	cfg, err := drainer.ParseConfig(program, os.Args[1:])
	if err != nil {
		early.Fatal("verifying flags failed, see 'drainer --help'.", "error", err)
	}
	log, err := zlog.Open(program.Version.ZapLog(), cfg.LogLevel, cfg.LogFile)
	if err != nil {
		early.Fatal("Failed to initialize log", "error", err)
	}
	program.LogWelcome(log, "Drainer")
	if code := program.Knobs(cfg.DataDir).ExitAtStart; code != nil {
		os.Exit(*code)
	}

	server, err := drainer.New(cfg, program, log)
	if err != nil {
		log.Fatal("create drainer server failed", "error", err)
	}

	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGHUP, syscall.SIGINT, syscall.SIGTERM, syscall.SIGQUIT)
	go func() {
		for sig := range signals {
			log.Info("got signal to exit.", "signal", sig)
			if !program.Knobs(cfg.DataDir).IgnoreTerm {
				server.Close()
				return
			}
		}
	}()

	if err := server.Start(); err != nil {
		log.Error("start drainer server failed", "error", err)
		os.Exit(2)
	}
}
