package inspect

import (
	"fmt"
	"strings"
)

// Problem is something that is wrong, or in a report's Notes something that may be.
type Problem struct {
	File     string `json:"file"`
	Batch    int    `json:"batch"`    // counted from 1 in its file, of what stands for a batch there: an entry, a line; 0: none
	Position int64  `json:"position"` // in bytes; -1: nowhere in particular
	Offset   int64  `json:"offset"`   // the base offset of the batch, as it should be where that can be told; -1: unknown
	What     string `json:"problem"`
}

func (p Problem) String() string {
	var where []string
	if p.Batch > 0 {
		where = append(where, fmt.Sprintf("batch %d", p.Batch))
	}
	if p.Offset >= 0 {
		where = append(where, fmt.Sprintf("offset %d", p.Offset))
	}
	if p.Position >= 0 {
		where = append(where, fmt.Sprintf("position %d", p.Position))
	}
	if len(where) == 0 {
		return p.File + ": " + p.What
	}
	return p.File + ": " + strings.Join(where, ", ") + ": " + p.What
}

// Report is what Verify found.
type Report struct {
	Files    int       `json:"files"`
	Batches  int64     `json:"batches"`
	Records  int64     `json:"records"`
	Bytes    int64     `json:"bytes"`
	Problems []Problem `json:"problems"`
	Notes    []Problem `json:"notes"`
}

// Line sums the report up.
func (r *Report) Line() string {
	return fmt.Sprintf("files=%d batches=%d records=%d bytes=%d problems=%d", r.Files, r.Batches, r.Records, r.Bytes, len(r.Problems))
}

func (r *Report) problem(p Problem, format string, args ...any) {
	p.What = fmt.Sprintf(format, args...)
	r.Problems = append(r.Problems, p)
}

// file is a problem of a file as a whole.
func (r *Report) file(name, format string, args ...any) {
	r.problem(Problem{File: name, Position: -1, Offset: -1}, format, args...)
}

func (r *Report) note(p Problem, format string, args ...any) {
	p.What = fmt.Sprintf(format, args...)
	r.Notes = append(r.Notes, p)
}
