package tso

import (
	"context"
	"testing"
	"time"

	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// counting is an etcd that counts writes to one key.
type counting struct {
	clientv3.KV
	version int64
}

func (c *counting) Get(context.Context, string, ...clientv3.OpOption) (*clientv3.GetResponse, error) {
	return &clientv3.GetResponse{}, nil
}

func (c *counting) Put(context.Context, string, string, ...clientv3.OpOption) (*clientv3.PutResponse, error) {
	reply := &clientv3.PutResponse{}
	if c.version > 0 {
		reply.PrevKv = &mvccpb.KeyValue{Version: c.version}
	}
	c.version++
	return reply, nil
}

func TestNoTwoProcessesGiveTheSame(t *testing.T) {
	etcd, given := &counting{}, map[int64]bool{}
	processes := []*Oracle{NewOracle(etcd), NewOracle(etcd), NewOracle(etcd)}
	for i := 0; i < 3000; i++ {
		ts, err := processes[i%3].Get(context.Background())
		if err != nil || given[ts] {
			t.Fatalf("%d was given twice, or not at all: %v", ts, err)
		}
		given[ts] = true
	}
}

func TestClockIncreasesWithinOneMillisecond(t *testing.T) {
	clock := &Clock{}
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
