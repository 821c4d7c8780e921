package wire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"reflect"
	"runtime"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// all supports every version that there is.
func all(key int16) (int16, int16, bool) {
	shape := messageSchema().requests[key]
	if shape == nil {
		return 0, 0, false
	}
	return shape.versions.first, shape.versions.last, true
}

// request is the content of a frame with req in it.
func request(req kmsg.Request) []byte {
	return kmsg.NewRequestFormatter(kmsg.FormatterClientID("t")).AppendRequest(nil, req, 7)[sizeBytes:]
}

func produce(version int16, records []byte) *kmsg.ProduceRequest {
	req := kmsg.NewPtrProduceRequest()
	req.SetVersion(version)
	topic, partition := kmsg.NewProduceRequestTopic(), kmsg.NewProduceRequestTopicPartition()
	topic.Topic, partition.Records = "a", records
	topic.Partitions = append(topic.Partitions, partition)
	req.Topics = append(req.Topics, topic)
	return req
}

func TestParseRoundTrip(t *testing.T) {
	for key, shape := range messageSchema().requests {
		for v := shape.versions.first; v <= shape.versions.last; v++ {
			req := kmsg.RequestForKey(key)
			if v > req.MaxVersion() {
				continue
			}
			req.SetVersion(v)
			fill(rand.New(rand.NewPCG(uint64(key), uint64(v))), reflect.ValueOf(req).Elem(), 0)
			h, got, err := Parse(request(req), all)
			if err != nil {
				t.Fatalf("%s v%d: %v", shape.name, v, err)
			}
			if want := (Header{Key: key, Version: v, CorrelationID: 7, ClientID: "t"}); h != want {
				t.Errorf("%s v%d: header %+v", shape.name, v, h)
			}
			if !bytes.Equal(got.AppendTo(nil), req.AppendTo(nil)) {
				t.Errorf("%s v%d: another request came out", shape.name, v)
			}
		}
	}
}

func TestParseErrors(t *testing.T) {
	metadata := request(&kmsg.MetadataRequest{Version: 1})
	versions := kmsg.NewPtrApiVersionsRequest()
	versions.SetVersion(3)
	with := func(frame []byte, at int, value ...byte) []byte {
		frame = bytes.Clone(frame)
		copy(frame[at:], value)
		return frame
	}
	for _, test := range []struct {
		name  string
		frame []byte
		want  error
	}{
		{"valid", metadata, nil},
		{"null client id", append(append(bytes.Clone(metadata[:8]), 0xff, 0xff), metadata[11:]...), nil},
		{"empty", nil, ErrMalformed},
		{"header cut in the correlation id", metadata[:7], ErrMalformed},
		{"header cut before the client id", metadata[:8], ErrMalformed},
		{"client id longer than the frame", with(metadata, 8, 0x7f), ErrMalformed},
		{"unknown key", with(metadata, 0, 3, 0xe7), ErrUnknownKey},
		{"negative key", with(metadata, 0, 0xff, 0xff), ErrUnknownKey},
		{"version above", with(metadata, 2, 0, 14), ErrMalformed}, // its header has tags, and here has none
		{"version below", with(metadata, 2, 0xff, 0xff), ErrUnsupportedVersion},
		{"body cut", metadata[:len(metadata)-1], ErrMalformed},
		{"a byte left over", append(bytes.Clone(metadata), 0), nil},
		{"librdkafka 2.16 asks for all topics", []byte("\x00\x03\x00\x0d\x00\x00\x00\x03\x00\x07rdkafka\x00\x00\x00\x00\x00\x00\x01\x00"), nil},
		{"newer ApiVersions", with(request(versions), 2, 0, 99), ErrUnsupportedVersion},
		{"header tags cut", with(request(versions), 11, 0x7f), ErrMalformed},
		{"Produce v2", with(request(produce(3, nil)), 2, 0, 2), ErrUnsupportedVersion},
	} {
		if _, req, err := Parse(test.frame, all); !errors.Is(err, test.want) || (req == nil) != (err != nil) {
			t.Errorf("%s: %v, %v; want %v", test.name, req, err, test.want)
		}
	}
}

// TestProduceRecordsAreNotCopied: the records are the frame's own bytes, and what a parse allocates does not grow with
// them.
func TestProduceRecordsAreNotCopied(t *testing.T) {
	for v := int16(3); v <= 13; v++ {
		small, large := request(produce(v, make([]byte, 10))), request(produce(v, make([]byte, 1<<20)))
		_, req, err := Parse(large, all)
		if err != nil {
			t.Fatal(err)
		}
		records := req.(*kmsg.ProduceRequest).Topics[0].Partitions[0].Records
		large[len(large)-10] = 0xEE // behind the records are at most three empty tag sections
		if len(records) != 1<<20 || !bytes.Contains(records, []byte{0xEE}) {
			t.Errorf("v%d: records are a copy", v)
		}
		allocs := func(frame []byte) float64 {
			return testing.AllocsPerRun(100, func() { Parse(frame, all) })
		}
		if a, b := allocs(small), allocs(large); a != b || b > 6 {
			t.Errorf("v%d: %v allocations for 10 bytes of records, %v for a megabyte", v, a, b)
		}
	}
}

// hostileBody damages a valid body as one who knows the format would: counts and lengths, most of all.
func hostileBody(random *rand.Rand, body []byte) []byte {
	body = bytes.Clone(body)
	for range 1 + random.IntN(4) {
		if len(body) == 0 {
			break
		}
		at := random.IntN(len(body))
		switch random.IntN(5) {
		case 0:
			body[at] = byte(random.Uint32())
		case 1:
			body = append(body[:at], append([]byte{0xff, 0xff, 0xff, 0xff, 0x0f}, body[at:]...)...)
		case 2:
			body = body[:at]
		case 3:
			copy(body[at:], []byte{0x7f, 0xff, 0xff, 0xff})
		case 4:
			body = append(body[:at], append(make([]byte, random.IntN(64)), body[at:]...)...)
		}
	}
	return body
}

// TestHostileBodiesCostLittle parses damaged requests of every key and version, and bounds what that allocates by what
// was sent. kmsg alone would spin for a minute on some of them and allocate gigabytes for others.
func TestHostileBodiesCostLittle(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	sent, taken, refused := 0, 0, 0
	for key, shape := range messageSchema().requests {
		for v := shape.versions.first; v <= shape.versions.last; v++ {
			for range 30 {
				req := kmsg.RequestForKey(key)
				req.SetVersion(v)
				fill(random, reflect.ValueOf(req).Elem(), 0)
				frame := binary.BigEndian.AppendUint16(nil, uint16(key))
				frame = binary.BigEndian.AppendUint16(frame, uint16(v))
				frame = append(frame, 0, 0, 0, 7, 0, 0)
				if req.IsFlexible() {
					frame = append(frame, 0)
				}
				frame = append(frame, hostileBody(random, req.AppendTo(nil))...)
				sent += len(frame)
				if _, _, err := Parse(frame, all); err == nil {
					taken++
				} else if refused++; !errors.Is(err, ErrMalformed) {
					t.Fatalf("%s v%d: %v", shape.name, v, err)
				}
			}
		}
	}
	runtime.ReadMemStats(&after)
	if spent := after.TotalAlloc - before.TotalAlloc; spent > 100<<20 {
		t.Errorf("%d MB allocated for %d bytes", spent>>20, sent)
	}
	if taken < 100 || refused < 5000 {
		t.Errorf("%d taken and %d refused: the damage is too little or too much", taken, refused)
	}
}

// FuzzParse: whatever the bytes, Parse ends soon, and what it takes can be written again.
func FuzzParse(f *testing.F) {
	random := rand.New(rand.NewPCG(5, 6))
	for key, shape := range messageSchema().requests {
		for v := shape.versions.first; v <= shape.versions.last; v++ {
			req := kmsg.RequestForKey(key)
			req.SetVersion(v)
			fill(random, reflect.ValueOf(req).Elem(), 0)
			f.Add(request(req))
		}
	}
	f.Fuzz(func(t *testing.T, frame []byte) {
		h, req, err := Parse(frame, all)
		if err != nil {
			if req != nil {
				t.Fatalf("a request and an error: %v", err)
			}
			return
		}
		if req.Key() != h.Key || req.GetVersion() != h.Version {
			t.Fatalf("key %d version %d became %d, %d", h.Key, h.Version, req.Key(), req.GetVersion())
		}
		again := request(req)
		if _, _, err := Parse(again, all); err != nil {
			t.Fatalf("what was written again is not taken: %v\n%x\n%x", err, frame, again)
		}
	})
}

// FuzzParseResponse: another broker's bytes are no better than a client's.
func FuzzParseResponse(f *testing.F) {
	random := rand.New(rand.NewPCG(7, 8))
	for key, shape := range messageSchema().responses {
		for v := shape.versions.first; v <= shape.versions.last; v++ {
			resp := kmsg.ResponseForKey(key)
			fill(random, reflect.ValueOf(resp).Elem(), 0)
			encoded, _ := EncodeResponse(Header{Key: key, Version: v, CorrelationID: 7}, resp).AppendTo(nil)
			f.Add(key, v, encoded[sizeBytes:])
		}
	}
	f.Fuzz(func(t *testing.T, key, version int16, frame []byte) {
		resp := kmsg.ResponseForKey(key)
		if resp == nil {
			return
		}
		resp.SetVersion(version)
		if parseResponse(frame, 7, resp) != nil {
			return
		}
		again, _ := EncodeResponse(Header{Key: key, Version: version, CorrelationID: 7}, resp).AppendTo(nil)
		if err := parseResponse(again[sizeBytes:], 7, kmsgResponse(key, version)); err != nil {
			t.Fatalf("what was written again is not taken: %v\n%x\n%x", err, frame, again)
		}
	})
}

func kmsgResponse(key, version int16) kmsg.Response {
	resp := kmsg.ResponseForKey(key)
	resp.SetVersion(version)
	return resp
}

func BenchmarkParseProduce(b *testing.B) {
	frame := request(produce(9, make([]byte, 1024)))
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := Parse(frame, all); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkWalkFetch is the walk's cost for a follower's request of a thousand partitions; kmsg's is beside it.
func BenchmarkWalkFetch(b *testing.B) {
	req := kmsg.NewPtrFetchRequest()
	req.SetVersion(17)
	topic := kmsg.NewFetchRequestTopic()
	topic.Partitions = make([]kmsg.FetchRequestTopicPartition, 1000)
	req.Topics = append(req.Topics, topic)
	body := req.AppendTo(nil)
	b.Run("walk", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if err := messageSchema().requests[1].walk(17, body); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("kmsg", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if err := req.ReadFrom(body); err != nil {
				b.Fatal(err)
			}
		}
	})
}
