package model

import (
	"errors"
	"strings"
	"testing"

	"odradek/linearizability/history"
	"odradek/linearizability/historytest"
)

// twoLogs is what readers of two different logs see.
func twoLogs(s *historytest.Script) {
	s.Send("p", 0, "a", all, true)
	s.Send("p", 0, "b", all, true)
	s.Assign("c", 0, false)
	s.Poll("c", 0, "a")
	s.Assign("d", 0, false)
	s.Poll("d", 0, "b")
}

func TestThePageSaysWhatDoesNotFit(t *testing.T) {
	s := historytest.New()
	twoLogs(s)
	var page strings.Builder
	written, err := Page(&page, s.Table(t), history.Promises{}, Limits{})
	if !written || err != nil {
		t.Fatalf("written %v, %v", written, err)
	}
	for _, part := range []string{"<html", "the poll of d up to offset 0", "t-0 ends at 1"} {
		if !strings.Contains(page.String(), part) {
			t.Errorf("the page does not have %q", part)
		}
	}
}

func TestThereIsNoPageOfWhatHasAnOrder(t *testing.T) {
	s := historytest.New()
	s.Put("p", "a", 0)
	s.Final("f", "a")
	var page strings.Builder
	if written, err := Page(&page, s.Table(t), history.Promises{}, Limits{}); written || err != nil || page.Len() > 0 {
		t.Errorf("written %v, %v, %d bytes", written, err, page.Len())
	}
}

var errFull = errors.New("no space")

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errFull }

func TestThePageOfAFullDisk(t *testing.T) {
	s := historytest.New()
	twoLogs(s)
	if written, err := Page(full{}, s.Table(t), history.Promises{}, Limits{}); !written || !errors.Is(err, errFull) {
		t.Errorf("written %v, %v", written, err)
	}
}
