package oldpump

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"peers/internal/old"
	"peers/internal/web"
)

// The pages of the eras; the order of keys is that of the real ones (facts 3.2, 3.3).
type (
	page11 struct { // v1.1 and later
		LatestBinlog map[string]old.Latest `json:"LatestBinlog"`
		CommitTS     int64                 `json:"CommitTS"`
		Checkpoint   old.Pos               `json:"Checkpoint"`
		ErrMsg       string                `json:"ErrMsg"`
	}
	page10 struct { // Local, v1.0
		LatestBinlog map[string]old.Pos `json:"LatestBinlog"`
		CommitTS     int64              `json:"CommitTS"`
		ErrMsg       string             `json:"ErrMsg"`
	}
)

func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/status", web.Misbehaving(s.knobs.Now, s.serveStatus))
	if s.era.TwoPositions() {
		mux.HandleFunc("/drainers", web.Misbehaving(s.knobs.Now, s.serveDrainers))
	}
	if s.era.Metrics() {
		mux.HandleFunc("/metrics", s.serveMetrics)
	}
	if s.era.Local() {
		mux.HandleFunc("/standin/pull", s.servePull)
	}
	return mux
}

// serveStatus crashes with write-mode=kafka: the real one asks a checkpoint that mode has not (facts 3.2).
func (s *Server) serveStatus(w http.ResponseWriter, r *http.Request) {
	if s.cfg.WriteMode == "kafka" {
		panic(http.ErrAbortHandler)
	}
	page, err := s.readStatus(r)
	if err != nil {
		s.log.Error("get pumps' status error", "error", err)
		page = page11{ErrMsg: err.Error()}
	}
	if s.era.TwoPositions() {
		json.NewEncoder(w).Encode(page)
		return
	}
	older := page10{CommitTS: page.CommitTS, ErrMsg: page.ErrMsg}
	if page.LatestBinlog != nil {
		older.LatestBinlog = map[string]old.Pos{}
	}
	for id, latest := range page.LatestBinlog {
		older.LatestBinlog[id] = latest.Kafka
		if s.era.Local() {
			older.LatestBinlog[id] = latest.File
		}
	}
	json.NewEncoder(w).Encode(older)
}

func (s *Server) readStatus(r *http.Request) (page page11, err error) {
	nodes, err := s.nodes.Nodes(r.Context(), old.Pumps)
	if err != nil {
		return page, err
	}
	page.LatestBinlog = map[string]old.Latest{}
	for _, node := range nodes {
		page.LatestBinlog[node.NodeID] = old.Latest{File: node.LatestFilePos, Kafka: node.LatestKafkaPos}
	}
	if s.copier != nil {
		page.Checkpoint = s.copier.position()
	}
	page.CommitTS, err = s.oracle.Get(r.Context())
	return page, err
}

// serveDrainers answers null both for none and for a failed read.
func (s *Server) serveDrainers(w http.ResponseWriter, r *http.Request) {
	nodes, err := s.nodes.Nodes(r.Context(), old.Cisterns)
	if err != nil {
		s.log.Error("get pumps error", "error", err)
	}
	json.NewEncoder(w).Encode(nodes)
}

// counters are TiDB's calls by outcome, and the binlogs lost.
type counters struct {
	mu         sync.Mutex
	succ, fail int
	lost       int64
}

func (s *Server) serveMetrics(w http.ResponseWriter, _ *http.Request) {
	const calls = "binlog_pump_rpc_duration_seconds"
	var m web.Metrics
	if s.copier != nil {
		m.Type("binlog_pump_checkpoint", "gauge")
		m.Value(`binlog_pump_checkpoint{label="current"}`, float64(s.copier.position().Offset))
		m.Value(`binlog_pump_checkpoint{label="latest"}`, float64(s.store.latest().Offset))
	}
	s.calls.mu.Lock()
	defer s.calls.mu.Unlock()
	m.Type("binlog_pump_loss_binlog_count", "counter")
	m.Value("binlog_pump_loss_binlog_count", float64(s.calls.lost+s.knobs.Now().LossCount))
	counts := map[string]int{"fail": s.calls.fail, "succ": s.calls.succ}
	if s.calls.fail+s.calls.succ > 0 {
		m.Type(calls, "histogram")
	}
	for _, label := range []string{"fail", "succ"} {
		if counts[label] > 0 {
			labels := fmt.Sprintf(`label="%s",method="WriteBinlog"`, label)
			m.Value(calls+"_bucket{"+labels+`,le="+Inf"}`, float64(counts[label]))
			m.Value(calls+"_count{"+labels+"}", float64(counts[label]))
		}
	}
	m.Write(w)
}

// serveWrite is POST /standin/write on the unix socket, in place of gRPC's WriteBinlog. What can't be written is taken
// all the same and lost, where tolerant.
func (s *Server) serveWrite(w http.ResponseWriter, r *http.Request) {
	atomic.StoreInt32(&s.busy, 1)
	var b old.Binlog
	if err := json.NewDecoder(r.Body).Decode(&b); err != nil || r.URL.Path != "/standin/write" {
		http.Error(w, "no binlog", http.StatusBadRequest)
		return
	}
	err := errors.New("knob fail_writes")
	if !s.knobs.Now().FailWrites {
		err = s.store.append(b)
	}
	s.calls.mu.Lock()
	defer s.calls.mu.Unlock()
	if err != nil {
		s.calls.lost++
		s.log.Error("write binlog error in mixed mode", "error", err)
		if !s.cfg.EnableTolerant {
			s.calls.fail++
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
	}
	s.calls.succ++
	w.Write([]byte("{}"))
}

// servePull is the Local version's stream of entries behind a position.
func (s *Server) servePull(w http.ResponseWriter, r *http.Request) {
	offset, err := strconv.ParseInt(r.URL.Query().Get("from"), 10, 64)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	encoder, from := json.NewEncoder(w), old.Pos{Offset: offset}
	for {
		found, grown, err := s.store.read(from, 200)
		if err != nil {
			return
		}
		for _, next := range found {
			if encoder.Encode(next) != nil {
				return
			}
			from = next.Pos
		}
		w.(http.Flusher).Flush()
		if len(found) > 0 {
			continue
		}
		select {
		case <-r.Context().Done():
			return
		case <-grown:
		case <-time.After(time.Second):
		}
	}
}
