// Package tidb is the stand-in for a tidb-server as the migration meets it (facts 3.4, 5): its status port, and sessions
// that write transactions through an old Pump's socket or through the new Pumps.
package tidb

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"peers/internal/registry"
	"peers/internal/setup"
	"peers/internal/writer"
	"peers/internal/zlog"
)

const (
	infoPrefix = "/tidb/server/info/"
	infoTTL    = 90 // seconds that a killed server stays listed; the real one's is of this order
	drain      = 30 * time.Second
)

// Server is one running tidb-server.
type Server struct {
	cfg     *Config
	program setup.Program
	log     *zlog.Logger
	etcd    *clientv3.Client
	info    info
	writer  *writer.Writer
	rows    *os.File

	mu   sync.Mutex // guards business
	stop context.CancelFunc
	done chan struct{}
}

// New connects, takes over what a former life left in the folder, and makes the binlog client; it fails where that finds
// no Pump.
func New(cfg *Config, program setup.Program, log *zlog.Logger) (*Server, error) {
	s := &Server{cfg: cfg, program: program, log: log}
	urls := "http://" + strings.ReplaceAll(cfg.Path, ",", ",http://")
	var err error
	if s.etcd, err = registry.Dial(urls, nil); err != nil {
		return nil, err
	}
	if s.rows, err = os.OpenFile(filepath.Join(cfg.Dir, "rows"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0644); err != nil {
		return nil, err
	}
	s.info = s.makeInfo()
	if !s.logsBinlog() {
		return s, nil
	}
	s.writer, err = writer.New(context.Background(), writer.Options{
		// PD's timestamps are in order whoever asks, these by the millisecond only: a transaction that took less could
		// get a commit TS below one of another TiDB that the Drainers have passed.
		TxnDelay: 2 * time.Millisecond,
		PDURLs:   urls, Socket: s.socket(), Rate: cfg.Rate, Drain: drain, Tag: cfg.Tag, Rows: s.rows,
	})
	if err != nil {
		return nil, err
	}
	var former writer.Summary
	if text, err := os.ReadFile(s.path("summary.json")); err == nil && json.Unmarshal(text, &former) == nil {
		s.writer.Continue(former)
	}
	return s, nil
}

func (s *Server) path(name string) string { return filepath.Join(s.cfg.Dir, name) }

// socket is the old Pump's: by flag, or left in the file, which a new version still goes by (facts 3.4).
func (s *Server) socket() string { return strings.TrimPrefix(s.cfg.Binlog.Socket, "unix://") }

func (s *Server) logsBinlog() bool { return s.cfg.Binlog.Enable || s.cfg.Binlog.Socket != "" }

// Run registers and serves until ctx ends, then finishes what is in flight.
func (s *Server) Run(ctx context.Context) error {
	if err := s.register(ctx); err != nil {
		return err
	}
	listener, err := net.Listen("tcp", fmt.Sprintf("%s:%d", s.cfg.Host, s.cfg.StatusPort))
	if err != nil {
		return err
	}
	go http.Serve(listener, s.routes())
	if _, err := os.Stat(s.path("paused")); err != nil {
		s.resume()
	}
	<-ctx.Done()
	s.pause()
	return s.unregister()
}

// resume starts business, pause ends it and waits for the transactions in flight. Without binlog there is none.
func (s *Server) resume() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stop != nil || s.writer == nil || s.cfg.Rate <= 0 {
		return
	}
	var ctx context.Context
	ctx, s.stop = context.WithCancel(context.Background())
	s.done = make(chan struct{})
	go func(done chan struct{}) {
		s.writer.Run(ctx)
		close(done)
	}(s.done)
}

func (s *Server) pause() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stop != nil {
		s.stop()
		<-s.done
		s.stop = nil
	}
	s.saveSummary()
}

func (s *Server) saveSummary() {
	if s.writer == nil {
		return
	}
	text, err := json.Marshal(s.writer.Summary())
	if err == nil {
		err = os.WriteFile(s.path("summary.json"), append(text, '\n'), 0644)
	}
	if err != nil {
		s.log.Error("save summary", "error", err)
	}
}

func (s *Server) ddl(ctx context.Context, query string) (int64, error) {
	if s.writer == nil || s.socket() == "" {
		return 0, errors.New("the stand-in runs a DDL through an old Pump only")
	}
	return s.writer.DDL(ctx, query)
}
