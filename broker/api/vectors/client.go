package vectors

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// Dialer connects to the broker under test.
type Dialer func(ctx context.Context) (net.Conn, error)

// errClosed says that the broker closed the connection instead of answering.
var errClosed = errors.New("connection closed by the broker")

const (
	answerTimeout  = 20 * time.Second
	answerBytesMax = 64 << 20
)

// client sends one request at a time.
type client struct {
	conn      net.Conn
	formatter *kmsg.RequestFormatter
	sent      int32
}

func newClient(conn net.Conn) *client {
	return &client{conn: conn, formatter: kmsg.NewRequestFormatter(kmsg.FormatterClientID("vectors"))}
}

// ask sends req and reads its answer, which is decoded in answerVersion.
func (c *client) ask(req kmsg.Request, answerVersion int16) (kmsg.Response, error) {
	c.sent++
	if err := c.conn.SetDeadline(time.Now().Add(answerTimeout)); err != nil {
		return nil, err
	}
	if _, err := c.conn.Write(c.formatter.AppendRequest(nil, req, c.sent)); err != nil {
		return nil, err
	}
	var header [8]byte
	if _, err := io.ReadFull(c.conn, header[:]); err != nil {
		var timeout net.Error
		if errors.As(err, &timeout) && timeout.Timeout() {
			return nil, err
		}
		return nil, fmt.Errorf("%w: %w", errClosed, err)
	}
	size := int32(binary.BigEndian.Uint32(header[:]))
	if size < 4 || size > answerBytesMax {
		return nil, fmt.Errorf("answer of %d bytes", size)
	}
	if id := int32(binary.BigEndian.Uint32(header[4:])); id != c.sent {
		return nil, fmt.Errorf("answer to request %d, asked %d", id, c.sent)
	}
	body := make([]byte, size-4)
	if _, err := io.ReadFull(c.conn, body); err != nil {
		return nil, err
	}
	resp := req.ResponseKind()
	resp.SetVersion(answerVersion)
	if resp.IsFlexible() && resp.Key() != int16(kmsg.ApiVersions) {
		if len(body) == 0 || body[0] != 0 {
			return nil, errors.New("answer's header has tags, or none at all")
		}
		body = body[1:]
	}
	if err := resp.ReadFrom(body); err != nil {
		return nil, fmt.Errorf("decode %s v%d: %w", kmsg.NameForKey(resp.Key()), answerVersion, err)
	}
	return resp, nil
}
