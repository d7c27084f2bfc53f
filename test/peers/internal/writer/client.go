package writer

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"peers/internal/registry"
)

const (
	prewriteRetry = 100 * time.Millisecond
	commitRetry   = time.Second
	commitLimit   = 10 * time.Minute
	probeInterval = 30 * time.Second
)

var errNoPump = errors.New("no avaliable pump to write binlog") // the real one's spelling

// client is the pump client: it follows the registry and writes binlogs.
type client struct {
	pumps *pumps
	etcd  *clientv3.Client
}

// follow loads the registered pumps, then watches them until ctx ends.
func (c *client) follow(ctx context.Context) error {
	prefix := registry.Prefix(registry.Pumps)
	reply, err := c.etcd.Get(ctx, prefix, clientv3.WithPrefix())
	if err != nil {
		return err
	}
	if len(reply.Kvs) == 0 {
		return errors.New("no pump found in pd")
	}
	for _, kv := range reply.Kvs {
		c.see(kv.Value)
	}
	go c.watch(ctx, prefix, reply.Header.Revision+1)
	go c.probe(ctx)
	return nil
}

func (c *client) see(value []byte) {
	var node registry.Node
	if json.Unmarshal(value, &node) == nil {
		c.pumps.see(node)
	}
}

func (c *client) watch(ctx context.Context, prefix string, revision int64) {
	for ctx.Err() == nil {
		for reply := range c.etcd.Watch(clientv3.WithRequireLeader(ctx), prefix, clientv3.WithPrefix(), clientv3.WithRev(revision)) {
			if reply.CompactRevision > 0 {
				revision = reply.CompactRevision
			}
			if reply.Err() != nil {
				break
			}
			revision = reply.Header.Revision + 1
			for _, event := range reply.Events {
				if event.Type == clientv3.EventTypeDelete {
					c.pumps.forget(strings.TrimPrefix(string(event.Kv.Key), prefix))
				} else {
					c.see(event.Kv.Value)
				}
			}
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// probe sends an empty binlog to pumps that are online but avoided, every 30 s.
func (c *client) probe(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(probeInterval):
		}
		for _, p := range c.pumps.avoided() {
			err := p.conn.write(binlog{})
			c.pumps.note(p, err)
			if err == nil {
				c.pumps.restore(p)
			}
		}
	}
}

// prewrite tries available pumps in turn until 15 s have passed and each was tried, then the
// avoided ones once. The pump that took it is where the commit has to go.
func (c *client) prewrite(b binlog) (*peer, error) {
	b.Type = "prewrite"
	began, count := time.Now(), c.pumps.countAvailable()
	failed := false
	defer func() {
		if failed {
			c.pumps.dropFailing()
		}
	}()
	last := errNoPump
	for try := 0; ; try++ {
		p := c.pumps.choose()
		if p == nil {
			break
		}
		err := p.conn.write(b)
		c.pumps.note(p, err)
		if err == nil {
			return p, nil
		}
		failed, last = true, err
		if strings.Contains(err.Error(), "ResourceExhausted") {
			return nil, err
		}
		if time.Since(began) > writeTimeout && try > count {
			break
		}
		time.Sleep(prewriteRetry)
	}
	for _, p := range c.pumps.avoided() {
		p.conn.reset(p.Host)
		err := p.conn.write(b)
		c.pumps.note(p, err)
		if err == nil {
			c.pumps.restore(p)
			return p, nil
		}
	}
	return nil, last
}

// finish writes a commit or rollback to the prewrite's pump, every second for 10 minutes at
// most. The context only serves a caller that can't wait so long.
func (c *client) finish(ctx context.Context, p *peer, b binlog) error {
	began := time.Now()
	for {
		err := p.conn.write(b)
		c.pumps.note(p, err)
		if err == nil {
			return nil
		}
		if time.Since(began) > commitLimit {
			c.pumps.dropFailing()
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(commitRetry):
		}
	}
}
