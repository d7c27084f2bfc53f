package writer

import (
	"context"
	"time"

	"peers/internal/registry"
)

const (
	socketTries = 20
	socketRetry = time.Second
)

// socketClient is the client of TiDBs before the cluster version: the host's old Pump, by a unix socket.
type socketClient struct{ pump *peer }

func newSocketClient(path string) *socketClient {
	conn := &connection{socket: path}
	conn.reset("pump.sock")
	return &socketClient{&peer{Node: registry.Node{NodeID: path}, conn: conn}}
}

func (c *socketClient) prewrite(b binlog) (*peer, error) {
	b.Type = "prewrite"
	return c.pump, c.finish(context.Background(), c.pump, b)
}

func (c *socketClient) finish(ctx context.Context, p *peer, b binlog) (err error) {
	for try := 0; try < socketTries; try++ {
		if err = p.conn.write(b); err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(socketRetry):
		}
	}
	return err
}
