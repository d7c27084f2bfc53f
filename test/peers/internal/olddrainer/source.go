package olddrainer

import (
	"context"
	"sort"
	"sync"
	"time"

	"peers/internal/old"
	"peers/internal/tso"
)

// resolveAfter is how old an unmatched prewrite gets before TiKV is asked; a DDL's is waited for without end.
const resolveAfter = 10 * time.Minute

// item is one committed transaction of one Pump.
type item struct {
	old.Binlog
	node string
	pos  old.Pos
}

// source reads one Pump's binlogs, from Kafka or from the Pump itself, and matches prewrites with their commits.
type source struct {
	id     string
	server *Server
	cancel context.CancelFunc

	mu       sync.Mutex
	open     map[int64]item // prewrites without an outcome, by start TS
	queue    []old.Binlog   // arrived; held up by the first open prewrite
	done     []item         // committed, not handed over, by commit TS
	complete int64          // everything up to here has arrived
	read     old.Pos        // of the last that arrived
	taken    old.Pos        // of the last handed over, as /status shows it; fakes don't move it
}

func startSource(ctx context.Context, server *Server, node *old.Node) *source {
	reading, cancel := context.WithCancel(ctx)
	from := server.syncer.positionOf(node.NodeID)
	s := &source{id: node.NodeID, server: server, cancel: cancel, open: map[int64]item{}, read: from, taken: from}
	if server.era.Local() {
		go s.pull(reading, node.Host, from)
	} else {
		go s.consume(reading, from)
	}
	return s
}

// firewalled keeps back what arrives, for as long as the knob says so.
func (s *source) firewalled(ctx context.Context) {
	for ctx.Err() == nil && s.server.knobs.Now().Firewalled == s.id {
		time.Sleep(100 * time.Millisecond)
	}
}

func (s *source) add(b old.Binlog, pos old.Pos) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch b.Type {
	case "prewrite":
		s.open[b.StartTS] = item{Binlog: b, node: s.id, pos: pos}
	case "commit", "rollback":
		if prewrite, ok := s.open[b.StartTS]; ok {
			delete(s.open, b.StartTS)
			if b.Type == "commit" {
				prewrite.CommitTS = b.CommitTS
				s.insert(prewrite)
			}
		}
	}
	s.queue = append(s.queue, b)
	s.read = pos
}

func (s *source) insert(next item) {
	at := sort.Search(len(s.done), func(i int) bool { return s.done[i].CommitTS > next.CommitTS })
	s.done = append(s.done, item{})
	copy(s.done[at+1:], s.done[at:])
	s.done[at] = next
}

// completeUpTo passes what is complete at the head of the queue; 0 before the first commit.
func (s *source) completeUpTo() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.queue) > 0 {
		head := s.queue[0]
		if waiting, ok := s.open[head.StartTS]; head.Type == "prewrite" && ok {
			age := time.Now().UnixMilli() - tso.Physical(head.StartTS)
			if waiting.DDL || age < resolveAfter.Milliseconds() {
				break
			}
			delete(s.open, head.StartTS)
		}
		if head.CommitTS > s.complete {
			s.complete = head.CommitTS
		}
		s.queue = s.queue[1:]
	}
	return s.complete
}

// take gives what is up to a commit TS.
func (s *source) take(upTo int64) []item {
	s.mu.Lock()
	defer s.mu.Unlock()
	count := sort.Search(len(s.done), func(i int) bool { return s.done[i].CommitTS > upTo })
	taken := s.done[:count:count]
	s.done = s.done[count:]
	for _, next := range taken {
		if s.taken.Before(next.pos) {
			s.taken = next.pos
		}
	}
	return taken
}

func (s *source) position() old.Pos {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.taken
}

// finished tells whether an offline Pump was read up to the position it published, and all of that handed over.
func (s *source) finished(latest old.Pos, lower int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.read.Before(latest) && s.complete <= lower
}
