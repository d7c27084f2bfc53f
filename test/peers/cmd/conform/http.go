package main

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"peers/internal/registry"
)

// answer is one HTTP exchange; code 0 means that there was none.
type answer struct {
	code int
	kind string // Content-Type
	body string
}

var client = &http.Client{Timeout: 15 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}

func (p *process) ask(method, path string) answer {
	request, err := http.NewRequest(method, "http://"+p.addr+path, nil)
	if err != nil {
		return answer{}
	}
	reply, err := client.Do(request)
	if err != nil {
		return answer{}
	}
	defer reply.Body.Close()
	body, err := io.ReadAll(reply.Body)
	if err != nil {
		return answer{}
	}
	return answer{reply.StatusCode, reply.Header.Get("Content-Type"), string(body)}
}

func (p *process) get(path string) answer { return p.ask("GET", path) }

// sample is the number of a series in Prometheus' text, as it stands there.
func sample(page, series string) string {
	for _, line := range strings.Split(page, "\n") {
		if strings.HasPrefix(line, series+" ") {
			return line[len(series)+1:]
		}
	}
	return ""
}

func (p *process) portOpen() bool {
	conn, err := net.DialTimeout("tcp", p.addr, time.Second)
	if err == nil {
		conn.Close()
	}
	return err == nil
}

// pumpStatus is what a Pump's /status says.
type pumpStatus struct {
	Status   map[string]registry.Node `json:"status"`
	CommitTS int64                    `json:"CommitTS"`
	ErrMsg   string                   `json:"ErrMsg"`
}

func (a answer) pumpStatus() (s pumpStatus) {
	json.Unmarshal([]byte(a.body), &s)
	return s
}

// drainerStatus is what a Drainer's /status says.
type drainerStatus struct {
	PumpPos map[string]int64
	Synced  bool
	LastTS  int64
}

func (a answer) drainerStatus() (s drainerStatus) {
	json.Unmarshal([]byte(a.body), &s)
	return s
}

// applied is the code inside the body of an answer to /state, 0 if there is none.
func (a answer) applied() int {
	var body struct {
		Code int `json:"code"`
	}
	if a.code != 200 || !strings.HasPrefix(a.kind, "application/json") {
		return 0
	}
	json.Unmarshal([]byte(a.body), &body)
	return body.Code
}

// apply asks for pause or close.
func (p *process) apply(id, action string) answer { return p.ask("PUT", "/state/"+id+"/"+action) }
