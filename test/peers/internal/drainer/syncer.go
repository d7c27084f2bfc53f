package drainer

import (
	"context"
	"errors"
	"sync"
	"time"
)

// saveInterval is how often the checkpoint is saved at most (facts 2.3).
const saveInterval = 3 * time.Second

// syncer applies merged items to the downstream in order, and moves the checkpoint behind them.
type syncer struct {
	server *Server
	to     downstream

	mu       sync.Mutex
	saved    int64 // the checkpoint, and so /status's LastTS
	lastReal time.Time
	events   map[string]int
}

func newSyncer(server *Server) (*syncer, error) {
	to, err := openDownstream(server)
	if err != nil {
		return nil, err
	}
	s := &syncer{server: server, to: to, lastReal: time.Now(), events: map[string]int{}}
	s.saved, err = to.load(server.cfg.InitialCommitTS)
	return s, err
}

// run applies items until the merger is closed; an error ends the drainer.
func (s *syncer) run(ctx context.Context, m *merger) error {
	var lastSave time.Time
	var applied int64
	for {
		next, ok := m.next()
		if !ok {
			break
		}
		err := s.apply(ctx, next)
		if errors.Is(err, context.Canceled) {
			break
		}
		if err != nil {
			return err
		}
		applied = next.CommitTS
		if time.Since(lastSave) >= saveInterval {
			if err := s.save(applied, false); err != nil {
				return err
			}
			lastSave = time.Now()
		}
	}
	if applied == 0 {
		return nil
	}
	return s.save(applied, true)
}

func (s *syncer) apply(ctx context.Context, next item) error {
	for s.server.knobs.Now().Stuck {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		time.Sleep(100 * time.Millisecond)
	}
	if next.Fake {
		return nil
	}
	if err := s.to.apply(next); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lastReal = time.Now()
	s.events["Insert"]++
	return nil
}

func (s *syncer) save(commitTS int64, consistent bool) error {
	if err := s.to.save(commitTS, consistent); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.saved = commitTS
	s.events["savepoint"]++
	return nil
}

// progress gives the checkpoint, and how long ago a real transaction was applied.
func (s *syncer) progress() (lastTS int64, idle time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.saved, time.Since(s.lastReal)
}
