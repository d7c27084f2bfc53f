package oldpump

import (
	"os"
	"path/filepath"
	"testing"

	"peers/internal/old"
)

func write(t *testing.T, s *store, starts ...int64) {
	t.Helper()
	for _, ts := range starts {
		if err := s.append(old.Binlog{Type: "prewrite", StartTS: ts}); err != nil {
			t.Fatal(err)
		}
	}
}

func starts(t *testing.T, s *store, from old.Pos, count int) (list []int64, end old.Pos) {
	t.Helper()
	found, _, err := s.read(from, count)
	if err != nil {
		t.Fatal(err)
	}
	for _, next := range found {
		list, end = append(list, next.StartTS), next.Pos
	}
	return list, end
}

func TestReadingGoesOnBehindAPosition(t *testing.T) {
	s, err := openStore(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	write(t, s, 1, 2, 3)
	list, pos := starts(t, s, old.Pos{}, 2)
	if len(list) != 2 || list[1] != 2 {
		t.Fatal(list)
	}
	if list, pos = starts(t, s, pos, 9); len(list) != 1 || list[0] != 3 || pos != s.latest() {
		t.Error(list, pos)
	}
	_, grown, _ := s.read(pos, 9)
	write(t, s, 4)
	<-grown
}

func TestALineThatSigkillCutIsGone(t *testing.T) {
	folder := t.TempDir()
	s, _ := openStore(folder)
	write(t, s, 1)
	file, _ := os.OpenFile(filepath.Join(folder, old.FileName(0)), os.O_APPEND|os.O_WRONLY, 0)
	file.WriteString(`{"type":"prew`)
	again, err := openStore(folder)
	if err != nil {
		t.Fatal(err)
	}
	write(t, again, 2)
	if list, _ := starts(t, again, old.Pos{}, 9); len(list) != 2 || list[1] != 2 {
		t.Error(list)
	}
}
