// Package pump is the stand-in for a cluster-version Pump. What it does and in which order
// follows facts/binlog.md section 1; each step names its line.
package pump

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"os"
	"path/filepath"
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

// Server is one running pump.
type Server struct {
	cfg     *Config
	program setup.Program
	knobs   knob.Source
	log     *zlog.Logger

	etcd   *clientv3.Client
	nodes  registry.Registry
	oracle *tso.Oracle
	store  *store

	writing sync.Mutex // one registry write at a time; not held for reads, PD may be slow
	mu      sync.Mutex // guards the next four
	status  registry.Node
	startTS int64
	startAt time.Time
	loss    int64

	listener   net.Listener
	ctx        context.Context // ends when the pump begins to close
	cancel     context.CancelFunc
	background sync.WaitGroup
	requests   requestCounters
	pullsEnd   chan struct{}
	closing    int32
	finished   chan struct{}
}

// New opens everything but the port (facts 1.4, first half). It blocks while PD is away.
func New(cfg *Config, program setup.Program, log *zlog.Logger) (*Server, error) {
	s := &Server{
		cfg: cfg, program: program, log: log,
		knobs:    knob.Source{Baked: program.Baked, DataDir: cfg.DataDir},
		pullsEnd: make(chan struct{}),
		finished: make(chan struct{}),
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	if err := s.connect(); err != nil {
		return nil, err
	}
	if err := setup.MakeDir(cfg.DataDir); err != nil {
		return nil, err
	}
	knobs := s.knobs.Now()
	resolveAfter := 10 * time.Minute
	if knobs.ResolveAfter > 0 {
		resolveAfter = time.Duration(knobs.ResolveAfter) * time.Millisecond
	}
	var err error
	if s.store, err = openStore(cfg.DataDir, resolveAfter); err != nil {
		return nil, err
	}
	pause(knobs.StartDelay)
	if err := lockFile(filepath.Join(cfg.DataDir, ".lock")); err != nil {
		return nil, err
	}
	id, err := nodeID(cfg)
	if err != nil {
		return nil, err
	}
	if knobs.WrongNodeID != "" {
		id = knobs.WrongNodeID
	}
	s.status = registry.Node{NodeID: id, Host: cfg.Advertise, State: registry.Offline}
	previous, err := s.nodes.Node(s.ctx, registry.Pumps, id)
	if err != nil {
		return nil, fmt.Errorf("fail to get previous node status: %w", err)
	}
	if previous != nil {
		s.status.State = previous.State
	}
	return s, nil
}

// connect waits for PD as its client does: one try a second, a hundred of them.
func (s *Server) connect() error {
	client, err := registry.Dial(s.cfg.PDURLs, s.cfg.tls)
	if err != nil {
		return err
	}
	s.etcd, s.nodes, s.oracle = client, registry.Registry{KV: client}, tso.NewOracle(client)
	for try := 0; ; try++ {
		ctx, cancel := context.WithTimeout(s.ctx, time.Second)
		reply, err := client.Get(ctx, "/pd/cluster_id")
		cancel()
		if err == nil {
			s.log.Info("get clusterID success", "clusterID", reply.Header.ClusterId)
			return nil
		}
		if try == 100 {
			return fmt.Errorf("[pd] failed to get cluster id: %w", err)
		}
		pause(1000)
	}
}

func pause(milliseconds int) { time.Sleep(time.Duration(milliseconds) * time.Millisecond) }

// Start serves until the pump is closed (facts 1.4, second half). An error means exit 2.
func (s *Server) Start() error {
	steps := []func() error{s.listen, s.register}
	if !s.program.Version.ListensFirst() {
		steps = []func() error{s.register, s.listen}
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	pause(s.knobs.Now().ServeDelay)
	s.crashLater()
	s.log.Info("start to server request", "addr", s.cfg.Advertise)
	go web.Serve(s.listener, s.serverTLS(), s.routes())
	<-s.finished
	return nil
}

func (s *Server) listen() error {
	var err error
	if s.listener, err = net.Listen("tcp", s.cfg.Addr); err != nil {
		return fmt.Errorf("fail to start tcp on %s: %w", s.cfg.Addr, err)
	}
	s.run(s.writeFakes)
	s.run(s.logTicks)
	return nil
}

// serverTLS: facts 1.7, older versions served plain HTTP with [security] set.
func (s *Server) serverTLS() *tls.Config {
	if s.program.Version.HTTPS() && !s.knobs.Now().PlaintextHTTP {
		return s.cfg.tls
	}
	return nil
}

func (s *Server) run(task func()) {
	s.background.Add(1)
	go func() {
		defer s.background.Done()
		task()
	}()
}

// register makes this pump online in the registry, tells the drainers where the era demands
// it, and starts the heartbeat.
func (s *Server) register() error {
	if s.knobs.Now().NeverRegister {
		<-s.finished
		return nil
	}
	previous := s.node().State
	ts, err := s.oracle.Get(context.Background())
	if err != nil {
		return fmt.Errorf("fail to get tso from pd: %w", err)
	}
	s.mu.Lock()
	s.startTS, s.startAt = ts, time.Now()
	s.mu.Unlock()
	if err := s.write(registry.Online); err != nil {
		return fmt.Errorf("fail to register node to etcd: %w", err)
	}
	s.log.Info("register success", "NodeID", s.node().NodeID)
	if previous == registry.Offline || !s.program.Version.NotifiesOnlyNew() {
		if err := s.notifyDrainers(); err != nil {
			state := registry.Paused
			if s.program.Version.NotifiesOnlyNew() {
				state = registry.Offline
			}
			if err := s.write(state); err != nil {
				s.log.Error("unregister pump while pump fails to notify drainer", "error", err)
			}
			return fmt.Errorf("fail to notify all living drainer: %w", err)
		}
		s.log.Info("notify success")
	}
	go s.heartbeat() // not waited for at the end, facts 1.2
	return nil
}

// node is a copy of this pump's own object.
func (s *Server) node() registry.Node {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.status
}

// write sets the state, in memory and in the registry.
func (s *Server) write(state string) error {
	s.mu.Lock()
	s.status.State = state
	s.mu.Unlock()
	return s.refresh(context.Background())
}

// refresh writes the object as it is in memory, with new timestamps.
func (s *Server) refresh(ctx context.Context) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	s.mu.Lock()
	s.status.UpdateTS = tso.Approach(s.startTS, time.Since(s.startAt))
	s.status.MaxCommitTS = s.store.maxCommitTS()
	node := s.status
	s.mu.Unlock()
	return s.nodes.Update(ctx, registry.Pumps, node)
}

func (s *Server) heartbeat() {
	for {
		select {
		case <-s.ctx.Done():
			return
		case <-time.After(time.Duration(s.cfg.HeartbeatInterval) * time.Second):
		}
		if s.knobs.Now().NoHeartbeat {
			continue
		}
		err := s.refresh(s.ctx)
		if err != nil && s.ctx.Err() == nil {
			s.log.Error("send heartbeat failed", "error", err)
		}
	}
}

// writeFakes keeps the commit TS moving while nothing is written (facts 1.2).
func (s *Server) writeFakes() {
	seen := s.store.writes()
	for {
		select {
		case <-s.ctx.Done():
			s.log.Info("genFakeBinlog exit")
			return
		case <-time.After(time.Duration(s.cfg.FakeInterval) * time.Second):
		}
		if seen == s.store.writes() {
			if _, err := s.writeFake(); err != nil {
				s.log.Error("write fake binlog failed", "error", err)
			}
		}
		seen = s.store.writes()
	}
}

func (s *Server) writeFake() (int64, error) {
	began := time.Now()
	ts, err := s.oracle.Get(context.Background())
	if err == nil {
		err = s.store.append(record{Type: "fake", StartTS: ts, CommitTS: ts})
	}
	s.requests.observe("WriteBinlog", err == nil, began)
	return ts, err
}

func (s *Server) logTicks() {
	for {
		select {
		case <-s.ctx.Done():
			s.log.Info("printServerInfo exit")
			return
		case <-time.After(10 * time.Second):
			s.log.Info("server info tick", "writeBinlogCount", s.store.writes(), "MaxCommitTS", s.store.maxCommitTS())
		}
	}
}

func (s *Server) crashLater() {
	if after := s.knobs.Now().CrashAfterStart; after > 0 {
		go func() {
			pause(after)
			fmt.Fprintln(os.Stderr, "panic: runtime error: crash_after_start")
			os.Exit(2)
		}()
	}
}

// available is the free bytes as this pump sees them.
func (s *Server) available() (available, capacity int64) {
	available, capacity = space(s.cfg.DataDir)
	if bytes := s.knobs.Now().AvailableBytes; bytes != nil {
		available = *bytes
	}
	return available, capacity
}

// Close ends the pump gracefully, once; later calls do nothing.
func (s *Server) Close() {
	s.log.Info("begin to close pump server")
	if !atomic.CompareAndSwapInt32(&s.closing, 0, 1) {
		return
	}
	s.cancel()
	s.background.Wait()
	s.log.Info("background goroutins are stopped")
	s.commitState()
	s.log.Info("commit status done")
	s.endRequests()
	pause(s.knobs.Now().StopDelay)
	s.store.close()
	s.log.Info("storage is closed")
	close(s.finished)
}
