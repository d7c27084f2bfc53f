package olddrainer

import (
	"testing"
	"time"

	"peers/internal/old"
)

// shown is what /status says of a window after the last sync was so long ago.
func shown(e old.Era, upper, lower int64, idle time.Duration, atPoll bool) bool {
	server := &Server{cfg: &Config{DetectInterval: 10, SyncedCheckTime: 5}, era: e}
	server.syncer = &syncer{last: time.Now().Add(-idle)}
	c := newCollector(server)
	c.status = &status{synced: atPoll, upper: upper, lower: lower}
	now, _ := c.view()
	return now.synced
}

func TestSyncedAsTheRealOneMistakesIt(t *testing.T) {
	upper := time.Now().UnixMilli() << 18
	hoursBehind := upper - 24*3600*1000<<18
	for _, c := range []struct {
		what         string
		era          old.Era
		upper, lower int64
		idle         time.Duration
		atPoll, want bool
	}{
		{"just synced something", old.Kafka, upper, upper, time.Minute, false, false},
		{"idle for long", old.Kafka, upper, upper, 6 * time.Minute, false, true},
		{"a day behind, and idle", old.Kafka, upper, hoursBehind, 6 * time.Minute, false, true},
		{"nothing ever read, and idle", old.Kafka, upper, 0, 6 * time.Minute, false, true},
		{"zero window", old.Kafka, 0, 0, 0, true, true},
		{"v1.1 has the rule by time", old.V11, upper, hoursBehind, 6 * time.Minute, false, true},
		{"v1.0 has not", old.V10, upper, upper - 1, 6 * time.Minute, false, false},
		{"nor has the Local version", old.Local, upper, upper - 1, 6 * time.Minute, false, false},
	} {
		if got := shown(c.era, c.upper, c.lower, c.idle, c.atPoll); got != c.want {
			t.Errorf("%s: Synced %v", c.what, got)
		}
	}
}

func TestBeforeTheFirstPoll(t *testing.T) {
	c := newCollector(&Server{era: old.Kafka})
	if _, polled := c.view(); polled {
		t.Error("polled")
	}
	c = newCollector(&Server{era: old.V11})
	func() {
		defer func() { recover() }()
		c.view()
		t.Error("v1.1 did not crash")
	}()
	if c.mu.TryLock() {
		t.Error("v1.1 let go of its lock")
	}
}

func TestCheckpointFiles(t *testing.T) {
	for _, local := range []bool{false, true} {
		s := &fileStore{path: t.TempDir() + "/savepoint", local: local}
		c := checkpoint{417070675918848001, map[string]old.Pos{"tidb-1:8250": s.behind(old.Pos{Suffix: 10, Offset: 32686})}}
		if err := s.save(c); err != nil {
			t.Fatal(err)
		}
		back, err := s.load()
		want := old.Pos{Suffix: 10, Offset: 27686}
		if local {
			want.Offset = 0
		}
		if err != nil || back.CommitTS != c.CommitTS || back.Positions["tidb-1:8250"] != want {
			t.Error(local, err, back)
		}
	}
	if got := behindKafka(old.Pos{Offset: 5000}); got != (old.Pos{}) {
		t.Error(got)
	}
}
