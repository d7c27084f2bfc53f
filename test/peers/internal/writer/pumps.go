// Package writer writes binlogs the way TiDB's pump client does (facts 5).
package writer

import (
	"sync"

	"peers/internal/registry"
)

// maxErrors is how many consecutive errors a pump may make before it is avoided.
const maxErrors = 10

// peer is one pump as the client knows it.
type peer struct {
	registry.Node
	errors int
	conn   *connection
}

func (p *peer) usable() bool { return p.State == registry.Online && p.errors <= maxErrors }

// pumps is the set of known pumps. Available ones take turns; an online pump among the others
// is probed from time to time.
type pumps struct {
	mu        sync.Mutex
	dial      func(host string) *connection
	known     map[string]*peer
	available []*peer
	next      int
}

func newPumps(dial func(host string) *connection) *pumps {
	return &pumps{dial: dial, known: map[string]*peer{}}
}

// see takes a registered value: a new pump, a changed state, or just a heartbeat.
func (s *pumps) see(node registry.Node) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, ok := s.known[node.NodeID]
	if !ok {
		p = &peer{Node: node, conn: s.dial(node.Host)}
		s.known[node.NodeID] = p
		s.set(p, p.usable())
		return
	}
	before := p.State
	wasUsable := p.usable()
	p.Node = node
	switch {
	case node.State == before:
	case node.State == registry.Online:
		s.set(p, true)
	case wasUsable:
		s.set(p, false)
	}
}

// forget drops a pump whose key was deleted.
func (s *pumps) forget(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p, ok := s.known[id]; ok {
		delete(s.known, id)
		s.set(p, false)
	}
}

// set makes a pump available or not; either way its connection and error count start anew.
// s.mu is held.
func (s *pumps) set(p *peer, available bool) {
	p.errors = 0
	p.conn.reset(p.Host)
	var rest []*peer
	for _, other := range s.available {
		if other != p {
			rest = append(rest, other)
		}
	}
	if available {
		rest = append(rest, p)
	}
	s.available, s.next = rest, 0
}

// choose gives the next available pump in turn, nil if there is none.
func (s *pumps) choose() *peer {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.available) == 0 {
		return nil
	}
	p := s.available[s.next%len(s.available)]
	s.next++
	return p
}

func (s *pumps) countAvailable() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.available)
}

// note counts consecutive errors.
func (s *pumps) note(p *peer, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil {
		p.errors = 0
		return
	}
	p.errors++
}

// dropFailing makes pumps with too many errors unavailable. The real client calls it when a
// write has ended that met an error, not in the middle of its retries.
func (s *pumps) dropFailing() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.known {
		if !p.usable() {
			s.set(p, false)
		}
	}
}

// avoided gives the pumps that are online but not available.
func (s *pumps) avoided() []*peer {
	s.mu.Lock()
	defer s.mu.Unlock()
	inUse := map[*peer]bool{}
	for _, p := range s.available {
		inUse[p] = true
	}
	var list []*peer
	for _, p := range s.known {
		if !inUse[p] && p.usable() {
			list = append(list, p)
		}
	}
	return list
}

// restore makes a pump available that has just taken a write.
func (s *pumps) restore(p *peer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.known[p.NodeID] == p {
		s.set(p, true)
	}
}
