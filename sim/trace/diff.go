package trace

import (
	"bufio"
	"fmt"
	"io"
)

// maxLine bounds a line of a trace file: a path or an address of the longest kind, quoted, fits many times.
const maxLine = 1 << 20

// Difference is where two traces part.
type Difference struct {
	Line        int    // counted from 1
	Left, Right string // the lines there; empty where a trace has ended
	Before      []string
}

// String tells the difference with the lines that led to it.
func (d *Difference) String() string {
	text := fmt.Sprintf("the traces part at line %d\n", d.Line)
	for _, line := range d.Before {
		text += "    " + line + "\n"
	}
	return text + "  < " + ended(d.Left) + "\n  > " + ended(d.Right) + "\n"
}

func ended(line string) string {
	if line == "" {
		return "(the trace ends)"
	}
	return line
}

// Diff reads two trace files and returns the first line that differs, with the few before it, or nil when there is none.
func Diff(left, right io.Reader) (*Difference, error) {
	const context = 8
	l, r := lines(left), lines(right)
	var before []string
	for n := 1; ; n++ {
		hasLeft, hasRight := l.Scan(), r.Scan()
		if !hasLeft && !hasRight {
			if err := l.Err(); err != nil {
				return nil, err
			}
			return nil, r.Err()
		}
		if !hasLeft || !hasRight || l.Text() != r.Text() {
			return &Difference{Line: n, Left: text(l, hasLeft), Right: text(r, hasRight), Before: before}, nil
		}
		if len(before) == context {
			before = before[1:]
		}
		before = append(before, l.Text())
	}
}

func lines(r io.Reader) *bufio.Scanner {
	s := bufio.NewScanner(r)
	s.Buffer(make([]byte, 1<<16), maxLine)
	return s
}

func text(s *bufio.Scanner, has bool) string {
	if !has {
		return ""
	}
	return s.Text()
}
