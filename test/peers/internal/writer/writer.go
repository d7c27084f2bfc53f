package writer

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"peers/internal/registry"
	"peers/internal/tso"
)

// Options are the command line's.
type Options struct {
	PDURLs   string
	Security *tls.Config
	Rate     float64       // transactions per second
	TxnDelay time.Duration // between prewrite and commit
	Drain    time.Duration // how long commits may be retried once the writer is to end
	Tag      string        // begins every payload
	Rows     io.Writer     // gets the payload of each committed transaction; may be nil
}

// Summary is the final result; refused prewrites and commits given up are lost writes.
type Summary struct {
	Attempted     int            `json:"attempted"`
	Committed     int            `json:"committed"`
	Refused       int            `json:"refused"`
	CommitGivenUp int            `json:"commit_given_up"`
	NoTimestamp   int            `json:"no_timestamp"`
	MaxWaitMS     int64          `json:"max_wait_ms"` // the longest prewrite or commit
	PerPump       map[string]int `json:"per_pump"`    // prewrites taken
	LastCommitTS  int64          `json:"last_commit_ts"`
	Errors        map[string]int `json:"errors"` // why writes were lost
}

// Writer runs transactions at a rate, each on its own, as TiDB's sessions do.
type Writer struct {
	options Options
	client  *client
	oracle  *tso.Oracle

	mu      sync.Mutex
	summary Summary
}

// New connects to PD and loads the pumps.
func New(ctx context.Context, options Options) (*Writer, error) {
	etcd, err := registry.Dial(options.PDURLs, options.Security)
	if err != nil {
		return nil, err
	}
	dial := func(host string) *connection { return newConnection(host, options.Security) }
	w := &Writer{
		options: options,
		client:  &client{pumps: newPumps(dial), etcd: etcd},
		oracle:  tso.NewOracle(etcd),
		summary: Summary{PerPump: map[string]int{}, Errors: map[string]int{}},
	}
	return w, w.client.follow(ctx)
}

// Run starts transactions until ctx ends, and returns when all of them have ended.
func (w *Writer) Run(ctx context.Context) Summary {
	var running sync.WaitGroup
	drain, cancel := context.WithCancel(context.Background())
	defer cancel()
	tick := time.NewTicker(time.Duration(float64(time.Second) / w.options.Rate))
	defer tick.Stop()
	for n := 0; ctx.Err() == nil; n++ {
		running.Add(1)
		go func(n int) {
			defer running.Done()
			w.transaction(drain, n)
		}(n)
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
	time.AfterFunc(w.options.Drain, cancel)
	running.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.summary
}

func (w *Writer) transaction(drain context.Context, n int) {
	payload := fmt.Sprintf("%s-%d-%d", w.options.Tag, os.Getpid(), n)
	start, err := w.oracle.Get(drain)
	if err != nil {
		w.count(func(s *Summary) { s.NoTimestamp++ })
		return
	}
	began := time.Now()
	pump, err := w.client.prewrite(binlog{StartTS: start, Payload: payload})
	waited := time.Since(began)
	w.count(func(s *Summary) {
		s.Attempted++
		s.longest(waited)
		if err != nil {
			s.Refused++
			s.Errors[err.Error()]++
			return
		}
		s.PerPump[pump.NodeID]++
	})
	if err != nil {
		return
	}
	time.Sleep(w.options.TxnDelay)
	w.commit(drain, pump, start, payload)
}

// commit ends the transaction. Without a commit TS the transaction is rolled back, as TiDB's
// is when PD gives none.
func (w *Writer) commit(drain context.Context, pump *peer, start int64, payload string) {
	end := binlog{Type: "commit", StartTS: start}
	var err error
	if end.CommitTS, err = w.oracle.Get(drain); err != nil {
		w.count(func(s *Summary) { s.NoTimestamp++ })
		end.Type = "rollback"
	}
	began := time.Now()
	err = w.client.finish(drain, pump, end)
	waited := time.Since(began)
	w.count(func(s *Summary) {
		s.longest(waited)
		switch {
		case err != nil:
			s.CommitGivenUp++
			s.Errors[err.Error()]++
		case end.Type == "commit":
			s.Committed++
			if end.CommitTS > s.LastCommitTS {
				s.LastCommitTS = end.CommitTS
			}
			if w.options.Rows != nil {
				fmt.Fprintln(w.options.Rows, payload)
			}
		}
	})
}

func (w *Writer) count(change func(*Summary)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change(&w.summary)
}

func (s *Summary) longest(waited time.Duration) {
	if ms := waited.Milliseconds(); ms > s.MaxWaitMS {
		s.MaxWaitMS = ms
	}
}
