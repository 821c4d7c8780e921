package wire

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
)

func TestEncodeResponseHeader(t *testing.T) {
	for _, test := range []struct {
		name string
		h    Header
		resp kmsg.Response
		want []byte
	}{
		{"inflexible", Header{Key: 12, Version: 3, CorrelationID: 5}, kmsg.NewPtrHeartbeatResponse(),
			[]byte{0, 0, 0, 10, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0}},
		{"flexible", Header{Key: 12, Version: 4, CorrelationID: 5}, kmsg.NewPtrHeartbeatResponse(),
			[]byte{0, 0, 0, 12, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0}},
		{"ApiVersions has header 0 in a flexible version", Header{Key: 18, Version: 3, CorrelationID: 5}, kmsg.NewPtrApiVersionsResponse(),
			[]byte{0, 0, 0, 12, 0, 0, 0, 5, 0, 0, 1, 0, 0, 0, 0, 0}},
	} {
		r := EncodeResponse(test.h, test.resp)
		if got, _ := r.AppendTo(nil); !bytes.Equal(got, test.want) || r.Len() != len(got) || r.MemoryLen() != len(got) {
			t.Errorf("%s: %x, want %x", test.name, got, test.want)
		}
		r.Release()
	}
}

func TestEncodeResponseOfAnotherKeyPanics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("it went unnoticed")
		}
	}()
	EncodeResponse(Header{Key: 3}, kmsg.NewPtrHeartbeatResponse())
}

func TestResponseEach(t *testing.T) {
	a, empty := &memory{content: []byte("abc")}, &memory{}
	r := Response{arena: &arena{bytes: []byte("012345"), slices: []placedSlice{{2, a}, {2, empty}, {6, a}}}}
	var pieces []string
	r.Each(func(bytes []byte, slice Slice) error {
		if slice != nil {
			bytes = slice.(*memory).content
		}
		pieces = append(pieces, string(bytes))
		return nil
	})
	if want := []string{"01", "abc", "", "2345", "abc"}; !slices.Equal(pieces, want) {
		t.Errorf("%q, want %q", pieces, want)
	}
	if r.Len() != 12 || r.MemoryLen() != 6 {
		t.Error(r.Len(), r.MemoryLen())
	}
	fault := errors.New("fault")
	calls := 0
	err := r.Each(func([]byte, Slice) error { calls++; return fault })
	if err != fault || calls != 1 {
		t.Errorf("after an error: %v, %d calls", err, calls)
	}
	r.Release()
	if a.released != 2 || empty.released != 1 {
		t.Errorf("released %d and %d times", a.released, empty.released)
	}
}

func TestEncodeResponseAllocatesNothing(t *testing.T) {
	resp := kmsg.NewPtrProduceResponse()
	resp.Topics = []kmsg.ProduceResponseTopic{{Topic: "a", Partitions: make([]kmsg.ProduceResponseTopicPartition, 3)}}
	if n := testing.AllocsPerRun(100, func() { EncodeResponse(Header{Version: 8}, resp).Release() }); n > poolLoss {
		t.Errorf("%v allocations", n)
	}
}
