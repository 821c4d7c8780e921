package bench

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// link is a connection to one broker for client batches. Whoever has it writes several requests at a time and takes their answers, which
// come in the same order, on one goroutine: what a client library does with more of them would be paid by the broker beside it.
type link struct {
	conn      *countedConn
	in        *bufio.Reader
	formatter *kmsg.RequestFormatter
	versions  map[int16]int16 // the highest that the broker knows, by key
	stop      func() bool

	asked, answered int32  // correlation ids
	frame           []byte // of the last answer
}

const (
	// linkReadBytes is how much is read beside an answer that is asked for: many of a producer's, little of a consumer's, which is copied.
	linkReadBytes = 4 << 10
	// answerBytesMax bounds the answer that a broker may announce, in bytes, beyond what it was asked for.
	answerBytesMax = 1 << 20
	// correlationAt is where a request says its correlation id: behind its size, key and version.
	correlationAt = 8
)

// openLink connects to a broker and learns what it can. The link ends with ctx, or by close.
func (r *run) openLink(ctx context.Context, address string) (*link, error) {
	conn, err := r.wire.dial(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	l := &link{
		conn: conn.(*countedConn), in: bufio.NewReaderSize(conn, linkReadBytes),
		formatter: kmsg.NewRequestFormatter(kmsg.FormatterClientID("odradek-bench")), versions: map[int16]int16{},
	}
	l.stop = context.AfterFunc(ctx, func() { conn.Close() })
	answer := kmsg.NewPtrApiVersionsResponse()
	if err := errors.Join(l.send(net.Buffers{l.request(kmsg.NewPtrApiVersionsRequest())}), l.take(answer, answerBytesMax)); err != nil {
		l.close()
		return nil, err
	}
	for _, each := range answer.ApiKeys {
		l.versions[each.ApiKey] = each.MaxVersion
	}
	return l, nil
}

func (l *link) close() {
	l.stop()
	l.conn.Close() // what was asked for has come, or will not
}

// request encodes a request in the highest version that both sides know. It says the correlation id 0 until send gives it another.
func (l *link) request(req kmsg.Request) []byte {
	req.SetVersion(min(l.versions[req.Key()], req.MaxVersion()))
	return l.formatter.AppendRequest(nil, req, 0)
}

// number gives a request, or its begin, the next correlation id.
func (l *link) number(request []byte) {
	l.asked++
	binary.BigEndian.PutUint32(request[correlationAt:], uint32(l.asked))
}

// send numbers one request, in pieces, and sends it.
func (l *link) send(pieces net.Buffers) error {
	l.number(pieces[0])
	return l.conn.writeAll(pieces)
}

// take waits for the next answer and reads it. Its bytes are valid until the next.
func (l *link) take(answer kmsg.Response, bytesMax int32) error {
	var size [4]byte
	if _, err := io.ReadFull(l.in, size[:]); err != nil {
		return err
	}
	n := int(int32(binary.BigEndian.Uint32(size[:])))
	if n < 4 || n > int(bytesMax)+answerBytesMax {
		return fmt.Errorf("an answer of %d bytes", n)
	}
	if n > cap(l.frame) {
		l.frame = make([]byte, n)
	}
	frame := l.frame[:n]
	if _, err := io.ReadFull(l.in, frame); err != nil {
		return err
	}
	l.answered++
	if id := int32(binary.BigEndian.Uint32(frame)); id != l.answered {
		return fmt.Errorf("the answer to request %d, where that to %d was due", id, l.answered)
	}
	answer.SetVersion(min(l.versions[answer.Key()], answer.MaxVersion()))
	body := frame[4:]
	if answer.IsFlexible() && answer.Key() != kmsg.ApiVersions.Int16() {
		tags, n := binary.Uvarint(body)
		if n <= 0 || tags != 0 {
			return errors.New("an answer with tags in its header")
		}
		body = body[n:]
	}
	return answer.ReadFrom(body)
}

// waiting says whether the next answer has come, whole, so that take does not wait for it.
func (l *link) waiting() bool {
	if l.in.Buffered() < 4 {
		return false
	}
	size, _ := l.in.Peek(4)
	return l.in.Buffered() >= 4+int(binary.BigEndian.Uint32(size))
}
