package trace_test

import (
	"errors"
	"strings"
	"testing"

	"odradek/sim/trace"
)

func recorder(text *strings.Builder) *trace.Recorder {
	r := trace.New([]string{"read", "write"})
	if text != nil {
		r.PrintTo(text)
	}
	r.AddNode("n1")
	r.AddNode("n2")
	return r
}

// Each part of a call is in the hash and on the line.
func TestEachPartOfACallCounts(t *testing.T) {
	record := func(change func(v *[7]uint64)) (uint64, string) {
		var text strings.Builder
		r := recorder(&text)
		v := [7]uint64{1_000_000_001, 0, 0, 1, 2, 3, 4}
		change(&v)
		r.Call(int64(v[0]), int(v[1]), trace.Op(v[2]), v[3], v[4], v[5], v[6])
		if err := r.Flush(); err != nil {
			t.Fatal(err)
		}
		return r.Hash(), text.String()
	}
	hash, line := record(func(*[7]uint64) {})
	if line != "1.000000001 n1 read 1 2 3 = 4\n" {
		t.Errorf("the line is %q", line)
	}
	if again, _ := record(func(*[7]uint64) {}); again != hash {
		t.Error("one call has two hashes")
	}
	for i := range 7 {
		other, otherLine := record(func(v *[7]uint64) { v[i] ^= 1 })
		if other == hash || otherLine == line {
			t.Errorf("part %d makes no difference", i)
		}
	}
}

func TestCommentsAreOnlyText(t *testing.T) {
	var text strings.Builder
	a, b := recorder(&text), recorder(nil)
	a.Comment(1, 0, "path", "/x")
	if a.Hash() != b.Hash() || a.Flush() != nil || text.String() != "0.000000001 n1 # path \"/x\"\n" {
		t.Errorf("%x %x %q", a.Hash(), b.Hash(), text.String())
	}
	a.Note(1, -1, "fault", "x")
	if a.Hash() == b.Hash() {
		t.Error("a note isn't in the hash")
	}
}

func TestSum(t *testing.T) {
	seen, seenText := map[uint64]string{}, map[uint64]string{}
	for _, s := range []string{"", "a", "b", "aa", "abcdefgh", "abcdefgi", "bbcdefgh", "abcdefgh\x00", "\x00", "\x00\x00", strings.Repeat("x", 100)} {
		sum := trace.Sum([]byte(s))
		if other, double := seen[sum]; double {
			t.Errorf("%q and %q have one sum", s, other)
		}
		seen[sum] = s
		sum = trace.SumString(s)
		if other, double := seenText[sum]; double {
			t.Errorf("as text, %q and %q have one sum", s, other)
		}
		seenText[sum] = s
	}
}

func TestDiff(t *testing.T) {
	const trunk = "1\n2\n3\n4\n5\n6\n7\n8\n9\n"
	for _, c := range []struct{ name, left, right, want string }{
		{"same", trunk, trunk, ""},
		{"both empty", "", "", ""},
		{"a line", trunk + "x\nz\n", trunk + "y\nz\n", "line 10\n    2\n    3\n    4\n    5\n    6\n    7\n    8\n    9\n  < x\n  > y\n"},
		{"right ends", "1\n2\n", "1\n", "line 2\n    1\n  < 2\n  > (the trace ends)\n"},
		{"left is empty", "", "1\n", "line 1\n  < (the trace ends)\n  > 1\n"},
	} {
		d, err := trace.Diff(strings.NewReader(c.left), strings.NewReader(c.right))
		switch {
		case err != nil:
			t.Errorf("%s: %v", c.name, err)
		case d == nil && c.want != "", d != nil && d.String() != "the traces part at "+c.want:
			t.Errorf("%s: got %v", c.name, d)
		}
	}
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errors.New("disk full") }

func TestFlushTellsOfALostTrace(t *testing.T) {
	r := trace.New([]string{"read"})
	r.AddNode("n")
	r.PrintTo(brokenWriter{})
	r.Call(0, 0, 0, 0, 0, 0, 0)
	if r.Flush() == nil {
		t.Error("a trace that wasn't written is no error")
	}
}
