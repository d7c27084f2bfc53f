package drainer

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"peers/internal/registry"
	"peers/internal/tso"
	"peers/internal/web"
)

// statusPage is GET /status; the order of keys is that of the real one (facts 2.1).
type statusPage struct {
	PumpPos map[string]int64 `json:"PumpPos"`
	Synced  bool             `json:"Synced"`
	LastTS  int64            `json:"LastTS"`
	TsMap   string           `json:"TsMap"`
}

func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	strict := s.program.Version.MethodNotAllowed()
	mux.Handle("/status", web.Only("GET", strict, s.misbehaving(s.serveStatus)))
	mux.Handle("/commit_ts", web.Only("GET", strict, s.misbehaving(s.serveCommitTS)))
	mux.Handle("/state/", web.Only("PUT", strict, s.misbehaving(s.serveState)))
	mux.HandleFunc("/metrics", s.misbehaving(s.serveMetrics))
	mux.HandleFunc("/standin/notify", s.serveNotify)
	return mux
}

// misbehaving puts the knobs that hold for every answer in front of a page.
func (s *Server) misbehaving(page http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		knobs := s.knobs.Now()
		switch {
		case knobs.HangStatus:
			<-r.Context().Done()
		case knobs.HTTPError:
			http.Error(w, "Internal Server Error", http.StatusInternalServerError)
		default:
			page(w, r)
		}
	}
}

func (s *Server) serveStatus(w http.ResponseWriter, _ *http.Request) {
	lastTS, idle := s.syncer.progress()
	var page statusPage
	page.PumpPos, page.Synced = s.collector.view(idle)
	if page.PumpPos != nil {
		page.LastTS = lastTS
	}
	if s.knobs.Now().LieSynced {
		page.Synced = true
	}
	json.NewEncoder(w).Encode(page)
}

func (s *Server) serveCommitTS(w http.ResponseWriter, _ *http.Request) {
	lastTS, _ := s.syncer.progress()
	web.Answer(w, "get drainer's latest ts success!", true, map[string]int64{"ts": lastTS})
}

// serveState is PUT /state/{nodeID}/{action}; "this pump's" is the real wording (facts 2.1).
func (s *Server) serveState(w http.ResponseWriter, r *http.Request) {
	words := strings.Split(strings.TrimPrefix(r.URL.Path, "/state/"), "/")
	if len(words) != 2 || words[0] == "" || words[1] == "" {
		http.NotFound(w, r)
		return
	}
	message, ok := s.apply(words[0], words[1])
	if ok {
		go s.Close()
	}
	web.Answer(w, message, ok, nil)
}

func (s *Server) apply(id, action string) (message string, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if id != s.status.NodeID {
		return fmt.Sprintf("invalid nodeID %s, this pump's nodeID is %s", id, s.status.NodeID), false
	}
	if s.status.State != registry.Online {
		return fmt.Sprintf("this pump's state is %s, apply %s failed!", s.status.State, action), false
	}
	switch action {
	case "pause":
		s.status.State = registry.Pausing
	case "close":
		s.status.State = registry.Closing
	default:
		return "invalid action " + action, false
	}
	return fmt.Sprintf("apply action %s success!", action), true
}

// serveNotify is the stand-ins' form of the gRPC call Notify: look at the registry now.
func (s *Server) serveNotify(w http.ResponseWriter, _ *http.Request) {
	done := make(chan error)
	select {
	case s.collector.notify <- done:
		<-done
	case <-s.ctx.Done():
	}
}

func (s *Server) serveMetrics(w http.ResponseWriter, _ *http.Request) {
	var m web.Metrics
	lastTS, idle := s.syncer.progress()
	m.Type("binlog_drainer_checkpoint_tso", "gauge")
	m.Value("binlog_drainer_checkpoint_tso", float64(tso.Physical(lastTS)))
	m.Type("binlog_drainer_event", "counter")
	s.syncer.mu.Lock()
	for name, count := range s.syncer.events {
		m.Value(fmt.Sprintf(`binlog_drainer_event{type="%s"}`, name), float64(count))
	}
	s.syncer.mu.Unlock()
	m.Type("binlog_drainer_pump_position", "gauge")
	pos, _ := s.collector.view(idle)
	for id, ts := range pos {
		m.Value(fmt.Sprintf(`binlog_drainer_pump_position{nodeID="%s"}`, id), float64(tso.Physical(ts)))
	}
	m.Type("binlog_drainer_queue_size", "gauge")
	m.Value(`binlog_drainer_queue_size{name="syncer_input"}`, 0)
	m.Write(w)
}
