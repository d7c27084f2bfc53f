package pump

import (
	"fmt"
	"net/http"
	"sort"
	"sync"
	"time"

	"peers/internal/tso"
	"peers/internal/web"
)

// requestCounters are the requests by method and outcome, and those in flight.
type requestCounters struct {
	mu       sync.Mutex
	done     map[[2]string]sample // by method and label
	inFlight sync.WaitGroup
	draining bool
}

type sample struct {
	count   int
	seconds float64
}

// begin admits a request unless the server is being drained.
func (c *requestCounters) begin() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.draining {
		c.inFlight.Add(1)
	}
	return !c.draining
}

// drain admits no more requests; the channel is closed when the last one has ended.
func (c *requestCounters) drain() <-chan struct{} {
	c.mu.Lock()
	c.draining = true
	c.mu.Unlock()
	idle := make(chan struct{})
	go func() {
		c.inFlight.Wait()
		close(idle)
	}()
	return idle
}

func (c *requestCounters) observe(method string, ok bool, began time.Time) {
	label := "fail"
	if ok {
		label = "succ"
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.done == nil {
		c.done = map[[2]string]sample{}
	}
	was := c.done[[2]string{method, label}]
	c.done[[2]string{method, label}] = sample{was.count + 1, was.seconds + time.Since(began).Seconds()}
}

func (c *requestCounters) write(m *web.Metrics) {
	const name = "binlog_pump_rpc_duration_seconds"
	c.mu.Lock()
	defer c.mu.Unlock()
	var keys [][2]string
	for key := range c.done {
		keys = append(keys, key)
	}
	sort.Slice(keys, func(i, j int) bool { return fmt.Sprint(keys[i]) < fmt.Sprint(keys[j]) })
	if len(keys) > 0 {
		m.Type(name, "histogram")
	}
	for _, key := range keys {
		labels := fmt.Sprintf(`label="%s",method="%s"`, key[1], key[0])
		m.Value(name+"_bucket{"+labels+`,le="+Inf"}`, float64(c.done[key].count))
		m.Value(name+"_sum{"+labels+"}", c.done[key].seconds)
		m.Value(name+"_count{"+labels+"}", float64(c.done[key].count))
	}
}

// writeSizes shows the records by size: a fake has 26 bytes, what TiDBs write more than 32
// (tidb-binlog:pump/storage/storage.go writeBinlog).
func writeSizes(m *web.Metrics, s *store) {
	const name = "binlog_pump_storage_write_binlog_size"
	written, fakes := s.counts()
	if written == 0 {
		return
	}
	m.Type(name, "histogram")
	for _, kind := range []string{"batch", "single"} {
		for _, bucket := range []struct {
			le    string
			count int64
		}{{"16", 0}, {"32", fakes}, {"64", fakes}, {"128", written}, {"+Inf", written}} {
			m.Value(fmt.Sprintf(`%s_bucket{type="%s",le="%s"}`, name, kind, bucket.le), float64(bucket.count))
		}
		m.Value(name+`_sum{type="`+kind+`"}`, float64(26*fakes+100*(written-fakes)))
		m.Value(name+`_count{type="`+kind+`"}`, float64(written))
	}
}

func (s *Server) serveMetrics(w http.ResponseWriter, _ *http.Request) {
	var m web.Metrics
	s.mu.Lock()
	m.Type("binlog_pump_loss_binlog_count", "counter")
	m.Value("binlog_pump_loss_binlog_count", float64(s.loss))
	s.mu.Unlock()
	s.requests.write(&m)
	m.Type("binlog_pump_storage_gc_ts", "gauge")
	m.Value("binlog_pump_storage_gc_ts", float64(s.knobs.Now().GCTS))
	m.Type("binlog_pump_storage_max_commit_ts", "gauge")
	m.Value("binlog_pump_storage_max_commit_ts", float64(tso.Physical(s.store.maxCommitTS())))
	available, capacity := s.available()
	m.Type("binlog_pump_storage_storage_size_bytes", "gauge")
	m.Value(`binlog_pump_storage_storage_size_bytes{type="available"}`, float64(available))
	m.Value(`binlog_pump_storage_storage_size_bytes{type="capacity"}`, float64(capacity))
	writeSizes(&m, s.store)
	m.Write(w)
}
