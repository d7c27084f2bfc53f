package knob

import (
	"os"
	"path/filepath"
	"testing"
)

func TestParse(t *testing.T) {
	set, err := Parse([]string{"hang_status", "start_delay=250", "wrong_node_id=ghost:1", "exit_at_start", "available_bytes=0"})
	if err != nil {
		t.Fatal(err)
	}
	if !set.HangStatus || set.StartDelay != 250 || set.WrongNodeID != "ghost:1" || *set.ExitAtStart != 1 || *set.AvailableBytes != 0 {
		t.Errorf("%+v", set)
	}
	for _, bad := range []string{"hang", "start_delay=soon", "hang_status=7"} {
		if _, err := Parse([]string{bad}); err == nil {
			t.Errorf("%s was accepted", bad)
		}
	}
}

func TestLiveFileOverridesBakedKnobs(t *testing.T) {
	source := Source{Baked: Set{HangStatus: true, StopDelay: 5}, DataDir: t.TempDir()}
	live := filepath.Join(source.DataDir, "knobs.json")
	write := func(text string) {
		if err := os.WriteFile(live, []byte(text), 0600); err != nil {
			t.Fatal(err)
		}
	}
	write(`{"hang_status":false,"http_error":true}`)
	if set := source.Now(); set.HangStatus || !set.HTTPError || set.StopDelay != 5 {
		t.Errorf("%+v", set)
	}
	write(`{"hang_status":fal`)
	if set := source.Now(); !set.HangStatus {
		t.Error("half a file was taken")
	}
}
