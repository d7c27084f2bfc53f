package olddrainer

import (
	"context"
	"errors"
	"math"
	"net/http"
	"sort"
	"sync"
	"sync/atomic"
	"time"

	"peers/internal/old"
)

// collector keeps a source for every Pump, and moves the deposit window once an interval (facts 3.1).
type collector struct {
	server  *Server
	sources map[string]*source // touched by run's goroutine alone
	offline map[string]bool    // Pumps that were read to their end
	notify  chan chan error

	upper, lower int64 // read by others atomically

	mu     sync.Mutex
	status *status // nil before the first poll
}

// status is what /status shows.
type status struct {
	pos          map[string]old.Pos
	synced       bool
	upper, lower int64
}

func newCollector(server *Server) *collector {
	return &collector{server: server, sources: map[string]*source{}, offline: map[string]bool{}, notify: make(chan chan error)}
}

func (c *collector) run(ctx context.Context) {
	for {
		var asked chan error
		select {
		case <-ctx.Done():
			return
		case <-time.After(c.interval()):
		case asked = <-c.notify:
		}
		err := c.poll(ctx)
		if err != nil {
			c.server.log.Error("DetectPumps error", "error", err)
		}
		if asked != nil {
			asked <- err
		}
	}
}

func (c *collector) interval() time.Duration {
	return time.Duration(c.server.cfg.DetectInterval) * time.Second
}

// poll: where the registry can't be read the window stays; where there is no timestamp Upper stays, or is 0.
func (c *collector) poll(ctx context.Context) error {
	if c.server.knobs.Now().WindowFrozen {
		return errors.New("knob window_frozen")
	}
	nodes, err := c.server.nodes.Nodes(ctx, old.Pumps)
	if err != nil {
		c.publishStatus(false)
		return err
	}
	upper := c.timestamp(ctx)
	c.follow(ctx, nodes)
	lower := int64(math.MaxInt64)
	for _, source := range c.sources {
		if complete := source.completeUpTo(); complete < lower {
			lower = complete
		}
	}
	if lower == math.MaxInt64 {
		lower = 0
	}
	if lower > c.lower {
		c.handOver(ctx, lower)
		atomic.StoreInt64(&c.lower, lower)
	}
	if upper > c.upper {
		atomic.StoreInt64(&c.upper, upper)
	}
	c.publishStatus(lower == upper)
	return nil
}

func (c *collector) timestamp(ctx context.Context) int64 {
	if c.server.knobs.Now().NoTSO {
		return 0
	}
	ts, err := c.server.oracle.Get(ctx)
	if err != nil {
		c.server.log.Error("get current version error", "error", err)
		return 0
	}
	return ts
}

// follow brings the sources in line with the registry. A Kafka version's Pump that is offline goes once it was read to
// the position it published; a Local one goes with its keys, read or not.
func (c *collector) follow(ctx context.Context, nodes []*old.Node) {
	forgotten := c.server.knobs.Now().Forgotten
	present := map[string]bool{}
	for _, node := range nodes {
		if node.NodeID == forgotten {
			continue
		}
		present[node.NodeID] = true
		known, ok := c.sources[node.NodeID]
		switch {
		case !ok && node.IsOffline && (c.offline[node.NodeID] || node.OfflineTS <= c.server.syncer.safeTS()):
		case !ok:
			c.sources[node.NodeID] = startSource(ctx, c.server, node)
			delete(c.offline, node.NodeID)
		case node.IsOffline && known.finished(node.LatestKafkaPos, c.lower):
			known.cancel()
			delete(c.sources, node.NodeID)
			c.offline[node.NodeID] = true
		}
	}
	for id, source := range c.sources {
		if !present[id] && (c.server.era.Local() || id == forgotten) {
			source.cancel()
			delete(c.sources, id)
		}
	}
}

// handOver gives the syncer what all Pumps have up to lower, in order of commit TS.
func (c *collector) handOver(ctx context.Context, lower int64) {
	var all []item
	for _, source := range c.sources {
		all = append(all, source.take(lower)...)
	}
	sort.SliceStable(all, func(i, j int) bool { return all[i].CommitTS < all[j].CommitTS })
	last := c.lower
	for _, next := range all {
		if next.CommitTS <= last {
			continue // handed over before: a Pump copied it twice
		}
		last = next.CommitTS
		c.server.syncer.add(ctx, next)
	}
}

func (c *collector) publishStatus(synced bool) {
	now := &status{pos: map[string]old.Pos{}, synced: synced, upper: c.upper, lower: c.lower}
	for id, source := range c.sources {
		now.pos[id] = source.position()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.status = now
}

// view applies the rule by time at each reading: the gap is taken in seconds and compared as nanoseconds, so that it
// always passes (facts 3.1). What it sets stays until the next poll. False before the first poll.
func (c *collector) view() (status, bool) {
	c.mu.Lock()
	if c.status == nil {
		if c.server.era == old.V11 {
			// The handler crashes with the lock held: no reading and no poll ever gets on. Asked before its first poll,
			// this version's Drainer is done for.
			panic(http.ErrAbortHandler)
		}
		c.mu.Unlock()
		return status{}, false
	}
	defer c.mu.Unlock()
	gap := time.Duration(c.status.upper>>18/1000 - c.status.lower>>18/1000)
	idle := time.Since(c.server.syncer.lastSync())
	if c.server.era.TimeRule() && gap < 2*c.interval() && idle > time.Duration(c.server.cfg.SyncedCheckTime)*time.Minute {
		c.status.synced = true
	}
	return *c.status, true
}
