package pump

import (
	"testing"
	"time"
)

var start = time.UnixMilli(1590998400000)

func ts(ms int) int64 { return (start.UnixMilli() + int64(ms)) << 18 }

func TestOpenPrewriteHoldsBackLaterCommits(t *testing.T) {
	s := newSorter(10 * time.Minute)
	s.add(record{Type: "prewrite", StartTS: ts(1), Payload: "a"}, start)
	s.add(record{Type: "prewrite", StartTS: ts(2), Payload: "b"}, start)
	s.add(record{Type: "commit", StartTS: ts(2), CommitTS: ts(4)}, start)
	if s.max != 0 || len(s.between(0)) != 0 {
		t.Fatal("passed an open prewrite")
	}
	s.add(record{Type: "commit", StartTS: ts(1), CommitTS: ts(3)}, start)
	got := s.between(0)
	if s.max != ts(4) || len(got) != 2 || got[0].Payload != "a" || got[1].Payload != "b" {
		t.Fatalf("max %d, %+v", s.max, got)
	}
	if got := s.between(ts(3)); len(got) != 1 || got[0].CommitTS != ts(4) {
		t.Fatalf("behind 3: %+v", got)
	}
}

func TestRollbackAndAgeReleaseAPrewrite(t *testing.T) {
	s := newSorter(time.Minute)
	s.add(record{Type: "prewrite", StartTS: ts(1)}, start)
	s.add(record{Type: "rollback", StartTS: ts(1)}, start)
	s.add(record{Type: "prewrite", StartTS: ts(2)}, start)
	s.add(record{Type: "fake", StartTS: ts(5), CommitTS: ts(5)}, start)
	if s.max != 0 {
		t.Fatal("passed an open prewrite")
	}
	s.advance(start.Add(2 * time.Minute))
	if s.max != ts(5) || len(s.between(0)) != 1 {
		t.Fatalf("max %d", s.max)
	}
	if s.between(ts(9)) != nil {
		t.Error("something behind the end")
	}
}
