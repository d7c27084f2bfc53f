// Old-pump stands in for the Pump of TiDB Binlog's Kafka and Local versions.
package main

import (
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"peers/internal/oldpump"
	"peers/internal/setup"
	"peers/internal/zlog"
)

func main() {
	early := zlog.Default(false)
	program, err := setup.NewOld("pump")
	if err != nil {
		early.Fatal("reading the baked trailer failed", "error", err)
	}
	cfg, err := oldpump.ParseConfig(program, os.Args[1:])
	if err != nil {
		early.Fatal(fmt.Sprintf("verifying flags error, %v. See 'pump --help'.", err))
	}
	log, err := zlog.Open(false, cfg.LogLevel, cfg.LogFile)
	if err != nil {
		early.Fatal("Failed to initialize log", "error", err)
	}
	program.LogWelcome(log, "Pump")
	knobs := program.Knobs(cfg.DataDir)
	if knobs.ExitAtStart != nil {
		os.Exit(*knobs.ExitAtStart)
	}
	server, err := oldpump.New(cfg, program, log)
	if err != nil {
		log.Fatal("creating pump server error", "error", err)
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGHUP, syscall.SIGINT, syscall.SIGTERM, syscall.SIGQUIT)
	go func() {
		for sig := range signals {
			log.Info(fmt.Sprintf("got signal [%d] to exit.", sig))
			if !program.Knobs(cfg.DataDir).IgnoreTerm {
				server.Close()
				return
			}
		}
	}()
	if knobs.CrashAfterStart > 0 {
		time.AfterFunc(time.Duration(knobs.CrashAfterStart)*time.Millisecond, func() { panic("knob crash_after_start") })
	}
	if err := server.Start(); err != nil {
		log.Error("pump server error", "error", err)
		os.Exit(program.Old.StartFailureExit())
	}
	log.Info("pump exit")
}
