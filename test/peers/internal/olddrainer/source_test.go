package olddrainer

import (
	"testing"
	"time"

	"peers/internal/old"
)

func newSource() *source { return &source{open: map[int64]item{}} }

func at(age time.Duration) int64 { return time.Now().Add(-age).UnixMilli() << 18 }

func TestAnOpenPrewriteHoldsUpTheWindow(t *testing.T) {
	s, start := newSource(), at(0)
	s.add(old.Binlog{Type: "rollback", StartTS: 5, CommitTS: 5}, old.Pos{Offset: 0}) // a fake
	s.add(old.Binlog{Type: "prewrite", StartTS: start, Payload: "a"}, old.Pos{Offset: 1})
	s.add(old.Binlog{Type: "rollback", StartTS: start + 1, CommitTS: start + 1}, old.Pos{Offset: 2})
	if got := s.completeUpTo(); got != 5 {
		t.Fatal("held up at", got)
	}
	s.add(old.Binlog{Type: "commit", StartTS: start, CommitTS: start + 2}, old.Pos{Offset: 3})
	if got := s.completeUpTo(); got != start+2 {
		t.Fatal("complete up to", got-start)
	}
	if taken := s.take(start + 1); len(taken) != 0 {
		t.Error("not up to there:", taken)
	}
	taken := s.take(start + 2)
	if len(taken) != 1 || taken[0].Payload != "a" || s.position() != (old.Pos{Offset: 1}) {
		t.Error(taken, s.position())
	}
}

func TestARolledBackTransactionIsNotHandedOver(t *testing.T) {
	s, start := newSource(), at(0)
	s.add(old.Binlog{Type: "prewrite", StartTS: start}, old.Pos{Offset: 1})
	s.add(old.Binlog{Type: "rollback", StartTS: start}, old.Pos{Offset: 2})
	s.add(old.Binlog{Type: "rollback", StartTS: start + 9, CommitTS: start + 9}, old.Pos{Offset: 3})
	if s.completeUpTo() != start+9 || len(s.take(start+9)) != 0 {
		t.Error("handed over")
	}
}

func TestAnOldPrewriteIsGivenUpButNotADDLs(t *testing.T) {
	for _, isDDL := range []bool{false, true} {
		s, start := newSource(), at(11*time.Minute)
		s.add(old.Binlog{Type: "prewrite", StartTS: start, DDL: isDDL}, old.Pos{Offset: 1})
		s.add(old.Binlog{Type: "rollback", StartTS: start + 1, CommitTS: start + 1}, old.Pos{Offset: 2})
		if got := s.completeUpTo(); (got == start+1) == isDDL {
			t.Error("DDL", isDDL, "complete up to", got-start)
		}
	}
}

func TestAnOfflinePumpIsReadToItsEnd(t *testing.T) {
	s := newSource()
	s.add(old.Binlog{Type: "rollback", StartTS: 7, CommitTS: 7}, old.Pos{Offset: 10})
	s.completeUpTo()
	if s.finished(old.Pos{Offset: 11}, 7) || s.finished(old.Pos{Offset: 10}, 6) {
		t.Error("finished too early")
	}
	if !s.finished(old.Pos{Offset: 10}, 7) {
		t.Error("not finished")
	}
}
