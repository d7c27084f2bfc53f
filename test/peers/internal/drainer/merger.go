package drainer

import (
	"context"
	"sync"
)

// item is one transaction, or a fake one that only carries its timestamp.
type item struct {
	StartTS  int64  `json:"start_ts"`
	CommitTS int64  `json:"commit_ts"`
	Fake     bool   `json:"fake"`
	Payload  string `json:"payload"`
}

// queueSize bounds what is kept of one pump while others are behind.
const queueSize = 4096

// merger gives the items of all pumps in order of commit TS. It waits for every pump: one that
// is away stalls all (facts 2.2).
type merger struct {
	mu     sync.Mutex
	change *sync.Cond
	queues map[string][]item
	last   int64 // commit TS of the last item given
	closed bool
}

func newMerger(from int64) *merger {
	m := &merger{queues: map[string][]item{}, last: from}
	m.change = sync.NewCond(&m.mu)
	return m
}

func (m *merger) add(id string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.queues[id] = nil
}

func (m *merger) remove(id string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.queues, id)
	m.change.Broadcast()
}

func (m *merger) latest() int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.last
}

// push queues a pump's next item, waiting while its queue is full; false once the pump was
// removed or all was closed.
func (m *merger) push(id string, next item) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	for {
		queue, known := m.queues[id]
		if !known || m.closed {
			return false
		}
		if len(queue) < queueSize {
			m.queues[id] = append(queue, next)
			m.change.Broadcast()
			return true
		}
		m.change.Wait()
	}
}

// next waits for the next item in order; false once closed.
func (m *merger) next() (item, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for !m.closed {
		if id, ok := m.first(); ok {
			head := m.queues[id][0]
			m.queues[id] = m.queues[id][1:]
			m.change.Broadcast()
			if head.CommitTS <= m.last {
				continue // given before: a new stream may begin a little earlier
			}
			m.last = head.CommitTS
			return head, true
		}
		m.change.Wait()
	}
	return item{}, false
}

// first is the pump with the lowest head, if every pump has one. m.mu is held.
func (m *merger) first() (id string, ok bool) {
	for candidate, queue := range m.queues {
		if len(queue) == 0 {
			return "", false
		}
		if !ok || queue[0].CommitTS < m.queues[id][0].CommitTS {
			id, ok = candidate, true
		}
	}
	return id, ok
}

// closeWith ends all waiting when ctx ends.
func (m *merger) closeWith(ctx context.Context) {
	<-ctx.Done()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	m.change.Broadcast()
}
