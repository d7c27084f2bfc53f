// Package bake keeps a stand-in's version and knobs at the end of its own executable, behind
// the ELF image: each variant has its own digest and stays a valid ELF file.
package bake

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"os"

	"peers/internal/knob"
)

// Trailer is what was baked in.
type Trailer struct {
	Version string   `json:"version"`
	Knobs   knob.Set `json:"knobs"`
}

var magic = []byte("\x00PEER-TRAILER-1\n")

const tailSize = 8 + 16 // length of the JSON text, magic

// Append writes the trailer to w, as the last bytes of the file.
func Append(w io.Writer, t Trailer) error {
	text, err := json.Marshal(t)
	if err != nil {
		return err
	}
	tail := binary.LittleEndian.AppendUint64(nil, uint64(len(text)))
	_, err = w.Write(append(append(text, tail...), magic...))
	return err
}

// Read gives the trailer of an executable; the zero Trailer if it has none.
func Read(path string) (Trailer, error) {
	var t Trailer
	file, err := os.Open(path)
	if err != nil {
		return t, err
	}
	defer file.Close()
	size, err := file.Seek(0, io.SeekEnd)
	if err != nil || size < tailSize {
		return t, err
	}
	tail := make([]byte, tailSize)
	if _, err := file.ReadAt(tail, size-tailSize); err != nil {
		return t, err
	}
	if !bytes.Equal(tail[8:], magic) {
		return t, nil
	}
	length := int64(binary.LittleEndian.Uint64(tail))
	if length < 0 || length > size-tailSize {
		return t, fmt.Errorf("%s: damaged trailer", path)
	}
	text := make([]byte, length)
	if _, err := file.ReadAt(text, size-tailSize-length); err != nil {
		return t, err
	}
	return t, json.Unmarshal(text, &t)
}

// Own is the running program's trailer; by /proc, since the file may have been renamed over.
func Own() (Trailer, error) { return Read("/proc/self/exe") }
