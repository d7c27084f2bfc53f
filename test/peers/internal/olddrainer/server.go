// Package olddrainer is the stand-in for the Kafka and Local versions' Drainer (facts 3.1, 3.3).
package olddrainer

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"peers/internal/knob"
	"peers/internal/old"
	"peers/internal/setup"
	"peers/internal/tso"
	"peers/internal/zlog"
)

const (
	heartbeatTTL      = 60
	heartbeatInterval = 10 * time.Second
)

// Server is one running old Drainer.
type Server struct {
	cfg       *Config
	era       old.Era
	knobs     knob.Source
	log       *zlog.Logger
	clusterID string
	id        string
	nodes     old.Registry
	oracle    *tso.Oracle
	syncer    *syncer
	collector *collector

	ctx     context.Context
	cancel  context.CancelFunc
	closing int32
}

// New does what comes before the registration. It ends the program with 1 where it fails.
func New(cfg *Config, program setup.Program, log *zlog.Logger) (*Server, error) {
	s := &Server{cfg: cfg, era: *program.Old, log: log, knobs: knob.Source{Baked: program.Baked, DataDir: cfg.DataDir}}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	if err := setup.MakeDir(cfg.DataDir); err != nil {
		return nil, err
	}
	var err error
	if s.id, err = setup.DefaultID(cfg.Addr); err != nil {
		return nil, err
	}
	client, clusterID, err := old.Connect(cfg.PDURLs)
	if err != nil {
		return nil, err
	}
	s.clusterID = clusterID
	s.nodes, s.oracle = old.Registry{Client: client, Era: s.era}, tso.NewOracle(client)
	log.Info("clusterID of drainer server is " + clusterID)
	if s.syncer, err = newSyncer(s); err != nil {
		return nil, err
	}
	s.collector = newCollector(s)
	return s, nil
}

// Start registers, works, and then listens; an error means exit 2.
func (s *Server) Start() error {
	if err := s.nodes.Put(s.ctx, old.Cisterns, old.Node{NodeID: s.id, Host: s.cfg.Addr}); err != nil {
		return err
	}
	if err := s.refresh(); err != nil {
		s.log.Error("send heart error", "error", err)
	}
	go s.heartbeat()
	go s.collector.run(s.ctx)
	go s.syncer.run(s.ctx)
	listener, err := net.Listen("tcp", s.cfg.Addr)
	if err != nil {
		return fmt.Errorf("fail to start TCP listener on %s: %w", s.cfg.Addr, err)
	}
	return http.Serve(listener, s.routes())
}

func (s *Server) refresh() error {
	return s.nodes.Refresh(s.ctx, old.Cisterns, s.id, old.Latest{}, heartbeatTTL)
}

func (s *Server) heartbeat() {
	for {
		select {
		case <-s.ctx.Done():
			return
		case <-time.After(heartbeatInterval):
		}
		if err := s.refresh(); err != nil {
			s.log.Error("send heart error", "error", err)
		}
	}
}

// Close deletes the Drainer's own keys and ends the work; the caller exits with 0. The checkpoint is not saved.
func (s *Server) Close() {
	if !atomic.CompareAndSwapInt32(&s.closing, 0, 1) {
		return
	}
	s.log.Info("begin to close drainer server")
	if err := s.nodes.Delete(s.ctx, old.Cisterns, s.id); err != nil {
		s.log.Error("unregister drainer error", "error", err)
	}
	s.cancel()
	s.syncer.wait()
	time.Sleep(time.Duration(s.knobs.Now().StopDelay) * time.Millisecond)
}
