package olddrainer

import (
	"encoding/json"
	"fmt"
	"net/http"
	"sort"
	"sync/atomic"

	"peers/internal/old"
	"peers/internal/web"
)

// page is /status; the order of keys is that of the real one. TsMap came in mid-2018.
type page struct {
	PumpPos       map[string]old.Pos `json:"PumpPos"`
	Synced        bool               `json:"Synced"`
	DepositWindow struct {
		Upper int64 `json:"Upper"`
		Lower int64 `json:"Lower"`
	}
	TsMap *string `json:"TsMap,omitempty"`
}

func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/status", web.Misbehaving(s.knobs.Now, s.serveStatus))
	if s.era.Metrics() {
		mux.HandleFunc("/metrics", s.serveMetrics)
	}
	mux.HandleFunc("/standin/notify", s.serveNotify)
	return mux
}

// serveStatus before the first poll: an empty page, in v1.1 a crash of the handler, before that null (facts 3.1).
func (s *Server) serveStatus(w http.ResponseWriter, _ *http.Request) {
	now, polled := s.collector.view()
	if !polled && s.era != old.Kafka {
		w.Write([]byte("null\n"))
		return
	}
	answer := page{PumpPos: now.pos, Synced: now.synced || s.knobs.Now().LieSynced}
	answer.DepositWindow.Upper, answer.DepositWindow.Lower = now.upper, now.lower
	if s.era.TsMap() {
		answer.TsMap = new(string)
	}
	json.NewEncoder(w).Encode(answer)
}

// serveNotify is the stand-ins' form of the gRPC call Notify: look at the registry now.
func (s *Server) serveNotify(_ http.ResponseWriter, r *http.Request) {
	done := make(chan error, 1)
	select {
	case s.collector.notify <- done:
		<-done
	case <-s.ctx.Done():
	case <-r.Context().Done():
	}
}

func (s *Server) serveMetrics(w http.ResponseWriter, _ *http.Request) {
	var m web.Metrics
	m.Type("binlog_drainer_window", "gauge")
	for _, boundary := range []struct {
		marker string
		value  *int64
	}{{"lower", &s.collector.lower}, {"upper", &s.collector.upper}} {
		if ts := atomic.LoadInt64(boundary.value); ts != 0 {
			m.Value(fmt.Sprintf(`binlog_drainer_window{marker="%s"}`, boundary.marker), float64(ts))
		}
	}
	sync := s.syncer
	sync.mu.Lock()
	defer sync.mu.Unlock()
	m.Type("binlog_drainer_position", "gauge")
	m.Value("binlog_drainer_position", float64(sync.gauge))
	m.Type("binlog_drainer_queue_size", "gauge")
	writeSeries(&m, "binlog_drainer_queue_size", "name", sync.queues)
	m.Type("binlog_drainer_event", "counter")
	writeSeries(&m, "binlog_drainer_event", "type", sync.events)
	m.Write(w)
}

func writeSeries(m *web.Metrics, metric, label string, values map[string]int) {
	var names []string
	for name := range values {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		m.Value(fmt.Sprintf(`%s{%s="%s"}`, metric, label, name), float64(values[name]))
	}
}
