// Package oldpump is the stand-in for the Kafka and Local versions' Pump (facts 3.2, 3.3). There is one for each TiDB,
// which writes through a unix socket.
package oldpump

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"peers/internal/knob"
	"peers/internal/old"
	"peers/internal/setup"
	"peers/internal/tso"
	"peers/internal/zlog"
)

// Server is one running old Pump.
type Server struct {
	cfg       *Config
	era       old.Era
	knobs     knob.Source
	log       *zlog.Logger
	clusterID string
	id        string
	etcd      *clientv3.Client
	nodes     old.Registry
	oracle    *tso.Oracle
	store     *store
	copier    *copier // nil in the Local version

	ctx        context.Context
	cancel     context.CancelFunc
	background sync.WaitGroup
	pages      *http.Server // on TCP
	socket     *http.Server // for the TiDB
	calls      counters
	busy       int32 // a write came since the last look of writeFakes
	closing    int32
	finished   chan struct{}
}

// New does what comes before the registration. It ends the program with 1 where it fails.
func New(cfg *Config, program setup.Program, log *zlog.Logger) (*Server, error) {
	s := &Server{
		cfg: cfg, era: *program.Old, log: log, finished: make(chan struct{}),
		knobs: knob.Source{Baked: program.Baked, DataDir: cfg.DataDir},
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	if err := setup.MakeDir(cfg.DataDir); err != nil {
		return nil, err
	}
	if err := lock(filepath.Join(cfg.DataDir, ".lock")); err != nil {
		return nil, err
	}
	var err error
	if s.id, err = nodeID(cfg); err != nil {
		return nil, err
	}
	if s.etcd, s.clusterID, err = old.Connect(cfg.PDURLs); err != nil {
		return nil, err
	}
	s.nodes, s.oracle = old.Registry{Client: s.etcd, Era: s.era}, tso.NewOracle(s.etcd)
	log.Info("clusterID of pump server is " + s.clusterID)
	return s, nil
}

var held *os.File // the lock, for the life of the process

func lock(path string) (err error) {
	if held, err = os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0600); err != nil {
		return err
	}
	return syscall.Flock(int(held.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
}

// Start serves until the pump is closed: register and notify, heartbeat, Kafka, and only then listen (facts 3.2).
func (s *Server) Start() error {
	for _, step := range []func() error{s.register, s.open, s.listen} {
		if err := step(); err != nil {
			return err
		}
	}
	s.run(s.writeFakes)
	<-s.finished
	return nil
}

func (s *Server) register() error {
	if err := s.nodes.Put(s.ctx, old.Pumps, old.Node{NodeID: s.id, Host: s.cfg.Advertise}); err != nil {
		return fmt.Errorf("fail to register node to etcd: %w", err)
	}
	if err := s.refresh(); err != nil {
		return fmt.Errorf("fail to register node to etcd: %w", err)
	}
	if err := s.notify(); err != nil {
		if err := s.unregister(0); err != nil {
			s.log.Error("unregister pump while pump fails to notify drainer error", "error", err)
		}
		return fmt.Errorf("fail to notify all living drainer: %w", err)
	}
	go s.heartbeat()
	return nil
}

// notify has every Drainer with an alive key look at the registry.
func (s *Server) notify() error {
	drainers, err := s.nodes.Nodes(s.ctx, old.Cisterns)
	if err != nil {
		return err
	}
	client := http.Client{Timeout: 20 * time.Second}
	for _, drainer := range drainers {
		if !drainer.IsAlive {
			continue
		}
		reply, err := client.Post("http://"+drainer.Host+"/standin/notify", "application/json", nil)
		if err != nil {
			return fmt.Errorf("notify drainer(%s); but return error(%v)", drainer.Host, err)
		}
		reply.Body.Close()
	}
	return nil
}

func (s *Server) open() (err error) {
	folder := filepath.Join(s.cfg.DataDir, "clusters", s.clusterID)
	if s.cfg.WriteMode != "mixed" && s.cfg.WriteMode != "kafka" {
		return errors.New("unsupport write mode")
	}
	if s.store, err = openStore(folder); err != nil || s.era.Local() {
		return err
	}
	if s.copier, err = newCopier(s.store, s.cfg.KafkaAddrs, old.Topic(s.clusterID, s.id), folder, s.log); err != nil {
		return fmt.Errorf("fail to initialize pump server: %w", err)
	}
	go s.copier.run(context.Background()) // to the very end: the flush needs it
	return nil
}

func (s *Server) listen() error {
	tcp, err := net.Listen("tcp", s.cfg.Addr)
	if err != nil {
		return fmt.Errorf("fail to start TCP listener on %s: %w", s.cfg.Addr, err)
	}
	unix, err := net.Listen("unix", s.cfg.socketPath)
	if err != nil {
		return fmt.Errorf("fail to start UNIX listener on %s: %w", s.cfg.socketPath, err)
	}
	s.pages, s.socket = &http.Server{Handler: s.routes()}, &http.Server{Handler: http.HandlerFunc(s.serveWrite)}
	go s.pages.Serve(tcp)
	go s.socket.Serve(unix)
	return nil
}

// Close ends the pump gracefully, once (facts 3.2): TiDB's calls, a timestamp, offline in etcd, and only then the flush.
func (s *Server) Close() {
	if !atomic.CompareAndSwapInt32(&s.closing, 0, 1) {
		return
	}
	if s.pages != nil {
		s.pages.Close()
		s.socket.Shutdown(context.Background()) // without limit
	}
	s.log.Info("grpc is stopped")
	ts := s.lastTimestamp()
	s.cancel()
	s.background.Wait()
	if err := s.unregister(ts); err != nil {
		s.log.Error("unregister pump error", "error", err)
	}
	s.log.Info(s.id + " has unregister")
	s.flush()
	time.Sleep(time.Duration(s.knobs.Now().StopDelay) * time.Millisecond)
	close(s.finished)
}

// lastTimestamp waits for PD without limit.
func (s *Server) lastTimestamp() int64 {
	for {
		ts, err := s.oracle.Get(context.Background())
		if err == nil {
			return ts
		}
		s.log.Error("get tso in close error", "error", err)
		time.Sleep(time.Second)
	}
}

// flush waits until all of the local file is in Kafka, for ever where Kafka is away.
func (s *Server) flush() {
	for s.copier != nil && (s.copier.position().Before(s.store.latest()) || s.knobs.Now().FlushNeverEnds) {
		s.log.Info("proxy wait to write all binlogs into kafka", "now", s.copier.position(), "latest", s.store.latest())
		time.Sleep(time.Second)
	}
}
