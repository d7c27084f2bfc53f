// Package web is the HTTP manners that Pump and Drainer share (facts 1.1, 2.1).
package web

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
)

// Only lets one method through; another gives 405 where strict, else 404.
func Only(method string, strict bool, page http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method == method:
			page(w, r)
		case strict:
			w.WriteHeader(http.StatusMethodNotAllowed)
		default:
			http.NotFound(w, r)
		}
	})
}

// Answer writes the indented body of /state and /commit_ts: code 200, or 3 when refused.
func Answer(w http.ResponseWriter, message string, ok bool, data interface{}) {
	code := 3
	if ok {
		code = 200
	}
	text, _ := json.MarshalIndent(struct {
		Message string      `json:"message"`
		Code    int         `json:"code"`
		Data    interface{} `json:"data"`
	}{message, code, data}, "", "  ")
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	w.Write(append(text, '\n'))
}

// Metrics is a page in Prometheus' text format, under construction.
type Metrics struct{ text strings.Builder }

// Type begins a metric's family.
func (m *Metrics) Type(name, kind string) { m.text.WriteString("# TYPE " + name + " " + kind + "\n") }

// Value adds a sample; series is the name with its labels.
func (m *Metrics) Value(series string, value float64) {
	m.text.WriteString(series + " " + strconv.FormatFloat(value, 'g', -1, 64) + "\n")
}

// Write sends the page.
func (m *Metrics) Write(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	w.Write([]byte(m.text.String()))
}
