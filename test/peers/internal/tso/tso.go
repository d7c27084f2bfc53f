// Package tso gives timestamps the way PD composes them: milliseconds << 18 | counter.
package tso

import (
	"context"
	"fmt"
	"sync"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
)

const (
	logicalBits = 18
	// The counter's upper bits are the process's own, so that two processes never give the same
	// timestamp although there is no PD between them. A pid would not do: hosts have pids of their own.
	counterBits = 8
	processes   = 1 << (logicalBits - counterBits)

	// numbersKey is written once by each process; how often it was is the process's number.
	numbersKey = "/standin/tso-clients"
)

// Physical is the milliseconds part of a timestamp.
func Physical(ts int64) int64 { return ts >> logicalBits }

// Floor is the lowest timestamp of the same millisecond: none that is given later is below it, by whatever process.
func Floor(ts int64) int64 { return Physical(ts) << logicalBits }

// Approach is the timestamp that a node reports without asking PD: one taken at start plus the
// whole seconds passed since (facts 1.2, updateTS).
func Approach(ts int64, since time.Duration) int64 {
	if ts == 0 {
		return 0
	}
	return ts + int64(since/time.Second)*1000<<logicalBits
}

// Clock composes strictly increasing timestamps.
type Clock struct {
	mu   sync.Mutex
	last int64 // milliseconds and counter, without the process's bits
	own  int64 // number of the process, below processes
}

func (c *Clock) at(now time.Time) int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	next := now.UnixMilli() << counterBits
	if next <= c.last {
		next = c.last + 1
	}
	c.last = next
	return next>>counterBits<<logicalBits | c.own<<counterBits | next&(1<<counterBits-1)
}

// Oracle is the stand-in for PD's TSO: no timestamp without a working etcd.
type Oracle struct {
	kv clientv3.KV

	mu    sync.Mutex // guards clock
	clock *Clock
}

// NewOracle gives timestamps while kv answers.
func NewOracle(kv clientv3.KV) *Oracle { return &Oracle{kv: kv} }

// Get makes a linearizable read first: without a quorum there is no timestamp. The read's own
// deadline is 3 s, as PD clients give up a request that long.
func (o *Oracle) Get(ctx context.Context) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	if _, err := o.kv.Get(ctx, "/pd", clientv3.WithCountOnly()); err != nil {
		return 0, fmt.Errorf("get timestamp failed: %w", err)
	}
	clock, err := o.numbered(ctx)
	if err != nil {
		return 0, fmt.Errorf("get timestamp failed: %w", err)
	}
	return clock.at(time.Now()), nil
}

// numbered is the clock, with this process's number from the first time on.
func (o *Oracle) numbered(ctx context.Context) (*Clock, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.clock != nil {
		return o.clock, nil
	}
	reply, err := o.kv.Put(ctx, numbersKey, "", clientv3.WithPrevKV())
	if err != nil {
		return nil, err
	}
	var before int64
	if reply.PrevKv != nil {
		before = reply.PrevKv.Version
	}
	o.clock = &Clock{own: before % processes}
	return o.clock, nil
}
