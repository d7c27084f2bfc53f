package oldpump

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"sync"

	"peers/internal/old"
)

// store is the Pump's local file <data-dir>/clusters/<id>/binlog-0000000000000000, one binlog a line. A position's offset
// is where an entry ends, so that reading from it gives the next one.
type store struct {
	mu    sync.Mutex
	file  *os.File
	end   int64
	grown chan struct{} // closed and replaced whenever something was appended
}

func openStore(folder string) (*store, error) {
	if err := os.MkdirAll(folder, 0700); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(filepath.Join(folder, old.FileName(0)), os.O_CREATE|os.O_RDWR, 0600)
	if err != nil {
		return nil, err
	}
	// A last line that SIGKILL left incomplete is cut.
	text, err := io.ReadAll(file)
	if err != nil {
		return nil, err
	}
	end := int64(bytes.LastIndexByte(text, '\n') + 1)
	return &store{file: file, end: end, grown: make(chan struct{})}, file.Truncate(end)
}

func (s *store) append(b old.Binlog) error {
	line, err := json.Marshal(b)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file == nil {
		return errors.New("binlogger is closed")
	}
	// On failure the end stays where it is: the next write goes over what a full disk let through.
	if _, err := s.file.WriteAt(append(line, '\n'), s.end); err != nil {
		return err
	}
	s.end += int64(len(line)) + 1
	close(s.grown)
	s.grown = make(chan struct{})
	return nil
}

// latest is the position behind the last entry.
func (s *store) latest() old.Pos {
	s.mu.Lock()
	defer s.mu.Unlock()
	return old.Pos{Offset: s.end}
}

// read gives up to count entries behind a position, and a channel that tells of news.
func (s *store) read(from old.Pos, count int) ([]old.Entity, <-chan struct{}, error) {
	s.mu.Lock()
	end, grown := s.end, s.grown
	s.mu.Unlock()
	if from.Offset >= end {
		return nil, grown, nil
	}
	reader := bufio.NewReader(io.NewSectionReader(s.file, from.Offset, end-from.Offset))
	var found []old.Entity
	for at := from.Offset; at < end && len(found) < count; {
		line, err := reader.ReadBytes('\n')
		if err != nil {
			return nil, grown, err
		}
		at += int64(len(line))
		next := old.Entity{Pos: old.Pos{Offset: at}}
		if err := json.Unmarshal(line, &next.Binlog); err != nil {
			return nil, grown, err
		}
		found = append(found, next)
	}
	return found, grown, nil
}
