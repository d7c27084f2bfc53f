// Package knob holds the named ways in which a stand-in misbehaves. They are baked into the
// binary (package bake) and may be changed while it runs by <data-dir>/knobs.json.
package knob

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
)

// Set is all knobs; the README's table says what each one does. Times are milliseconds.
type Set struct {
	StartDelay       int    `json:"start_delay,omitempty"`
	ServeDelay       int    `json:"serve_delay,omitempty"`
	ExitAtStart      *int   `json:"exit_at_start,omitempty"`
	CrashAfterStart  int    `json:"crash_after_start,omitempty"`
	NeverRegister    bool   `json:"never_register,omitempty"`
	Unregistered     bool   `json:"serve_unregistered,omitempty"`
	WrongNodeID      string `json:"wrong_node_id,omitempty"`
	HangStatus       bool   `json:"hang_status,omitempty"`
	HTTPError        bool   `json:"http_error,omitempty"`
	StatusErrMsg     string `json:"status_errmsg,omitempty"`
	NoHeartbeat      bool   `json:"no_heartbeat,omitempty"`
	StopDelay        int    `json:"stop_delay,omitempty"`
	IgnoreTerm       bool   `json:"ignore_term,omitempty"`
	StayClosing      bool   `json:"stay_closing,omitempty"`
	StopLeavesOnline bool   `json:"stop_leaves_online,omitempty"`
	AvailableBytes   *int64 `json:"available_bytes,omitempty"`
	GCTS             int64  `json:"gc_ts,omitempty"`
	RejectKey        string `json:"reject_key,omitempty"`
	PlaintextHTTP    bool   `json:"plaintext_http,omitempty"`
	ResolveAfter     int    `json:"resolve_after,omitempty"`
	LieSynced        bool   `json:"lie_synced,omitempty"`
	NoPumps          bool   `json:"no_pumps,omitempty"`
	Stuck            bool   `json:"stuck,omitempty"`
	SyncError        int    `json:"sync_error,omitempty"`

	// The old versions' alone.
	EmptyReply     bool   `json:"empty_reply,omitempty"`
	NullBody       bool   `json:"null_body,omitempty"`
	LossCount      int64  `json:"loss_count,omitempty"`
	FailWrites     bool   `json:"fail_writes,omitempty"`
	FlushNeverEnds bool   `json:"flush_never_ends,omitempty"`
	Firewalled     string `json:"firewalled,omitempty"`
	Forgotten      string `json:"forgotten,omitempty"`
	WindowFrozen   bool   `json:"window_frozen,omitempty"`
	NoTSO          bool   `json:"no_tso,omitempty"`
}

// Parse reads command-line knobs: name, or name=value.
func Parse(words []string) (Set, error) {
	var set Set
	for _, word := range words {
		name, value, given := strings.Cut(word, "=")
		field, ok := find(&set, name)
		if !ok {
			return set, fmt.Errorf("unknown knob %q", name)
		}
		if !given {
			value = bare(field)
		}
		if field.Kind() == reflect.String {
			field.SetString(value)
		} else if err := json.Unmarshal([]byte(value), field.Addr().Interface()); err != nil {
			return set, fmt.Errorf("knob %s: %q is not a %s", name, value, field.Type())
		}
	}
	return set, nil
}

func find(set *Set, name string) (reflect.Value, bool) {
	value := reflect.ValueOf(set).Elem()
	for i := 0; i < value.NumField(); i++ {
		if tag, _, _ := strings.Cut(value.Type().Field(i).Tag.Get("json"), ","); tag == name {
			return value.Field(i), true
		}
	}
	return reflect.Value{}, false
}

// bare is what a knob without a value means.
func bare(field reflect.Value) string {
	if field.Kind() == reflect.Bool {
		return "true"
	}
	return "1"
}

// Source gives the knobs in force: the baked ones, overridden by the live file.
type Source struct {
	Baked   Set
	DataDir string
}

// Now reads the live file afresh, so that a test can change a running stand-in. While a test
// is in the middle of writing the file, the baked knobs hold.
func (s Source) Now() Set {
	set := s.Baked
	text, err := os.ReadFile(filepath.Join(s.DataDir, "knobs.json"))
	if err != nil {
		return set
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&set); err != nil {
		return s.Baked
	}
	return set
}
