package oldpump

import (
	"net/http/httptest"
	"strings"
	"testing"

	"peers/internal/knob"
	"peers/internal/zlog"
)

// TestAFailedWrite: facts 3.2, taken and lost where tolerant, else refused; counted as lost in either case.
func TestAFailedWrite(t *testing.T) {
	for tolerant, want := range map[bool]int{true: 200, false: 500} {
		log, err := zlog.Open(false, "error", t.TempDir()+"/log")
		if err != nil {
			t.Fatal(err)
		}
		s := &Server{cfg: &Config{EnableTolerant: tolerant}, log: log, knobs: knob.Source{Baked: knob.Set{FailWrites: true}}}
		answer := httptest.NewRecorder()
		s.serveWrite(answer, httptest.NewRequest("POST", "/standin/write", strings.NewReader(`{"type":"prewrite","start_ts":1}`)))
		if answer.Code != want || s.calls.lost != 1 || s.calls.fail != map[bool]int{true: 0, false: 1}[tolerant] {
			t.Errorf("tolerant %v: %d, %+v", tolerant, answer.Code, &s.calls)
		}
	}
}
