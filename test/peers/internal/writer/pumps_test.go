package writer

import (
	"errors"
	"testing"

	"peers/internal/registry"
)

func node(id, state string) registry.Node {
	return registry.Node{NodeID: id, Host: id, State: state}
}

func set(nodes ...registry.Node) *pumps {
	s := newPumps(func(host string) *connection { return newConnection(host, nil) })
	for _, n := range nodes {
		s.see(n)
	}
	return s
}

func turn(s *pumps, n int) (ids string) {
	for i := 0; i < n; i++ {
		if p := s.choose(); p != nil {
			ids += p.NodeID
		} else {
			ids += "-"
		}
	}
	return ids
}

func TestOnlinePumpsTakeTurns(t *testing.T) {
	s := set(node("a", registry.Online), node("b", registry.Paused), node("c", registry.Online))
	if got := turn(s, 4); got != "acac" {
		t.Error(got)
	}
	s.see(node("a", registry.Paused))
	if got := turn(s, 2); got != "cc" {
		t.Error("paused:", got)
	}
	s.see(node("a", registry.Online))
	if got := turn(s, 2); got != "ca" {
		t.Error("back:", got)
	}
	s.forget("a")
	s.see(node("c", registry.Offline))
	if got := turn(s, 1); got != "-" {
		t.Error("none left:", got)
	}
}

func TestFailingPumpIsAvoidedThenProbed(t *testing.T) {
	s := set(node("a", registry.Online), node("b", registry.Online))
	bad := s.known["a"]
	for i := 0; i < maxErrors; i++ {
		s.note(bad, errors.New("refused"))
	}
	s.dropFailing()
	if got := turn(s, 2); got != "ab" {
		t.Error("ten errors are not too many:", got)
	}
	s.note(bad, errors.New("refused"))
	s.dropFailing()
	if got := turn(s, 2); got != "bb" {
		t.Error("eleven errors:", got)
	}
	if list := s.avoided(); len(list) != 1 || list[0] != bad {
		t.Error("not to be probed")
	}
	s.see(node("a", registry.Online)) // a heartbeat does not bring it back
	if s.countAvailable() != 1 {
		t.Error("a heartbeat restored it")
	}
	s.restore(bad)
	if s.countAvailable() != 2 || len(s.avoided()) != 0 {
		t.Error("not restored")
	}
}
