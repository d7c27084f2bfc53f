package old

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// Kinds of node, as in the keys (facts 4).
const (
	Pumps    = "pumps"
	Cisterns = "cisterns" // Drainers
)

const opTimeout = 5 * time.Second

// Registry reads and writes the old versions' keys; each operation takes 5 s at most.
type Registry struct {
	Client *clientv3.Client
	Era    Era
}

// Root is the folder of all keys of a kind of node.
func Root(kind string) string { return "/tidb-binlog/" + kind + "/" }

// Nodes gives all nodes of a kind in order of their ids, nil if there are none.
func (r Registry) Nodes(ctx context.Context, kind string) ([]*Node, error) {
	ctx, cancel := context.WithTimeout(ctx, opTimeout)
	defer cancel()
	reply, err := r.Client.Get(ctx, Root(kind), clientv3.WithPrefix())
	if err != nil {
		return nil, err
	}
	alive := map[string][]byte{}
	var nodes []*Node
	for _, kv := range reply.Kvs {
		id, leaf, _ := strings.Cut(strings.TrimPrefix(string(kv.Key), Root(kind)), "/")
		switch leaf {
		case "alive":
			alive[id] = kv.Value
		case "object":
			node := &Node{}
			if err := r.decode(kv.Value, node); err != nil {
				return nil, fmt.Errorf("error unmarshal NodeStatus with nodeID(%s): %w", id, err)
			}
			nodes = append(nodes, node)
		}
	}
	for _, node := range nodes {
		if value, ok := alive[node.NodeID]; ok {
			node.IsAlive = true
			r.decodeAlive(value, node)
		}
	}
	return nodes, nil
}

// Put writes a node's object.
func (r Registry) Put(ctx context.Context, kind string, node Node) error {
	ctx, cancel := context.WithTimeout(ctx, opTimeout)
	defer cancel()
	_, err := r.Client.Put(ctx, Root(kind)+node.NodeID+"/object", r.encode(node))
	return err
}

// Refresh writes the alive key on a new lease of ttl seconds.
func (r Registry) Refresh(ctx context.Context, kind, id string, latest Latest, ttl int64) error {
	ctx, cancel := context.WithTimeout(ctx, opTimeout)
	defer cancel()
	lease, err := r.Client.Grant(ctx, ttl)
	if err != nil {
		return err
	}
	_, err = r.Client.Put(ctx, Root(kind)+id+"/alive", r.encodeAlive(latest), clientv3.WithLease(lease.ID))
	return err
}

// Delete removes all keys of a node.
func (r Registry) Delete(ctx context.Context, kind, id string) error {
	ctx, cancel := context.WithTimeout(ctx, opTimeout)
	defer cancel()
	_, err := r.Client.Delete(ctx, Root(kind)+id+"/", clientv3.WithPrefix())
	return err
}

// marshal is for values that always have a JSON form.
func marshal(value interface{}) string {
	text, _ := json.Marshal(value)
	return string(text)
}
