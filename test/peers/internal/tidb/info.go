package tidb

import (
	"context"
	"encoding/json"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"peers/internal/setup"
)

// info is a server as /info/all shows it; the order of keys is that of the real one. binlog_status came with 2.1.19.
type info struct {
	Version       string `json:"version"`
	GitHash       string `json:"git_hash"`
	ID            string `json:"ddl_id"`
	IP            string `json:"ip"`
	ListeningPort int    `json:"listening_port"`
	StatusPort    int    `json:"status_port"`
	Lease         string `json:"lease"`
	BinlogStatus  string `json:"binlog_status,omitempty"`
}

func (s *Server) makeInfo() info {
	made := info{
		Version: "5.7.25-TiDB-" + release(s.program), GitHash: s.program.GitHash(), ID: newID(), IP: s.cfg.Advertise,
		ListeningPort: s.cfg.Port, StatusPort: s.cfg.StatusPort, Lease: "45s",
	}
	if s.program.Version.BinlogStatus() {
		made.BinlogStatus = "Off"
		if s.logsBinlog() {
			made.BinlogStatus = "On"
		}
	}
	return made
}

func release(p setup.Program) string {
	if p.Version.Text == "" {
		return "None"
	}
	return p.Version.Text
}

func (s *Server) register(ctx context.Context) error {
	text, err := json.Marshal(s.info)
	if err != nil {
		return err
	}
	lease, err := s.etcd.Grant(ctx, infoTTL)
	if err != nil {
		return err
	}
	if _, err := s.etcd.Put(ctx, infoPrefix+s.info.ID, string(text), clientv3.WithLease(lease.ID)); err != nil {
		return err
	}
	answers, err := s.etcd.KeepAlive(context.Background(), lease.ID)
	if err != nil {
		return err
	}
	go func() {
		for range answers {
		}
	}()
	return nil
}

func (s *Server) unregister() error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	_, err := s.etcd.Delete(ctx, infoPrefix+s.info.ID)
	return err
}

// servers gives all registered servers, oldest first; that one owns the DDL.
func (s *Server) servers(ctx context.Context) ([]info, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	reply, err := s.etcd.Get(ctx, infoPrefix, clientv3.WithPrefix(), clientv3.WithSort(clientv3.SortByCreateRevision, clientv3.SortAscend))
	if err != nil {
		return nil, err
	}
	var all []info
	for _, kv := range reply.Kvs {
		var one info
		if err := json.Unmarshal(kv.Value, &one); err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, nil
}
