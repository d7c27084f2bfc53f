// Package drainer is the stand-in for a cluster-version Drainer (facts 2). It pulls from the
// stand-ins for Pump only; its downstream is a database, or a file.
package drainer

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"peers/internal/knob"
	"peers/internal/registry"
	"peers/internal/setup"
	"peers/internal/tso"
	"peers/internal/web"
	"peers/internal/zlog"
)

const (
	heartbeatInterval = time.Second
	heartbeatMaxLost  = 20
)

// Server is one running drainer.
type Server struct {
	cfg     *Config
	program setup.Program
	knobs   knob.Source
	log     *zlog.Logger

	nodes     registry.Registry
	oracle    *tso.Oracle
	collector *collector
	syncer    *syncer

	writing sync.Mutex // one registry write at a time
	mu      sync.Mutex // guards status
	status  registry.Node
	startTS int64
	startAt time.Time

	ctx      context.Context
	cancel   context.CancelFunc
	working  sync.WaitGroup
	closing  int32
	failure  chan error
	finished chan struct{}
}

// New does all that comes before the registration: PD, TSO, checkpoint, DDL history (facts
// 2.4; the knob start_delay stands for a long history, with the port closed).
func New(cfg *Config, program setup.Program, log *zlog.Logger) (*Server, error) {
	s := &Server{
		cfg: cfg, program: program, log: log,
		knobs:    knob.Source{Baked: program.Baked, DataDir: cfg.DataDir},
		failure:  make(chan error, 8),
		finished: make(chan struct{}),
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	id := cfg.NodeID
	if id == "" {
		var err error
		if id, err = setup.DefaultID(cfg.Addr); err != nil {
			return nil, err
		}
	}
	if wrong := s.knobs.Now().WrongNodeID; wrong != "" {
		id = wrong
	}
	s.status = registry.Node{NodeID: id, Host: cfg.Advertise, State: registry.Online}
	if err := setup.MakeDir(cfg.DataDir); err != nil {
		return nil, err
	}
	if err := s.connect(); err != nil {
		return nil, err
	}
	if cfg.InitialCommitTS == -1 {
		cfg.InitialCommitTS = s.startTS
	}
	var err error
	if s.syncer, err = newSyncer(s); err != nil {
		return nil, err
	}
	from, _ := s.syncer.progress()
	s.collector = newCollector(s, from)
	pause(s.knobs.Now().StartDelay)
	return s, nil
}

func pause(milliseconds int) { time.Sleep(time.Duration(milliseconds) * time.Millisecond) }

// connect waits for PD as its client does: one try a second, a hundred of them.
func (s *Server) connect() error {
	client, err := registry.Dial(s.cfg.PDURLs, s.cfg.tls)
	if err != nil {
		return err
	}
	s.nodes, s.oracle = registry.Registry{KV: client}, tso.NewOracle(client)
	for try := 0; ; try++ {
		if err = firstRead(client); err == nil {
			break
		}
		if try == 100 {
			return fmt.Errorf("[pd] failed to get cluster id: %w", err)
		}
		pause(1000)
	}
	s.startTS, err = s.oracle.Get(s.ctx)
	s.startAt = time.Now()
	return err
}

func firstRead(client *clientv3.Client) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_, err := client.Get(ctx, "/pd/cluster_id")
	return err
}

// pumpTLS is how pumps are spoken to.
func (s *Server) pumpTLS() *tls.Config {
	if s.program.Version.HTTPS() {
		return s.cfg.tls
	}
	return nil
}

// Start registers, works, and only then listens (facts 2.4). It returns when the drainer has
// been closed; an error means exit 2.
func (s *Server) Start() error {
	if err := s.refresh(s.ctx); err != nil {
		return err
	}
	s.log.Info("register success", "drainer node id", s.node().NodeID)
	s.run(s.heartbeat)
	s.run(func() error { s.collector.run(s.ctx); return nil })
	s.run(func() error { return s.syncer.run(s.ctx, s.collector.merger) })
	go s.collector.merger.closeWith(s.ctx)
	s.failLater()

	listener, err := net.Listen("tcp", s.cfg.Addr)
	if err != nil {
		return fmt.Errorf("fail to start tcp on %s: %w", s.cfg.Addr, err)
	}
	pause(s.knobs.Now().ServeDelay)
	security := s.pumpTLS()
	if s.knobs.Now().PlaintextHTTP {
		security = nil
	}
	s.log.Info("start to server request", "addr", s.cfg.Advertise)
	go web.Serve(listener, security, s.routes())
	select {
	case <-s.finished:
		return nil
	case err := <-s.failure:
		return s.endAfter(err)
	}
}

// run starts a part of the work; its failure ends the drainer.
func (s *Server) run(part func() error) {
	s.working.Add(1)
	go func() {
		err := part()
		s.working.Done()
		if err != nil {
			s.log.Error("exited abnormal", "error", err)
			s.failure <- err
		}
	}()
}

// endAfter ends after an error as the era does (facts 2.4): 2.1 dies at once and stays online,
// up to 4.0.8 it pauses and exits 0, later it pauses and exits 2.
func (s *Server) endAfter(err error) error {
	if !s.program.Version.ZapLog() {
		s.log.Fatal("drainer meets error", "error", err)
	}
	s.Close()
	if s.program.Version.DrainerExitsOnLostPD() {
		return err
	}
	return nil
}

func (s *Server) failLater() {
	knobs := s.knobs.Now()
	if knobs.SyncError > 0 {
		time.AfterFunc(time.Duration(knobs.SyncError)*time.Millisecond, func() { s.failure <- fmt.Errorf("knob sync_error") })
	}
	if knobs.CrashAfterStart > 0 {
		time.AfterFunc(time.Duration(knobs.CrashAfterStart)*time.Millisecond, func() {
			fmt.Fprintln(os.Stderr, "panic: runtime error: crash_after_start")
			os.Exit(2)
		})
	}
}

func (s *Server) node() registry.Node {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.status
}

// refresh writes the node's object with new timestamps.
func (s *Server) refresh(ctx context.Context) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	s.mu.Lock()
	s.status.UpdateTS = tso.Approach(s.startTS, time.Since(s.startAt))
	s.status.MaxCommitTS, _ = s.syncer.progress()
	node := s.status
	s.mu.Unlock()
	return s.nodes.Update(ctx, registry.Drainers, node)
}

func (s *Server) heartbeat() error {
	for lost := 0; ; {
		select {
		case <-s.ctx.Done():
			return nil
		case <-time.After(heartbeatInterval):
		}
		if s.knobs.Now().NoHeartbeat {
			continue
		}
		if err := s.refresh(context.Background()); err == nil {
			lost = 0
		} else if lost++; lost >= heartbeatMaxLost && s.program.Version.DrainerExitsOnLostPD() {
			return fmt.Errorf("fail to send heartbeat: %w", err)
		}
	}
}

// Close ends the drainer gracefully, once. The state is written first: `paused` does not mean
// that it has ended (facts 2.4).
func (s *Server) Close() {
	if !atomic.CompareAndSwapInt32(&s.closing, 0, 1) {
		return
	}
	s.log.Info("begin to close drainer server")
	s.commitState()
	s.log.Info("commit status done")
	s.cancel()
	s.working.Wait()
	pause(s.knobs.Now().StopDelay)
	s.log.Info("drainer exit")
	close(s.finished)
}

func (s *Server) commitState() {
	s.mu.Lock()
	if s.status.State == registry.Closing {
		s.status.State = registry.Offline
	} else {
		s.status.State = registry.Paused
	}
	s.mu.Unlock()
	if s.knobs.Now().StopLeavesOnline {
		return
	}
	if err := s.refresh(context.Background()); err != nil {
		s.log.Error("update status failed", "id", s.node().NodeID, "error", err)
	}
}
