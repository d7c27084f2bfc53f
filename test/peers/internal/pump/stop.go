package pump

import (
	"context"
	"errors"
	"math"
	"time"

	"peers/internal/registry"
)

// commitState writes the last state (facts 1.2): paused, or offline once the drainers have
// read everything. A failure is only logged.
func (s *Server) commitState() {
	knobs := s.knobs.Now()
	state := s.node().State
	switch state {
	case registry.Online, registry.Pausing:
		state = registry.Paused
	case registry.Closing:
		s.waitDrained()
		s.log.Info("safe to offline now")
		state = registry.Offline
	}
	if !knobs.StopLeavesOnline {
		if err := s.write(state); err != nil {
			s.log.Error("unregister pump failed", "error", err)
		}
	}
	s.log.Info("update state success", "NodeID", s.node().NodeID, "state", state)
}

// waitDrained blocks until every drainer that is not offline, alive or not, has passed a fake
// binlog written now (facts 1.5). There is no limit.
func (s *Server) waitDrained() {
	fake, err := s.writeFake()
	for err != nil {
		s.log.Error("Failed to write fake binlog", "error", err)
		pause(1000)
		fake, err = s.writeFake()
	}
	for s.store.maxCommitTS() < fake || !s.store.allMatched() {
		s.log.Info("wait all P-binlog to be matched")
		pause(1000)
	}
	need := s.store.maxCommitTS()
	for {
		pause(1000)
		slowest, err := s.slowestDrainer()
		if err != nil {
			s.log.Error("Failed to get safe GCTS", "error", err)
			continue
		}
		if slowest >= need && !s.knobs.Now().StayClosing {
			return
		}
		s.log.Warn("Waiting for drainer to consume binlog", "Minimum Drainer MaxCommitTS", slowest, "Need to reach maxCommitTS", need)
		if _, err := s.writeFake(); err != nil {
			s.log.Error("write fake binlog failed", "error", err)
		}
	}
}

func (s *Server) slowestDrainer() (int64, error) {
	drainers, err := s.nodes.Nodes(context.Background(), registry.Drainers)
	if err != nil {
		return 0, err
	}
	slowest := int64(math.MaxInt64)
	for _, drainer := range drainers {
		if drainer.State != registry.Offline && drainer.MaxCommitTS < slowest {
			slowest = drainer.MaxCommitTS
		}
	}
	return slowest, nil
}

// endRequests ends pull streams, closes the port, and waits for writes in flight: 10 s at most,
// without limit in older versions (facts 1.5).
func (s *Server) endRequests() {
	close(s.pullsEnd)
	if s.listener != nil {
		s.listener.Close()
	}
	idle := s.requests.drain()
	if !s.program.Version.BoundsGracefulStop() {
		<-idle
		return
	}
	select {
	case <-idle:
	case <-time.After(10 * time.Second):
		s.log.Error("grpc_server.GracefulStop timed out", "error", errors.New("10s"))
	}
	s.log.Info("grpc is stopped")
}
