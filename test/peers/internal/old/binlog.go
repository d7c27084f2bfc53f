package old

import "strings"

// Pos is a place in a Pump's files (suffix and offset) or in Kafka (offset alone); zero fields are left out.
type Pos struct {
	Suffix uint64 `json:"suffix,omitempty"`
	Offset int64  `json:"offset,omitempty"`
}

// Before tells whether p comes before q.
func (p Pos) Before(q Pos) bool {
	return p.Suffix < q.Suffix || p.Suffix == q.Suffix && p.Offset < q.Offset
}

// Oldest is where reading a topic starts that nothing is known of (facts 3.1).
const Oldest = -2

// Safe is how far behind the real position a checkpoint is kept, by design (facts 3.1).
const Safe = 5000

// Binlog is one entry of a Pump's files and of Kafka, and the write protocol's message.
type Binlog struct {
	Type     string `json:"type"` // prewrite, commit, rollback; a fake is a rollback of nothing
	StartTS  int64  `json:"start_ts"`
	CommitTS int64  `json:"commit_ts,omitempty"`
	Payload  string `json:"payload,omitempty"`
	DDL      bool   `json:"ddl,omitempty"`
}

// Entity is a Binlog and where it ends in the Pump's files; the Local version's pull protocol.
type Entity struct {
	Binlog
	Pos Pos `json:"pos"`
}

// Topic is the name of a Pump's topic (facts 3.2).
func Topic(clusterID, nodeID string) string {
	return clusterID + "_" + strings.ReplaceAll(nodeID, ":", "_")
}
