// Tidb stands in for tidb-server before and after the switch from the old Pumps to the new ones.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"peers/internal/setup"
	"peers/internal/tidb"
	"peers/internal/zlog"
)

func main() {
	program, err := setup.New("tidb-server")
	early := zlog.Default(program.Version.ZapLog())
	if err != nil {
		early.Fatal("reading the baked trailer failed", "error", err)
	}
	cfg, err := tidb.ParseConfig(program, os.Args[1:])
	if err != nil {
		early.Fatal("load config failed", "error", err)
	}
	log, err := zlog.Open(program.Version.ZapLog(), cfg.LogLevel, cfg.LogFile)
	if err != nil {
		early.Fatal("initialize log failed", "error", err)
	}
	program.LogWelcome(log, "TiDB.")
	ctx, _ := signal.NotifyContext(context.Background(), syscall.SIGHUP, syscall.SIGINT, syscall.SIGTERM, syscall.SIGQUIT)
	server, err := tidb.New(cfg, program, log)
	if err != nil {
		log.Fatal("setup failed", "error", err)
	}
	if err := server.Run(ctx); err != nil {
		log.Fatal("run failed", "error", err)
	}
}
