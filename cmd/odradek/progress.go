package main

import (
	"fmt"
	"io"
	"os"
	"time"
)

// progress tells on a terminal how far long work is, at what rate, and how much time is left. Elsewhere it says nothing.
type progress struct {
	out         io.Writer
	total, done int
	began, said time.Time
}

// progressEvery is how often the line is written anew.
const progressEvery = 500 * time.Millisecond

func newProgress(out io.Writer, total int) *progress {
	if file, ok := out.(*os.File); !ok || !isTerminal(file) {
		out = nil
	}
	return &progress{out: out, total: total, began: time.Now()}
}

func isTerminal(file *os.File) bool {
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

func (p *progress) step() {
	p.done++
	if p.out == nil || time.Since(p.said) < progressEvery {
		return
	}
	p.said = time.Now()
	took := time.Since(p.began)
	left := time.Duration(float64(took) / float64(p.done) * float64(p.total-p.done))
	fmt.Fprintf(p.out, "\r%d of %d, %.0f an hour, %v left   ", p.done, p.total, float64(p.done)/took.Hours(), left.Round(time.Second))
}

func (p *progress) end() {
	if p.out != nil {
		fmt.Fprint(p.out, "\r\033[K")
	}
}
