// Package hostile makes byte streams that no client of good faith sends: frames that are malformed, truncated, oversized
// or out of order. It is what servers are tried with, in tests and against a running cluster. Streams are drawn from a
// seed, so that one that does harm can be made again.
package hostile

import (
	"encoding/binary"
	"math/rand/v2"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// Stream is what one connection sends.
type Stream struct {
	Kind  string // how it was made
	Bytes []byte
}

// Generator draws streams. It is for one goroutine.
type Generator struct{ random *rand.Rand }

// New returns the generator of a seed.
func New(seed uint64) *Generator { return &Generator{rand.New(rand.NewPCG(seed, 0))} }

var kinds = []struct {
	name string
	draw func(*Generator) []byte
}{
	{"garbage", (*Generator).garbage},
	{"text", (*Generator).text},
	{"negative size", (*Generator).negativeSize},
	{"oversized", (*Generator).oversized},
	{"announced and not sent", (*Generator).announced},
	{"cut", (*Generator).cut},
	{"size too small", (*Generator).sizeTooSmall},
	{"size too large", (*Generator).sizeTooLarge},
	{"unknown key", (*Generator).unknownKey},
	{"unknown version", (*Generator).unknownVersion},
	{"damaged", (*Generator).damaged},
	{"count bomb", (*Generator).countBomb},
	{"tag bomb", (*Generator).tagBomb},
	{"bytes left over", (*Generator).leftOver},
	{"out of order", (*Generator).outOfOrder},
	{"response for a request", (*Generator).response},
}

// Next draws a stream.
func (g *Generator) Next() Stream {
	kind := kinds[g.random.IntN(len(kinds))]
	return Stream{kind.name, kind.draw(g)}
}

func (g *Generator) bytes(below int) []byte {
	b := make([]byte, g.random.IntN(below))
	for i := range b {
		b[i] = byte(g.random.Uint32())
	}
	return b
}

func framed(content []byte) []byte {
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(content))), content...)
}

// request is a whole frame of a valid request of a random API and version.
func (g *Generator) request() []byte {
	for {
		req := kmsg.RequestForKey(int16(g.random.IntN(95)))
		if req == nil || req.Key() == kmsg.ControlledShutdown.Int16() { // version 0 has a header of its own
			continue
		}
		req.SetVersion(int16(g.random.IntN(int(req.MaxVersion()) + 1)))
		return kmsg.NewRequestFormatter(kmsg.FormatterClientID("hostile")).AppendRequest(nil, g.filled(req), g.random.Int32())
	}
}

// filled puts content into the requests that carry most.
func (g *Generator) filled(req kmsg.Request) kmsg.Request {
	switch req := req.(type) {
	case *kmsg.ProduceRequest:
		topic, partition := kmsg.NewProduceRequestTopic(), kmsg.NewProduceRequestTopicPartition()
		req.Acks, topic.Topic, partition.Records = int16(g.random.IntN(3)-1), "a", g.bytes(3000)
		topic.Partitions = append(topic.Partitions, partition)
		req.Topics = append(req.Topics, topic)
	case *kmsg.FetchRequest:
		topic := kmsg.NewFetchRequestTopic()
		topic.Topic, topic.Partitions = "a", make([]kmsg.FetchRequestTopicPartition, g.random.IntN(50))
		req.Topics = append(req.Topics, topic)
	case *kmsg.ApiVersionsRequest:
		req.ClientSoftwareName, req.ClientSoftwareVersion = string(g.bytes(10)), string(g.bytes(10))
	}
	return req
}

func (g *Generator) garbage() []byte { return g.bytes(2000) }
func (g *Generator) text() []byte    { return []byte("GET / HTTP/1.1\r\nHost: broker\r\n\r\n") }

func (g *Generator) negativeSize() []byte {
	return append(binary.BigEndian.AppendUint32(nil, 1<<31|g.random.Uint32()), g.bytes(100)...)
}

func (g *Generator) oversized() []byte {
	return append(binary.BigEndian.AppendUint32(nil, 100<<20+1+g.random.Uint32N(1<<30)), g.bytes(100)...)
}

func (g *Generator) announced() []byte {
	return append(binary.BigEndian.AppendUint32(nil, g.random.Uint32N(100<<20)), g.bytes(100)...)
}

func (g *Generator) cut() []byte {
	b := g.request()
	return b[:g.random.IntN(len(b))]
}

func (g *Generator) sizeTooSmall() []byte {
	b := g.request()
	binary.BigEndian.PutUint32(b, uint32(g.random.IntN(len(b)-4)))
	return append(b, g.request()...)
}

func (g *Generator) sizeTooLarge() []byte {
	b := g.request()
	binary.BigEndian.PutUint32(b, uint32(len(b)-4+g.random.IntN(100)))
	return append(b, g.request()...)
}

func (g *Generator) unknownKey() []byte {
	b := g.request()
	binary.BigEndian.PutUint16(b[4:], uint16(95+g.random.IntN(1<<16-95)))
	return b
}

func (g *Generator) unknownVersion() []byte {
	b := g.request()
	binary.BigEndian.PutUint16(b[6:], uint16(30+g.random.IntN(1<<16-30)))
	return b
}

func (g *Generator) damaged() []byte {
	b := g.request()
	for range 1 + g.random.IntN(5) {
		b[8+g.random.IntN(len(b)-8)] = byte(g.random.Uint32())
	}
	return b
}

// insert puts piece anywhere behind the request's correlation id and makes the size right.
func (g *Generator) insert(piece []byte) []byte {
	content := g.request()[4:]
	at := 8 + g.random.IntN(len(content)-8)
	return framed(append(content[:at:at], append(piece, content[at:]...)...))
}

func (g *Generator) countBomb() []byte { return g.insert([]byte{0x7f, 0xff, 0xff, 0xff}) }
func (g *Generator) tagBomb() []byte   { return g.insert([]byte{0xff, 0xff, 0xff, 0xff, 0x0f}) }
func (g *Generator) leftOver() []byte  { return framed(append(g.request()[4:], 0)) }

// outOfOrder is the bytes of a few requests in pieces that were shuffled.
func (g *Generator) outOfOrder() []byte {
	all := append(append(g.request(), g.request()...), g.request()...)
	at := g.random.IntN(len(all))
	return append(append([]byte(nil), all[at:]...), all[:at]...)
}

func (g *Generator) response() []byte {
	resp := kmsg.NewPtrMetadataResponse()
	return framed(resp.AppendTo(binary.BigEndian.AppendUint32(nil, g.random.Uint32())))
}
