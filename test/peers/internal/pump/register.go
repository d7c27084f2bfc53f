package pump

import (
	"context"
	"fmt"
	"time"

	"peers/internal/registry"
	"peers/internal/tso"
)

// register makes this pump online in the registry, tells the drainers where the era demands
// it, and starts the heartbeat.
func (s *Server) register() error {
	if s.knobs.Now().NeverRegister {
		<-s.finished
		return nil
	}
	if s.knobs.Now().Unregistered {
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
