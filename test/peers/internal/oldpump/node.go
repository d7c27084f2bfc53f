package oldpump

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"peers/internal/old"
	"peers/internal/setup"
	"peers/internal/tso"
)

// nodeID finds who this pump is: .node wins over --node-id, which is not saved; with neither, host name and port are
// saved for the next start. An id that is not host:port is refused.
func nodeID(cfg *Config) (string, error) {
	path := filepath.Join(cfg.DataDir, ".node")
	text, err := os.ReadFile(path)
	id := strings.TrimSpace(string(text))
	switch {
	case err == nil:
	case cfg.NodeID != "":
		return cfg.NodeID, nil
	case !os.IsNotExist(err):
		return "", err
	default:
		if id, err = setup.DefaultID(cfg.Addr); err != nil {
			return "", err
		}
		if err := os.WriteFile(path, []byte(id), 0600); err != nil {
			return "", err
		}
	}
	_, port, err := net.SplitHostPort(id)
	if err == nil {
		_, err = strconv.Atoi(port)
	}
	if err != nil {
		return "", fmt.Errorf("node id %s is illegal: %w", id, err)
	}
	return id, nil
}

func (s *Server) positions() old.Latest {
	var latest old.Latest
	if s.store != nil {
		latest.File = s.store.latest()
	}
	if s.copier != nil {
		latest.Kafka = s.copier.kafkaPosition()
	}
	return latest
}

// refresh keeps the alive key for interval*3/2 seconds (facts 4).
func (s *Server) refresh() error {
	return s.nodes.Refresh(s.ctx, old.Pumps, s.id, s.positions(), int64(s.cfg.HeartbeatInterval)*3/2)
}

func (s *Server) heartbeat() {
	for {
		select {
		case <-s.ctx.Done():
			return
		case <-time.After(time.Duration(s.cfg.HeartbeatInterval) * time.Second):
		}
		if err := s.refresh(); err != nil && s.ctx.Err() == nil {
			s.log.Error("send heartbeat error", "error", err)
		}
	}
}

// unregister: the Kafka version marks the node offline with its positions, the Local version deletes its keys.
func (s *Server) unregister(ts int64) error {
	if s.era.Local() {
		return s.nodes.Delete(context.Background(), old.Pumps, s.id)
	}
	latest := s.positions()
	return s.nodes.Put(context.Background(), old.Pumps, old.Node{
		NodeID: s.id, Host: s.cfg.Advertise, IsOffline: true,
		LatestFilePos: latest.File, LatestKafkaPos: latest.Kafka, OfflineTS: ts,
	})
}

func (s *Server) run(task func()) {
	s.background.Add(1)
	go func() {
		defer s.background.Done()
		task()
	}()
}

// writeFakes writes a rollback of nothing where no write came in an interval, so that the Drainer's window moves on. It
// is no RPC, and not counted as one (facts 3.2).
func (s *Server) writeFakes() {
	for {
		select {
		case <-s.ctx.Done():
			return
		case <-time.After(time.Duration(s.cfg.FakeInterval) * time.Second):
		}
		if atomic.SwapInt32(&s.busy, 0) != 0 {
			continue
		}
		ts, err := s.oracle.Get(s.ctx)
		if err == nil {
			ts = tso.Floor(ts)
			err = s.store.append(old.Binlog{Type: "rollback", StartTS: ts, CommitTS: ts})
		}
		if err != nil {
			s.log.Error("generate forward binlog error", "error", err)
		}
	}
}
