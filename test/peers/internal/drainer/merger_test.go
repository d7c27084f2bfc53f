package drainer

import (
	"context"
	"testing"
	"time"
)

func TestMergeWaitsForEveryPumpAndKeepsOrder(t *testing.T) {
	m := newMerger(10)
	ctx, cancel := context.WithCancel(context.Background())
	go m.closeWith(ctx)
	m.add("a")
	m.add("b")
	given := make(chan int64, 10)
	go func() {
		for next, ok := m.next(); ok; next, ok = m.next() {
			given <- next.CommitTS
		}
		close(given)
	}()
	for _, ts := range []int64{9, 11, 14} {
		m.push("a", item{CommitTS: ts})
	}
	select {
	case ts := <-given:
		t.Fatalf("%d was given before b had anything", ts)
	case <-time.After(20 * time.Millisecond):
	}
	m.push("b", item{CommitTS: 12})
	for _, want := range []int64{11, 12} {
		if got := <-given; got != want {
			t.Errorf("got %d, want %d", got, want)
		}
	}
	m.remove("b")
	if got := <-given; got != 14 {
		t.Errorf("got %d after b was removed", got)
	}
	if m.push("b", item{CommitTS: 15}) {
		t.Error("a removed pump may still push")
	}
	cancel()
	if _, open := <-given; open {
		t.Error("something after the end")
	}
}
