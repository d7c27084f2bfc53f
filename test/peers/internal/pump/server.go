// Package pump is the stand-in for a cluster-version Pump. What it does and in which order
// follows facts/binlog.md section 1; each step names its line.
package pump

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
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
