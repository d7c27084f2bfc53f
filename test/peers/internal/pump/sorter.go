package pump

import (
	"sort"
	"time"

	"peers/internal/tso"
)

// record is one line of the log, and of the write protocol.
type record struct {
	Type     string `json:"type"` // prewrite, commit, rollback, fake
	StartTS  int64  `json:"start_ts"`
	CommitTS int64  `json:"commit_ts,omitempty"`
	Payload  string `json:"payload,omitempty"`
}

// sorter puts committed transactions in order of their commit TS. Records pass in order of
// arrival, and a prewrite holds up all behind it until its commit or rollback has arrived, or
// until it is too old to be in flight (facts 1.2: maxCommitTS can stall behind one prewrite).
type sorter struct {
	resolveAfter time.Duration

	open     map[int64]bool   // prewrites that hold up the queue, by start TS
	payloads map[int64]string // of prewrites without an outcome; given up ones may still get it
	queue    []record         // not passed yet
	done     []record         // commits and fakes, by commit TS
	max      int64            // everything up to here is complete
}

func newSorter(resolveAfter time.Duration) *sorter {
	return &sorter{resolveAfter: resolveAfter, open: map[int64]bool{}, payloads: map[int64]string{}}
}

func (s *sorter) add(r record, now time.Time) {
	switch r.Type {
	case "prewrite":
		s.open[r.StartTS] = true
		s.payloads[r.StartTS] = r.Payload
	case "commit":
		r.Payload = s.payloads[r.StartTS]
		s.settle(r.StartTS)
		s.insert(r)
	case "rollback":
		s.settle(r.StartTS)
	case "fake":
		s.insert(r)
	}
	s.queue = append(s.queue, r)
	s.advance(now)
}

func (s *sorter) settle(startTS int64) {
	delete(s.open, startTS)
	delete(s.payloads, startTS)
}

func (s *sorter) insert(r record) {
	at := s.after(r.CommitTS)
	s.done = append(s.done, record{})
	copy(s.done[at+1:], s.done[at:])
	s.done[at] = r
}

// after is the index of the first finished record behind ts.
func (s *sorter) after(ts int64) int {
	return sort.Search(len(s.done), func(i int) bool { return s.done[i].CommitTS > ts })
}

// advance passes what is complete at the head of the queue.
func (s *sorter) advance(now time.Time) {
	for len(s.queue) > 0 {
		head := s.queue[0]
		if head.Type == "prewrite" && s.open[head.StartTS] {
			if now.UnixMilli()-tso.Physical(head.StartTS) < s.resolveAfter.Milliseconds() {
				return
			}
			delete(s.open, head.StartTS)
		}
		if head.CommitTS > s.max {
			s.max = head.CommitTS
		}
		s.queue = s.queue[1:]
	}
}

// between gives what is complete behind from.
func (s *sorter) between(from int64) []record {
	first, last := s.after(from), s.after(s.max)
	if first >= last {
		return nil
	}
	return append([]record(nil), s.done[first:last]...)
}
