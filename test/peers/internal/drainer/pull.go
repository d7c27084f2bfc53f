package drainer

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"
)

// source pulls one pump's items into the merger. The address is the one first seen (facts 2.4).
type source struct {
	id, host string
	tls      *tls.Config
	merger   *merger
	latest   int64 // commit TS of the last item pulled; atomic
	paused   int32 // atomic
	cancel   context.CancelFunc
}

func (s *source) run(ctx context.Context) {
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: s.tls, DisableKeepAlives: true}}
	for ctx.Err() == nil {
		if atomic.LoadInt32(&s.paused) == 0 {
			s.pull(ctx, client)
		}
		select {
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
	}
}

// pull reads one stream until it breaks.
func (s *source) pull(ctx context.Context, client *http.Client) {
	scheme := "http"
	if s.tls != nil {
		scheme = "https"
	}
	url := fmt.Sprintf("%s://%s/standin/pull?from=%d", scheme, s.host, atomic.LoadInt64(&s.latest))
	request, err := http.NewRequestWithContext(ctx, "GET", url, nil)
	if err != nil {
		return
	}
	reply, err := client.Do(request)
	if err != nil {
		return
	}
	defer reply.Body.Close()
	if reply.StatusCode != http.StatusOK {
		return
	}
	for decoder := json.NewDecoder(reply.Body); ; {
		var next item
		if decoder.Decode(&next) != nil || !s.merger.push(s.id, next) {
			return
		}
		atomic.StoreInt64(&s.latest, next.CommitTS)
	}
}
