package hostile

import (
	"bytes"
	"testing"
)

func TestSameSeedSameStreams(t *testing.T) {
	a, b, other := New(1), New(1), New(2)
	differs := false
	for range 1000 {
		x, y, z := a.Next(), b.Next(), other.Next()
		if x.Kind != y.Kind || !bytes.Equal(x.Bytes, y.Bytes) {
			t.Fatal("one seed, two streams")
		}
		differs = differs || !bytes.Equal(x.Bytes, z.Bytes)
	}
	if !differs {
		t.Error("two seeds, one stream")
	}
}

func TestEveryKindIsDrawn(t *testing.T) {
	g := New(1)
	seen := map[string]int{}
	for range 2000 {
		seen[g.Next().Kind]++
	}
	for _, kind := range kinds {
		if seen[kind.name] < 20 {
			t.Errorf("%s was drawn %d times of 2000", kind.name, seen[kind.name])
		}
	}
}
