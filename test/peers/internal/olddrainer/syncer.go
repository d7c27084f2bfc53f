package olddrainer

import (
	"context"
	"fmt"
	"sync"
	"time"

	"peers/internal/old"
)

const (
	saveInterval  = 30 * time.Second // the checkpoint, at most
	idleRefresh   = 3 * time.Second  // of the last sync's time, by an idle worker
	executeTries  = 100
	executePause  = 3 * time.Second
	inputCapacity = 65536
	jobCapacity   = 1000
)

// syncer applies what it is given through one worker, in order, and keeps the checkpoint (facts 3.1).
type syncer struct {
	server *Server
	to     downstream
	store  checkpointStore
	input  chan item
	jobs   chan item
	ended  sync.WaitGroup
	inWork sync.WaitGroup // jobs not applied yet

	mu       sync.Mutex
	saved    checkpoint
	savedAt  time.Time
	gauge    int64 // commit TS of the last save by this process, 0 before
	initial  int64 // what is not above this was applied by former processes
	last     time.Time
	events   map[string]int
	queues   map[string]int     // lengths, as they were when something was taken out
	position map[string]old.Pos // of what was given to the worker
}

func newSyncer(server *Server) (*syncer, error) {
	s := &syncer{
		server: server, input: make(chan item, inputCapacity), jobs: make(chan item, jobCapacity),
		savedAt: time.Now(), last: time.Now(), events: map[string]int{},
		queues: map[string]int{"syncer_input": 0, "worker_0": 0}, position: map[string]old.Pos{},
	}
	var err error
	if s.to, s.store, err = openDownstream(server); err != nil {
		return nil, err
	}
	if s.saved, err = s.store.load(); err != nil {
		return nil, err
	}
	if s.saved.CommitTS == 0 {
		s.saved.CommitTS = server.cfg.InitialCommitTS
	}
	s.initial = s.saved.CommitTS
	return s, nil
}

// positionOf is where reading a Pump starts.
func (s *syncer) positionOf(id string) old.Pos {
	s.mu.Lock()
	defer s.mu.Unlock()
	if pos, ok := s.saved.Positions[id]; ok || s.server.era.Local() {
		return pos
	}
	return old.Pos{Offset: old.Oldest}
}

// safeTS is safe-forward-time before the checkpoint: a Pump that went offline earlier is of no interest.
func (s *syncer) safeTS() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.saved.CommitTS - int64(s.server.cfg.SafeForwardTime)*60*1000<<18
}

func (s *syncer) lastSync() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last
}

func (s *syncer) add(ctx context.Context, next item) {
	select {
	case s.input <- next:
	case <-ctx.Done():
	}
}

func (s *syncer) run(ctx context.Context) {
	s.ended.Add(2)
	go s.work(ctx)
	defer s.ended.Done()
	for {
		select {
		case <-ctx.Done():
			return
		case next := <-s.input:
			s.seeQueue("syncer_input", len(s.input))
			if next.CommitTS > s.initial {
				s.dispatch(ctx, next)
			}
		}
	}
}

// wait returns when nothing more is being applied.
func (s *syncer) wait() { s.ended.Wait() }

func (s *syncer) seeQueue(name string, length int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.queues[name] = length
}

// dispatch gives the worker a job. A DDL waits for all before it; behind a DDL, or 30 s after the last save, the
// checkpoint is saved once all has been applied.
func (s *syncer) dispatch(ctx context.Context, next item) {
	if next.DDL && !s.applied(ctx) {
		return
	}
	s.inWork.Add(1)
	select {
	case s.jobs <- next:
	case <-ctx.Done():
		return
	}
	if s.position[next.node].Before(next.pos) {
		s.position[next.node] = next.pos
	}
	if next.DDL || time.Since(s.savedAt) >= saveInterval {
		s.count("savepoint")
		if s.applied(ctx) {
			s.save(next.CommitTS)
		}
	}
}

// applied waits for the jobs in work; false where the drainer ends meanwhile.
func (s *syncer) applied(ctx context.Context) bool {
	done := make(chan struct{})
	go func() { s.inWork.Wait(); close(done) }()
	select {
	case <-done:
		return true
	case <-ctx.Done():
		return false
	}
}

func (s *syncer) save(commitTS int64) {
	s.mu.Lock()
	positions := map[string]old.Pos{}
	for id, pos := range s.saved.Positions {
		positions[id] = pos
	}
	for id, pos := range s.position {
		positions[id] = s.store.behind(pos)
	}
	next := checkpoint{CommitTS: commitTS, Positions: positions}
	s.mu.Unlock()
	if err := s.store.save(next); err != nil {
		s.server.log.Fatal(fmt.Sprintf("[write save point]%d[error]%v", commitTS, err))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.saved, s.savedAt, s.gauge = next, time.Now(), commitTS
}

func (s *syncer) count(event string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.events[event]++
}

// work applies jobs. With dispatch, an idle worker renews the time of the last sync, so that Synced stays false although
// all is applied, and becomes true just when the worker is stuck.
func (s *syncer) work(ctx context.Context) {
	defer s.ended.Done()
	var idle <-chan time.Time
	if !s.server.cfg.Syncer.DisableDispatch {
		ticker := time.NewTicker(idleRefresh)
		defer ticker.Stop()
		idle = ticker.C
	}
	for {
		select {
		case <-ctx.Done():
			return
		case <-idle:
		case next := <-s.jobs:
			s.seeQueue("worker_0", len(s.jobs))
			if !s.execute(ctx, next) {
				return
			}
		}
		s.mu.Lock()
		s.last = time.Now()
		s.mu.Unlock()
	}
}

// execute applies one job: a hundred tries, then the process ends with 1. False where the drainer ends meanwhile.
func (s *syncer) execute(ctx context.Context, next item) bool {
	for try := 1; ; try++ {
		for s.server.knobs.Now().Stuck {
			if ctx.Err() != nil {
				return false
			}
			time.Sleep(50 * time.Millisecond)
		}
		err := s.to.apply(next)
		if err == nil {
			break
		}
		s.server.log.Error("[exec][sql]", "error", err)
		if try == executeTries {
			s.server.log.Fatal(err.Error())
		}
		select {
		case <-ctx.Done():
			return false
		case <-time.After(executePause):
		}
	}
	if next.DDL {
		s.count("DDL")
	} else {
		s.count("Insert")
	}
	s.inWork.Done()
	return true
}
