package pump

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"peers/internal/registry"
	"peers/internal/web"
)

// statusPage is GET /status; the order of keys is that of the real one (facts 1.1).
type statusPage struct {
	Status     map[string]*registry.Node `json:"status"`
	CommitTS   int64                     `json:"CommitTS"`
	Checkpoint struct{}                  `json:"Checkpoint"`
	ErrMsg     string                    `json:"ErrMsg"`
}

func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	strict := s.program.Version.MethodNotAllowed()
	mux.Handle("/status", web.Only("GET", strict, s.misbehaving(s.serveStatus)))
	mux.Handle("/drainers", web.Only("GET", strict, s.misbehaving(s.serveDrainers)))
	mux.Handle("/state/", web.Only("PUT", strict, s.misbehaving(s.serveState)))
	mux.HandleFunc("/metrics", s.misbehaving(s.serveMetrics))
	mux.HandleFunc("/standin/write", s.serveWrite)
	mux.HandleFunc("/standin/pull", s.servePull)
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

// serveStatus reads the whole registry and a fresh TSO. No Content-Type is set: it is sniffed
// as text/plain (facts 1.1). The requests end with the pump's own context, so that while it
// closes the answer is "context canceled".
func (s *Server) serveStatus(w http.ResponseWriter, _ *http.Request) {
	page, err := s.readStatus()
	if err != nil {
		s.log.Error("get pumps' status failed", "error", err)
		page = statusPage{ErrMsg: err.Error()}
	}
	json.NewEncoder(w).Encode(page)
}

func (s *Server) readStatus() (statusPage, error) {
	page := statusPage{Status: map[string]*registry.Node{}, ErrMsg: s.knobs.Now().StatusErrMsg}
	nodes, err := s.nodes.Nodes(s.ctx, registry.Pumps)
	if err != nil {
		return page, err
	}
	for _, node := range nodes {
		page.Status[node.NodeID] = node
	}
	page.CommitTS, err = s.oracle.Get(s.ctx)
	return page, err
}

// serveDrainers answers null both for none and for a failed read (facts 1.1).
func (s *Server) serveDrainers(w http.ResponseWriter, _ *http.Request) {
	nodes, err := s.nodes.Nodes(s.ctx, registry.Drainers)
	if err != nil {
		s.log.Error("get pumps failed", "error", err)
	}
	json.NewEncoder(w).Encode(nodes)
}

// serveState is PUT /state/{nodeID}/{action}; HTTP is 200 even when refused (facts 1.1).
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
		return fmt.Sprintf("invalide nodeID %s, this pump's nodeID is %s", id, s.status.NodeID), false
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
		return "invalide action " + action, false
	}
	return fmt.Sprintf("apply action %s success!", action), true
}
