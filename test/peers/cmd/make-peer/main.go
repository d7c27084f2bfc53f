// Make-peer bakes a variant of a stand-in: another version, size or set of knobs, and so
// another digest.
package main

import (
	"bytes"
	"debug/elf"
	"flag"
	"fmt"
	"hash/fnv"
	"math/rand"
	"os"
	"strings"

	"peers/internal/bake"
	"peers/internal/era"
	"peers/internal/knob"
	"peers/internal/old"
)

type words []string

func (w *words) String() string         { return strings.Join(*w, " ") }
func (w *words) Set(value string) error { *w = append(*w, value); return nil }

func main() {
	from := flag.String("from", "", "the stand-in `file` to start from (required)")
	out := flag.String("out", "", "the `file` to make (required)")
	version := flag.String("version", "", "the release it claims to be, such as v4.0.16, or kafka, v1.1, v1.0, rc2.3 of the old ones; none: an unofficial build")
	size := flag.Int("size-mb", 0, "pad the file to this many `MB` (10^6 bytes) and a little more")
	var knobs words
	flag.Var(&knobs, "knob", "misbehaviour, `name[=value]`; may be repeated (README.md)")
	flag.Parse()
	if *from == "" || *out == "" || flag.NArg() > 0 {
		flag.Usage()
		os.Exit(100)
	}
	if err := makePeer(*from, *out, *version, *size*1000*1000, knobs); err != nil {
		fmt.Fprintln(os.Stderr, "make-peer:", err)
		os.Exit(1)
	}
}

func makePeer(from, out, version string, size int, knobs words) error {
	trailer := bake.Trailer{Version: version}
	var err error
	if trailer.Knobs, err = knob.Parse(knobs); err != nil {
		return err
	}
	if version != "" {
		_, err := era.Parse(version)
		if _, isOld := old.ParseEra(version); err != nil && isOld != nil {
			return err
		}
	}
	image, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	if baked, err := bake.Read(from); err != nil || baked != (bake.Trailer{}) {
		return fmt.Errorf("%s is baked already (%v)", from, err)
	}
	if missing := size - len(image); missing > 0 {
		padding, err := pad(image, missing, version)
		if err != nil {
			return err
		}
		image = append(image, padding...)
	}
	file := bytes.NewBuffer(image)
	if err := bake.Append(file, trailer); err != nil {
		return err
	}
	return write(out, file.Bytes())
}

// write replaces out as a whole: the old file may be running.
func write(out string, data []byte) error {
	temp := out + ".new"
	if err := os.WriteFile(temp, data, 0755); err != nil {
		return err
	}
	return os.Rename(temp, out)
}

// pad gives bytes that compress about as a Pump built by its own Makefile does (gzip 42 %, zstd -3 41 %, also
// with a large window): large pieces of the program's own code and tables in random order, with a bit turned
// over so often that no compressor finds a piece again. It depends on the version only: real releases differ
// from each other, but not from themselves.
func pad(image []byte, length int, seed string) ([]byte, error) {
	parsed, err := elf.NewFile(bytes.NewReader(image))
	if err != nil {
		return nil, err
	}
	var source []byte
	for _, name := range []string{".text", ".rodata", ".gopclntab"} {
		section := parsed.Section(name)
		if section == nil {
			return nil, fmt.Errorf("no section %s", name)
		}
		data, err := section.Data()
		if err != nil {
			return nil, err
		}
		source = append(source, data...)
	}
	hash := fnv.New64a()
	hash.Write([]byte(seed))
	random := rand.New(rand.NewSource(int64(hash.Sum64())))
	length += random.Intn(noise << 10) // no two releases have the same size
	padding := make([]byte, 0, length+piece)
	for len(padding) < length {
		at := random.Intn(len(source) - piece)
		padding = append(padding, source[at:at+piece]...)
	}
	for i := 0; i < length; i += 1 + random.Intn(noise) {
		padding[i] ^= 1 << random.Intn(8)
	}
	return padding[:length], nil
}

const (
	piece = 64 << 10
	noise = 64 // bytes at most between two changes
)
