package tso

import (
	"testing"
	"time"
)

func TestClockIncreasesWithinOneMillisecond(t *testing.T) {
	clock := NewClock()
	now := time.UnixMilli(1590998400000)
	last := clock.at(now)
	if Physical(last) != 1590998400000 {
		t.Errorf("physical part is %d", Physical(last))
	}
	for i := 0; i < 1000; i++ {
		ts := clock.at(now)
		if ts <= last {
			t.Fatalf("%d after %d", ts, last)
		}
		last = ts
	}
	if behind := clock.at(now.Add(-time.Hour)); behind <= last {
		t.Error("went back with the wall clock")
	}
}

func TestApproachAddsWholeSeconds(t *testing.T) {
	const start = 417070684569600007
	if got := Approach(start, 2900*time.Millisecond); got != start+2000<<18 {
		t.Errorf("got %d", got)
	}
	if Approach(0, time.Hour) != 0 {
		t.Error("zero must stay zero")
	}
}
