package pump

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// store is the append-only log <data-dir>/value/000000.vlog, one record a line, and the sorter
// over it. It is written without fsync: it has to survive SIGKILL, not power loss.
type store struct {
	mu      sync.Mutex
	file    *os.File
	end     int64 // of the last whole record
	sorter  *sorter
	written int64         // records ever appended by this process
	fakes   int64         // of these, its own
	grown   chan struct{} // closed and replaced whenever something was appended
}

func openStore(dataDir string, resolveAfter time.Duration) (*store, error) {
	kv, value := filepath.Join(dataDir, "kv"), filepath.Join(dataDir, "value")
	for _, dir := range []string{kv, value} {
		if err := os.MkdirAll(dir, 0700); err != nil {
			return nil, err
		}
	}
	if err := lockFile(filepath.Join(kv, "LOCK")); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(filepath.Join(value, "000000.vlog"), os.O_CREATE|os.O_RDWR, 0600)
	if err != nil {
		return nil, err
	}
	s := &store{file: file, sorter: newSorter(resolveAfter), grown: make(chan struct{})}
	return s, s.replay()
}

// lockFile takes a lock that the kernel gives back when the process ends, however it ends.
func lockFile(path string) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0600)
	if err != nil {
		return err
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return fmt.Errorf("lock %s: %w", path, err)
	}
	held = append(held, file)
	return nil
}

// held keeps lock files from being closed by the garbage collector.
var held []*os.File

// replay reads what earlier processes wrote, and cuts a last line that SIGKILL left incomplete.
func (s *store) replay() error {
	reader, end := bufio.NewReader(s.file), int64(0)
	for {
		line, err := reader.ReadBytes('\n')
		if err != nil {
			break
		}
		var r record
		if err := json.Unmarshal(bytes.TrimSpace(line), &r); err != nil {
			return fmt.Errorf("vlog at %d: %w", end, err)
		}
		s.sorter.add(r, time.Now())
		end += int64(len(line))
	}
	if err := s.file.Truncate(end); err != nil {
		return err
	}
	s.end = end
	_, err := s.file.Seek(end, 0)
	return err
}

func (s *store) append(r record) error {
	line, err := json.Marshal(r)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file == nil {
		return errors.New("storage is closed")
	}
	if _, err := s.file.Write(append(line, '\n')); err != nil {
		return s.undo(err)
	}
	s.end += int64(len(line)) + 1
	s.sorter.add(r, time.Now())
	s.written++
	if r.Type == "fake" {
		s.fakes++
	}
	close(s.grown)
	s.grown = make(chan struct{})
	return nil
}

// undo takes back what a full disk let through of a record; s.mu is held.
func (s *store) undo(cause error) error {
	if err := s.file.Truncate(s.end); err != nil {
		return err
	}
	if _, err := s.file.Seek(s.end, 0); err != nil {
		return err
	}
	return cause
}

func (s *store) writes() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.written
}

// counts are the records of this process, and of these its own fakes.
func (s *store) counts() (written, fakes int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.written, s.fakes
}

func (s *store) maxCommitTS() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sorter.advance(time.Now())
	return s.sorter.max
}

// allMatched tells whether every prewrite has its outcome.
func (s *store) allMatched() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.sorter.open) == 0
}

// pull gives what is complete behind from, and a channel that tells of news.
func (s *store) pull(from int64) ([]record, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sorter.advance(time.Now())
	return s.sorter.between(from), s.grown
}

func (s *store) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.file.Close()
	s.file = nil
}

// space is the available and the total bytes of the data folder's file system.
func space(dir string) (available, capacity int64) {
	var stat syscall.Statfs_t
	if err := syscall.Statfs(dir, &stat); err != nil {
		return 0, 0
	}
	return int64(stat.Bavail) * stat.Frsize, int64(stat.Blocks) * stat.Frsize
}
