package writer

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// writeTimeout is TiDB's default for one write, and for all retries of a prewrite.
const writeTimeout = 15 * time.Second

// binlog is what a pump's write protocol takes (README).
type binlog struct {
	Type     string `json:"type,omitempty"`
	StartTS  int64  `json:"start_ts"`
	CommitTS int64  `json:"commit_ts,omitempty"`
	Payload  string `json:"payload,omitempty"`
	DDL      bool   `json:"ddl,omitempty"` // old Pumps only
}

// connection keeps a pump's HTTP connections until they are reset.
type connection struct {
	security *tls.Config
	socket   string // path of a unix socket, in place of the host
	mu       sync.Mutex
	host     string
	client   *http.Client
}

func newConnection(host string, security *tls.Config) *connection {
	c := &connection{security: security}
	c.reset(host)
	return c
}

func (c *connection) reset(host string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.client != nil {
		c.client.CloseIdleConnections()
	}
	c.host = host
	transport := &http.Transport{TLSClientConfig: c.security, MaxIdleConnsPerHost: 64}
	if c.socket != "" {
		transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", c.socket)
		}
	}
	c.client = &http.Client{Timeout: writeTimeout, Transport: transport}
}

// write sends one binlog; a refusal is an error with the pump's text.
func (c *connection) write(b binlog) error {
	c.mu.Lock()
	client, url := c.client, "http://"+c.host+"/standin/write"
	c.mu.Unlock()
	if c.security != nil {
		url = "https" + strings.TrimPrefix(url, "http")
	}
	body, err := json.Marshal(b)
	if err != nil {
		return err
	}
	reply, err := client.Post(url, "application/json", bytes.NewReader(body))
	if err != nil {
		return err
	}
	defer reply.Body.Close()
	text, err := io.ReadAll(reply.Body)
	if err == nil && reply.StatusCode != http.StatusOK {
		err = errors.New(strings.TrimSpace(string(text)))
	}
	return err
}
