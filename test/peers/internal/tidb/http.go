package tidb

import (
	"encoding/json"
	"net/http"
	"os"
)

type (
	ownInfo struct {
		IsOwner bool `json:"is_owner"`
		info
	}
	allInfo struct {
		Count      int             `json:"servers_num"`
		Owner      string          `json:"owner_id"`
		Consistent bool            `json:"is_all_server_version_consistent"`
		Servers    map[string]info `json:"all_servers_info"`
	}
)

func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/status", s.serveStatus)
	mux.HandleFunc("/info", s.serveInfo)
	mux.HandleFunc("/info/all", s.serveAll)
	mux.HandleFunc("/settings", func(w http.ResponseWriter, _ *http.Request) { answer(w, s.settings()) })
	mux.HandleFunc("/standin/summary", func(w http.ResponseWriter, _ *http.Request) {
		if s.writer == nil {
			http.Error(w, "no binlog", http.StatusConflict)
			return
		}
		answer(w, s.writer.Summary())
	})
	mux.HandleFunc("/standin/pause", s.servePause)
	mux.HandleFunc("/standin/resume", func(w http.ResponseWriter, _ *http.Request) {
		os.Remove(s.path("paused"))
		s.resume()
		answer(w, struct{}{})
	})
	mux.HandleFunc("/standin/ddl", s.serveDDL)
	mux.HandleFunc("/standin/row", s.serveRow)
	return mux
}

// settings is the configuration it runs with, as far as binlog goes; 2.0 had no enable (pingcap/tidb:config/config.go).
func (s *Server) settings() any {
	binlog := map[string]any{"binlog-socket": s.cfg.Binlog.Socket, "ignore-error": s.cfg.Binlog.IgnoreError}
	if !s.program.Version.OldBinlog() {
		binlog["enable"] = s.cfg.Binlog.Enable
	}
	return map[string]any{"port": s.cfg.Port, "binlog": binlog}
}

func answer(w http.ResponseWriter, body interface{}) {
	text, _ := json.MarshalIndent(body, "", "  ")
	w.Header().Set("Content-Type", "application/json")
	w.Write(append(text, '\n'))
}

func (s *Server) serveStatus(w http.ResponseWriter, _ *http.Request) {
	text, _ := json.Marshal(struct {
		Connections int    `json:"connections"`
		Version     string `json:"version"`
		GitHash     string `json:"git_hash"`
	}{0, s.info.Version, s.info.GitHash})
	w.Header().Set("Content-Type", "application/json")
	w.Write(text)
}

func (s *Server) serveInfo(w http.ResponseWriter, r *http.Request) {
	all, err := s.servers(r.Context())
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	answer(w, ownInfo{len(all) > 0 && all[0].ID == s.info.ID, s.info})
}

func (s *Server) serveAll(w http.ResponseWriter, r *http.Request) {
	all, err := s.servers(r.Context())
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	page := allInfo{Count: len(all), Consistent: true, Servers: map[string]info{}}
	for _, one := range all {
		page.Servers[one.ID] = one
		page.Consistent = page.Consistent && one.Version == all[0].Version && one.GitHash == all[0].GitHash
	}
	if len(all) > 0 {
		page.Owner = all[0].ID
	}
	answer(w, page)
}

// servePause answers when no transaction is in flight; a restart does not end the pause.
func (s *Server) servePause(w http.ResponseWriter, _ *http.Request) {
	if err := os.WriteFile(s.path("paused"), nil, 0644); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	s.pause()
	answer(w, struct{}{})
}

// serveRow writes one row, as by hand: also while business is paused.
func (s *Server) serveRow(w http.ResponseWriter, r *http.Request) {
	if s.writer == nil {
		http.Error(w, "no binlog", http.StatusConflict)
		return
	}
	s.writer.Row(r.Context())
	s.saveSummary()
	answer(w, struct{}{})
}

func (s *Server) serveDDL(w http.ResponseWriter, r *http.Request) {
	var asked struct {
		Query string `json:"query"`
	}
	if err := json.NewDecoder(r.Body).Decode(&asked); err != nil || asked.Query == "" {
		http.Error(w, "no query", http.StatusBadRequest)
		return
	}
	ts, err := s.ddl(r.Context(), asked.Query)
	if err != nil {
		http.Error(w, err.Error(), http.StatusConflict)
		return
	}
	answer(w, map[string]int64{"commit_ts": ts})
}
