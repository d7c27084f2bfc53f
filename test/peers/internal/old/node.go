package old

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
)

// Node is a registered object, with the Go names of the real one. IsAlive is never stored as true: it says whether the
// alive key was there when the node was read.
type Node struct {
	NodeID         string
	Host           string
	IsAlive        bool
	IsOffline      bool
	LatestFilePos  Pos
	LatestKafkaPos Pos
	OfflineTS      int64
}

// Latest is the value of the alive key.
type Latest struct {
	File  Pos `json:"file-position"`
	Kafka Pos `json:"kafka-position"`
}

// localNode and node10 are the objects of the Local version and of v1.0 (facts 3.2, 3.3).
type localNode struct {
	NodeID, Host     string
	IsAlive          bool
	LatestBinlogFile string
}

type node10 struct {
	NodeID, Host       string
	IsAlive, IsOffline bool
	LatestPos          Pos
	OfflineTS          int64
}

func (r Registry) encode(n Node) string {
	switch r.Era {
	case Local:
		return marshal(localNode{NodeID: n.NodeID, Host: n.Host})
	case V10:
		return marshal(node10{n.NodeID, n.Host, false, n.IsOffline, n.LatestKafkaPos, n.OfflineTS})
	}
	return marshal(n)
}

func (r Registry) decode(value []byte, n *Node) error {
	if r.Era != V10 {
		return json.Unmarshal(value, n)
	}
	var o node10
	err := json.Unmarshal(value, &o)
	*n = Node{NodeID: o.NodeID, Host: o.Host, IsOffline: o.IsOffline, LatestKafkaPos: o.LatestPos, OfflineTS: o.OfflineTS}
	return err
}

// FileName is the Local version's name of a file.
func FileName(suffix uint64) string { return fmt.Sprintf("binlog-%016d", suffix) }

// encodeAlive: a file name in the Local version, protobuf in v1.0 (suffix is field 1, offset field 2), else JSON.
func (r Registry) encodeAlive(latest Latest) string {
	switch r.Era {
	case Local:
		return FileName(latest.File.Suffix)
	case V10:
		text := binary.AppendUvarint([]byte{1 << 3}, latest.Kafka.Suffix)
		return string(binary.AppendUvarint(append(text, 2<<3), uint64(latest.Kafka.Offset)))
	}
	return marshal(latest)
}

func (r Registry) decodeAlive(value []byte, node *Node) {
	var latest Latest
	switch {
	case r.Era.Local():
		fmt.Sscanf(string(value), "binlog-%d", &node.LatestFilePos.Suffix)
	case r.Era == V10:
		if suffix, n := binary.Uvarint(value[1:]); n > 0 && len(value) > n+2 {
			offset, _ := binary.Uvarint(value[n+2:])
			node.LatestKafkaPos = Pos{suffix, int64(offset)}
		}
	case json.Unmarshal(value, &latest) == nil:
		node.LatestFilePos, node.LatestKafkaPos = latest.File, latest.Kafka
	}
}
