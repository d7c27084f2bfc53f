package pump

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"time"

	"peers/internal/registry"
)

// notifyDrainers reaches every drainer registered as online, within 10 s altogether (facts
// 1.4). A TCP connection is what decides; the stand-in for a drainer also gets a request, on
// which it reads the registry at once.
func (s *Server) notifyDrainers() error {
	ctx, cancel := context.WithTimeout(s.ctx, 10*time.Second)
	defer cancel()
	drainers, err := s.nodes.Nodes(ctx, registry.Drainers)
	if err != nil {
		return err
	}
	for _, drainer := range drainers {
		if drainer.State != registry.Online {
			continue
		}
		s.log.Info("Start trying to notify drainer", "addr", drainer.Host)
		if err := s.reach(ctx, drainer.Host); err != nil {
			return fmt.Errorf("connect drainer(%s): %w", drainer.Host, err)
		}
	}
	return nil
}

// reach retries a refused connection until the time is over, as a blocking gRPC dial does.
func (s *Server) reach(ctx context.Context, host string) error {
	for {
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", host)
		if err == nil {
			conn.Close()
			s.requestPoll(host)
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(500 * time.Millisecond):
		}
	}
}

func (s *Server) requestPoll(host string) {
	scheme := "http"
	if s.serverTLS() != nil {
		scheme = "https"
	}
	client := http.Client{Timeout: 2 * time.Second, Transport: &http.Transport{TLSClientConfig: s.cfg.tls, DisableKeepAlives: true}}
	if reply, err := client.Post(scheme+"://"+host+"/standin/notify", "", nil); err == nil {
		reply.Body.Close()
	}
}
