package pump

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"peers/internal/registry"
)

// The stand-ins' own protocol, in place of gRPC's WriteBinlog and PullBinlogs: the README
// describes it.

func (s *Server) serveWrite(w http.ResponseWriter, r *http.Request) {
	if !s.requests.begin() {
		http.Error(w, "transport is closing", http.StatusServiceUnavailable)
		return
	}
	defer s.requests.inFlight.Done()
	began := time.Now()
	var in record
	err := json.NewDecoder(r.Body).Decode(&in)
	if err == nil {
		err = s.accept(in)
	}
	s.requests.observe("WriteBinlog", err == nil, began)
	if err != nil {
		s.mu.Lock()
		s.loss++
		s.mu.Unlock()
		s.log.Error("write binlog failed", "error", err)
		http.Error(w, err.Error(), http.StatusConflict)
		return
	}
	w.Write([]byte("{}\n"))
}

// accept stores a record from TiDB. An empty one only probes whether writes would be taken.
func (s *Server) accept(in record) error {
	prewrite := in.Type == "prewrite" || in.Type == ""
	if state := s.node().State; state != registry.Online && (prewrite || !s.program.Version.RefusesOnlyPrewrite()) {
		return fmt.Errorf("no online: %v", state)
	}
	if s.program.Version.StopWriteKey() {
		if available, _ := s.available(); available <= int64(s.cfg.Storage.StopWriteAt) {
			return fmt.Errorf("no available space, available: %d, StopWriteAtAvailableSpace: %d", available, s.cfg.Storage.StopWriteAt)
		}
	}
	switch in.Type {
	case "":
		return nil
	case "prewrite", "commit", "rollback":
		return s.store.append(in)
	}
	return fmt.Errorf("unknown type %q", in.Type)
}

// pulled is one line of the pull stream.
type pulled struct {
	StartTS  int64  `json:"start_ts"`
	CommitTS int64  `json:"commit_ts"`
	Fake     bool   `json:"fake,omitempty"`
	Payload  string `json:"payload,omitempty"`
}

func (s *Server) servePull(w http.ResponseWriter, r *http.Request) {
	from, err := strconv.ParseInt(r.URL.Query().Get("from"), 10, 64)
	if err != nil {
		http.Error(w, "from: "+err.Error(), http.StatusBadRequest)
		return
	}
	began := time.Now()
	defer func() { s.requests.observe("PullBinlogs", true, began) }()
	end := s.pullsEnd
	closing := s.ctx.Done()
	if s.program.Version.KeepsPullsWhileClosing() {
		closing = nil
	}
	encoder := json.NewEncoder(w)
	for {
		records, news := s.store.pull(from)
		for _, item := range records {
			if encoder.Encode(pulled{item.StartTS, item.CommitTS, item.Type == "fake", item.Payload}) != nil {
				return
			}
			from = item.CommitTS
		}
		w.(http.Flusher).Flush()
		select {
		case <-news:
		case <-end:
			return
		case <-closing:
			return
		case <-r.Context().Done():
			return
		}
	}
}
