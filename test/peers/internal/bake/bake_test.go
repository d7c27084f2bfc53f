package bake

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"peers/internal/knob"
)

func TestTrailerIsReadBack(t *testing.T) {
	want := Trailer{Version: "v4.0.16", Knobs: knob.Set{StopDelay: 7, WrongNodeID: "g:1"}}
	file := bytes.NewBufferString("\x7fELF and so on")
	if err := Append(file, want); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "pump")
	if err := os.WriteFile(path, file.Bytes(), 0600); err != nil {
		t.Fatal(err)
	}
	if got, err := Read(path); err != nil || got != want {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestPlainFileHasNoTrailer(t *testing.T) {
	for _, text := range []string{"", "short", "a file that is long enough to hold a trailer"} {
		path := filepath.Join(t.TempDir(), "pump")
		if err := os.WriteFile(path, []byte(text), 0600); err != nil {
			t.Fatal(err)
		}
		if got, err := Read(path); err != nil || got != (Trailer{}) {
			t.Errorf("%q: got %+v, %v", text, got, err)
		}
	}
}
