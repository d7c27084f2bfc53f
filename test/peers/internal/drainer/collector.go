package drainer

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"peers/internal/registry"
)

// collector keeps one source per pump that is not offline, by polling the registry (facts 2.2).
type collector struct {
	server  *Server
	merger  *merger
	sources map[string]*source // only used by run's goroutine
	notify  chan chan error

	mu     sync.Mutex
	pos    map[string]int64 // nil before the first poll
	synced bool
}

func newCollector(server *Server, from int64) *collector {
	return &collector{server: server, merger: newMerger(from), sources: map[string]*source{}, notify: make(chan chan error)}
}

func (c *collector) run(ctx context.Context) {
	for {
		if err := c.poll(ctx); err != nil {
			c.server.log.Error("Update collector status", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Duration(c.server.cfg.DetectInterval) * time.Second):
		case done := <-c.notify:
			close(done)
		}
	}
}

// poll brings the sources in line with the registry. On failure all stays as it was, and so
// does what /status shows.
func (c *collector) poll(ctx context.Context) error {
	if c.server.knobs.Now().NoPumps {
		return errors.New("knob no_pumps")
	}
	nodes, err := c.server.nodes.Nodes(ctx, registry.Pumps)
	if err != nil {
		return err
	}
	if _, err := c.server.oracle.Get(ctx); err != nil {
		return err
	}
	for _, node := range nodes {
		c.handle(ctx, node)
	}
	pos := map[string]int64{}
	for id, source := range c.sources {
		pos[id] = atomic.LoadInt64(&source.latest)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pos, c.synced = pos, false
	return nil
}

func (c *collector) handle(ctx context.Context, node *registry.Node) {
	known, ok := c.sources[node.NodeID]
	switch {
	case !ok && node.State != registry.Offline:
		pulling, cancel := context.WithCancel(ctx)
		added := &source{id: node.NodeID, host: node.Host, tls: c.server.pumpTLS(), merger: c.merger, latest: c.merger.latest(), cancel: cancel}
		c.sources[node.NodeID] = added
		c.merger.add(node.NodeID)
		go added.run(pulling)
	case !ok:
	case node.State == registry.Offline:
		c.merger.remove(node.NodeID)
		known.cancel()
		delete(c.sources, node.NodeID)
	case node.State == registry.Paused:
		atomic.StoreInt32(&known.paused, 1)
	case node.State == registry.Online:
		atomic.StoreInt32(&known.paused, 0)
	}
}

// view is what /status shows of the collector: Synced becomes true at a read, and stays so
// until the next poll, once nothing real was applied for synced-check-time minutes.
func (c *collector) view(idle time.Duration) (pos map[string]int64, synced bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.pos != nil && idle > time.Duration(c.server.cfg.SyncedCheckTime)*time.Minute {
		c.synced = true
	}
	return c.pos, c.synced
}
