package old

import (
	"encoding/json"
	"testing"
)

func TestObjectsOfTheEras(t *testing.T) {
	node := Node{NodeID: "tidb-1:8250", Host: "10.0.1.31:8250", IsOffline: true, LatestFilePos: Pos{3, 7788123},
		LatestKafkaPos: Pos{Offset: 32700}, OfflineTS: 417070684045312001}
	for e, want := range map[Era]string{ // facts/samples, etcd-value-kafka-pump-object-offline and -local-pump-object
		Kafka: `{"NodeID":"tidb-1:8250","Host":"10.0.1.31:8250","IsAlive":false,"IsOffline":true,` +
			`"LatestFilePos":{"suffix":3,"offset":7788123},"LatestKafkaPos":{"offset":32700},"OfflineTS":417070684045312001}`,
		V10:   `{"NodeID":"tidb-1:8250","Host":"10.0.1.31:8250","IsAlive":false,"IsOffline":true,"LatestPos":{"offset":32700},"OfflineTS":417070684045312001}`,
		Local: `{"NodeID":"tidb-1:8250","Host":"10.0.1.31:8250","IsAlive":false,"LatestBinlogFile":""}`,
	} {
		if got := (Registry{Era: e}).encode(node); got != want {
			t.Errorf("%s: %s", e.Text, got)
		}
	}
	var back Node
	r := Registry{Era: V10}
	if err := r.decode([]byte(r.encode(node)), &back); err != nil || back.LatestKafkaPos != node.LatestKafkaPos || !back.IsOffline {
		t.Error(err, back)
	}
}

func TestAliveKeysOfTheEras(t *testing.T) {
	latest := Latest{File: Pos{3, 7788123}, Kafka: Pos{Offset: 32686}}
	for e, want := range map[Era]string{ // etcd-value-kafka-pump-alive-key and -local-pump-alive-key-plain-text
		Kafka: `{"file-position":{"suffix":3,"offset":7788123},"kafka-position":{"offset":32686}}`,
		V10:   "\x08\x00\x10\xae\xff\x01",
		Local: "binlog-0000000000000003",
	} {
		r := Registry{Era: e}
		if got := r.encodeAlive(latest); got != want {
			t.Errorf("%s: %q", e.Text, got)
		}
		var node Node
		r.decodeAlive([]byte(want), &node)
		if e.Local() && node.LatestFilePos.Suffix != 3 || !e.Local() && node.LatestKafkaPos != latest.Kafka {
			t.Errorf("%s: read back %+v", e.Text, node)
		}
	}
}

func TestAPositionLeavesOutWhatIsZero(t *testing.T) {
	text, _ := json.Marshal([]Pos{{}, {Offset: Oldest}, {Suffix: 3}})
	if string(text) != `[{},{"offset":-2},{"suffix":3}]` {
		t.Error(string(text))
	}
}

func TestTopic(t *testing.T) {
	if got := Topic("4012345678901234567", "tidb-1:8250"); got != "4012345678901234567_tidb-1_8250" {
		t.Error(got)
	}
}
