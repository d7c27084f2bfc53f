// Package registry keeps node objects in etcd under /tidb-binlog/v1 (facts 4), over gRPC, so
// that it works whether or not the JSON gateway is on.
package registry

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
)

// States of a node (facts 1.2).
const (
	Online  = "online"
	Pausing = "pausing"
	Paused  = "paused"
	Closing = "closing"
	Offline = "offline"
)

// Kinds of node, as in the keys.
const (
	Pumps    = "pumps"
	Drainers = "drainers"
)

const opTimeout = 5 * time.Second

// Node is the registered value; the order of fields is that of the real one (facts 1.1).
type Node struct {
	NodeID      string `json:"nodeId"`
	Host        string `json:"host"`
	State       string `json:"state"`
	IsAlive     bool   `json:"isAlive"`
	Score       int64  `json:"score"`
	Label       *Label `json:"label"`
	MaxCommitTS int64  `json:"maxCommitTS"`
	UpdateTS    int64  `json:"updateTS"`
}

// Label is never set by the programs themselves.
type Label struct {
	Labels map[string]string `json:"labels"`
}

// Dial connects in the background; urls is a comma separated list.
func Dial(urls string, security *tls.Config) (*clientv3.Client, error) {
	return clientv3.New(clientv3.Config{
		Endpoints:   strings.Split(urls, ","),
		DialTimeout: opTimeout,
		TLS:         security,
		Logger:      zap.NewNop(), // stderr stays empty, also while PD is away
	})
}

// ClusterID is PD's; etcd keeps it as eight bytes, the stand-in for PD may have none.
func ClusterID(ctx context.Context, kv clientv3.KV) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, opTimeout)
	defer cancel()
	found, err := kv.Get(ctx, "/pd/cluster_id")
	if err != nil || len(found.Kvs) == 0 {
		return 0, err
	}
	var id int64
	for _, b := range found.Kvs[0].Value {
		id = id<<8 | int64(b)
	}
	return id & (1<<62 - 1), nil
}

// Prefix is the folder of all nodes of a kind, with its slash.
func Prefix(kind string) string { return "/tidb-binlog/v1/" + kind + "/" }

// Registry reads and writes node objects; each operation takes 5 s at most.
type Registry struct {
	KV clientv3.KV
}

// Node gives one node, nil if it is not registered.
func (r Registry) Node(ctx context.Context, kind, id string) (*Node, error) {
	ctx, cancel := context.WithTimeout(ctx, opTimeout)
	defer cancel()
	reply, err := r.KV.Get(ctx, Prefix(kind)+id)
	if err != nil || len(reply.Kvs) == 0 {
		return nil, err
	}
	var node *Node
	if err := json.Unmarshal(reply.Kvs[0].Value, &node); err != nil {
		return nil, fmt.Errorf("Invalid nodeID(%s): %w", id, err)
	}
	return node, nil
}

// Nodes gives all nodes of a kind, nil if there are none. One bad value fails the whole list
// (facts 1.1).
func (r Registry) Nodes(ctx context.Context, kind string) ([]*Node, error) {
	ctx, cancel := context.WithTimeout(ctx, opTimeout)
	defer cancel()
	reply, err := r.KV.Get(ctx, Prefix(kind), clientv3.WithPrefix())
	if err != nil {
		return nil, err
	}
	var nodes []*Node
	for _, kv := range reply.Kvs {
		id, value := strings.TrimPrefix(string(kv.Key), Prefix(kind)), kv.Value
		if head, _, nested := strings.Cut(id, "/"); nested {
			// The real one reads keys as a tree: an id with a slash is a node without a value.
			id, value = head, nil
		}
		var node *Node
		if err := json.Unmarshal(value, &node); err != nil {
			return nil, fmt.Errorf("error unmarshal NodeStatus with nodeID(%s), node value(%s): %w", id, value, err)
		}
		if node != nil {
			nodes = append(nodes, node)
		}
	}
	return nodes, nil
}

// Update rewrites a node's whole value: a Get, then a Txn that only creates or only replaces.
func (r Registry) Update(ctx context.Context, kind string, node Node) error {
	ctx, cancel := context.WithTimeout(ctx, opTimeout)
	defer cancel()
	value, err := json.Marshal(node)
	if err != nil {
		return err
	}
	key := Prefix(kind) + node.NodeID
	before, err := r.KV.Get(ctx, key)
	if err != nil {
		return err
	}
	relation := ">"
	if len(before.Kvs) == 0 {
		relation = "="
	}
	reply, err := r.KV.Txn(ctx).
		If(clientv3.Compare(clientv3.ModRevision(key), relation, 0)).
		Then(clientv3.OpPut(key, string(value))).
		Commit()
	if err != nil {
		return err
	}
	if !reply.Succeeded {
		return errors.New("key " + key + " in etcd was created or removed meanwhile")
	}
	return nil
}
