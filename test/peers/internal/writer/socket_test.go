package writer

import (
	"context"
	"io"
	"net"
	"net/http"
	"testing"
)

func TestAnOldPumpIsTriedAgain(t *testing.T) {
	path := t.TempDir() + "/pump.sock"
	listener, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	var got []string
	go http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if got = append(got, string(body)); len(got) == 1 {
			http.Error(w, "not now", http.StatusInternalServerError)
		}
	}))
	c := newSocketClient(path)
	pump, err := c.prewrite(binlog{StartTS: 7, Payload: "create table t", DDL: true})
	if err == nil {
		err = c.finish(context.Background(), pump, binlog{Type: "commit", StartTS: 7, CommitTS: 8})
	}
	const prewrite = `{"type":"prewrite","start_ts":7,"payload":"create table t","ddl":true}`
	if err != nil || len(got) != 3 || got[0] != prewrite || got[1] != prewrite || got[2] != `{"type":"commit","start_ts":7,"commit_ts":8}` {
		t.Error(err, got)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	away := newSocketClient(path + ".away")
	if away.finish(ctx, away.pump, binlog{}) == nil {
		t.Error("a pump that is away took a binlog")
	}
}
