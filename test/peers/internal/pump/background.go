package pump

import (
	"context"
	"fmt"
	"os"
	"time"
)

func (s *Server) run(task func()) {
	s.background.Add(1)
	go func() {
		defer s.background.Done()
		task()
	}()
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
