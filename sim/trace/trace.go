// Package trace records what the guests of a universe asked of their kernels and what they were told: every call with its
// arguments, its result and its virtual time. All of it goes into a running hash, which is the universe's fingerprint; a
// text of it can be kept as well, a line a call, and two texts compared.
//
// Invariant: whatever enters the hash is on the line, so two runs whose hashes differ have a first line that differs.
package trace

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"math/bits"
)

// Op is a kind of call; the universe names them all in a table.
type Op uint8

// Recorder hashes calls and, when it has a writer, prints them. Not safe for concurrent use.
type Recorder struct {
	hash  uint64
	calls uint64
	ops   []string
	nodes []string
	out   *bufio.Writer
	err   error
}

// New makes a recorder. ops holds the name of each Op at its index.
func New(ops []string) *Recorder { return &Recorder{hash: seed, ops: ops} }

// PrintTo makes the recorder print each line to w as well. Call Flush at the end.
func (r *Recorder) PrintTo(w io.Writer) { r.out = bufio.NewWriterSize(w, 1<<16) }

// AddNode names the next node, counted from 0.
func (r *Recorder) AddNode(name string) { r.nodes = append(r.nodes, name) }

// Hash is the fingerprint of everything recorded up to now.
func (r *Recorder) Hash() uint64 { return r.hash }

// Calls is how many calls were recorded.
func (r *Recorder) Calls() uint64 { return r.calls }

// Call records a call of a guest: three arguments, whose meaning is the op's, and the result.
func (r *Recorder) Call(at int64, node int, op Op, a, b, c, result uint64) {
	h := mix(r.hash, uint64(at))
	h = mix(h, uint64(node)<<8|uint64(op))
	h = mix(h, a)
	h = mix(h, b)
	h = mix(h, c)
	r.hash = mix(h, result)
	r.calls++
	if r.out != nil {
		r.printCall(at, node, op, a, b, c, result)
	}
}

func (r *Recorder) printCall(at int64, node int, op Op, a, b, c, result uint64) {
	r.printf("%d.%09d %s %s %d %d %x = %d\n", at/1e9, at%1e9, r.nodes[node], r.ops[op], a, b, c, result)
}

// Note records what a guest named in a call, such as a path, or what happened to a node from outside, such as a crash.
func (r *Recorder) Note(at int64, node int, what, text string) {
	h := mix(r.hash, uint64(at))
	h = mix(h, uint64(node))
	h = mix(h, SumString(what))
	r.hash = mix(h, SumString(text))
	if r.out != nil {
		name := "-"
		if node >= 0 {
			name = r.nodes[node]
		}
		r.printf("%d.%09d %s %s %q\n", at/1e9, at%1e9, name, what, text)
	}
}

// Comment prints a line that explains the next one, such as the text of which a call records only the sum. It isn't hashed.
func (r *Recorder) Comment(at int64, node int, what, text string) {
	if r.out != nil {
		r.printf("%d.%09d %s # %s %q\n", at/1e9, at%1e9, r.nodes[node], what, text)
	}
}

func (r *Recorder) printf(format string, args ...any) {
	if _, err := fmt.Fprintf(r.out, format, args...); err != nil && r.err == nil {
		r.err = err
	}
}

// Flush writes what is still buffered and returns the first error that printing met.
func (r *Recorder) Flush() error {
	if r.out == nil {
		return nil
	}
	if err := r.out.Flush(); r.err == nil {
		r.err = err
	}
	return r.err
}

// seed and prime are those of 64-bit FNV-1a; mix is FNV's step over words in place of bytes, with the high bits, where a
// multiplication gathers its changes, brought down again.
const (
	seed  = 14695981039346656037
	prime = 0x9E3779B97F4A7C15
)

func mix(h, word uint64) uint64 {
	return bits.RotateLeft64((h^word)*prime, 29)
}

// Sum is a fingerprint of bytes that a call moved.
func Sum(p []byte) uint64 {
	h := mix(seed, uint64(len(p)))
	for len(p) >= 8 {
		h = mix(h, binary.LittleEndian.Uint64(p))
		p = p[8:]
	}
	for _, b := range p {
		h = mix(h, uint64(b))
	}
	return h
}

// SumString is Sum for text.
func SumString(s string) uint64 {
	h := mix(seed, uint64(len(s)))
	for i := range len(s) {
		h = mix(h, uint64(s[i]))
	}
	return h
}
