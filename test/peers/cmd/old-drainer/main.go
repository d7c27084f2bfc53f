// Old-drainer stands in for the Drainer of TiDB Binlog's Kafka and Local versions.
package main

import (
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"peers/internal/olddrainer"
	"peers/internal/setup"
	"peers/internal/zlog"
)

func main() {
	early := zlog.Default(false)
	program, err := setup.NewOld("drainer")
	if err != nil {
		early.Fatal("reading the baked trailer failed", "error", err)
	}
	cfg, err := olddrainer.ParseConfig(program, os.Args[1:])
	if err != nil {
		early.Fatal(fmt.Sprintf("verifying flags error, See 'drainer --help'. %v", err))
	}
	log, err := zlog.Open(false, cfg.LogLevel, cfg.LogFile)
	if err != nil {
		early.Fatal("Failed to initialize log", "error", err)
	}
	program.LogWelcome(log, "Drainer")
	knobs := program.Knobs(cfg.DataDir)
	if knobs.ExitAtStart != nil {
		os.Exit(*knobs.ExitAtStart)
	}
	server, err := olddrainer.New(cfg, program, log)
	if err != nil {
		log.Fatal("create drainer server error", "error", err)
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGHUP, syscall.SIGINT, syscall.SIGTERM, syscall.SIGQUIT)
	go func() {
		for sig := range signals {
			log.Info(fmt.Sprintf("got signal [%d] to exit.", sig))
			if !program.Knobs(cfg.DataDir).IgnoreTerm {
				server.Close()
				os.Exit(0)
			}
		}
	}()
	if knobs.CrashAfterStart > 0 {
		time.AfterFunc(time.Duration(knobs.CrashAfterStart)*time.Millisecond, func() { panic("knob crash_after_start") })
	}
	if err := server.Start(); err != nil {
		log.Error("start drainer server error", "error", err)
		os.Exit(2)
	}
}
