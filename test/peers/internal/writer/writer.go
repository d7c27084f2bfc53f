package writer

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"peers/internal/registry"
	"peers/internal/tso"
)

// Options are the command line's.
type Options struct {
	PDURLs   string
	Security *tls.Config
	Socket   string        // of an old Pump; none: the registered new Pumps
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
	client  sink
	oracle  *tso.Oracle

	next atomic.Int64 // number of the last transaction

	mu      sync.Mutex
	summary Summary
}

// sink takes binlogs: new Pumps, or an old one.
type sink interface {
	prewrite(b binlog) (*peer, error)
	finish(ctx context.Context, p *peer, b binlog) error
}

// New connects to PD and loads the pumps.
func New(ctx context.Context, options Options) (*Writer, error) {
	etcd, err := registry.Dial(options.PDURLs, options.Security)
	if err != nil {
		return nil, err
	}
	w := &Writer{
		options: options,
		oracle:  tso.NewOracle(etcd),
		summary: Summary{PerPump: map[string]int{}, Errors: map[string]int{}},
	}
	if options.Socket != "" {
		w.client = newSocketClient(options.Socket)
		return w, nil
	}
	dial := func(host string) *connection { return newConnection(host, options.Security) }
	new := &client{pumps: newPumps(dial), etcd: etcd}
	w.client = new
	return w, new.follow(ctx)
}

// Continue takes over the counts of a former life.
func (w *Writer) Continue(former Summary) {
	w.count(func(s *Summary) {
		if former.PerPump != nil && former.Errors != nil {
			*s = former
		}
	})
}

// Summary is the result so far.
func (w *Writer) Summary() Summary {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.summary
	now.PerPump, now.Errors = copied(now.PerPump), copied(now.Errors)
	return now
}

func copied(counts map[string]int) map[string]int {
	same := map[string]int{}
	for name, count := range counts {
		same[name] = count
	}
	return same
}

// DDL runs a schema change through an old Pump.
func (w *Writer) DDL(ctx context.Context, query string) (commitTS int64, err error) {
	b := binlog{Payload: query, DDL: true}
	if b.StartTS, err = w.oracle.Get(ctx); err != nil {
		return 0, err
	}
	pump, err := w.client.prewrite(b)
	if err != nil {
		return 0, err
	}
	end := binlog{Type: "commit", StartTS: b.StartTS}
	if end.CommitTS, err = w.oracle.Get(ctx); err != nil {
		return 0, err
	}
	return end.CommitTS, w.client.finish(ctx, pump, end)
}

// Row runs one transaction, whether Run does or not.
func (w *Writer) Row(ctx context.Context) { w.transaction(ctx, w.next.Add(1)) }

// Run starts transactions until ctx ends, and returns when all of them have ended. It may be run again.
func (w *Writer) Run(ctx context.Context) Summary {
	var running sync.WaitGroup
	drain, cancel := context.WithCancel(context.Background())
	defer cancel()
	tick := time.NewTicker(time.Duration(float64(time.Second) / w.options.Rate))
	defer tick.Stop()
	for ctx.Err() == nil {
		running.Add(1)
		go func(n int64) {
			defer running.Done()
			w.transaction(drain, n)
		}(w.next.Add(1))
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
	time.AfterFunc(w.options.Drain, cancel)
	running.Wait()
	return w.Summary()
}

func (w *Writer) transaction(drain context.Context, n int64) {
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
