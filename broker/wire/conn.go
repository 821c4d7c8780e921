package wire

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"time"

	"odradek/broker/env"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// ErrBroken says that a connection failed before, or a request on it was given up: it is good for nothing but Close.
var ErrBroken = errors.New("connection is broken")

// ErrCorrelation says that a response is not to the request that was sent.
var ErrCorrelation = errors.New("response of another request")

// Conn is a connection to another broker, with one request under way at a time. It is for one goroutine.
type Conn struct {
	conn      net.Conn
	pool      Pool
	reader    *FrameReader
	last      Frame // the frame of the last response; Bytes is nil when there is none
	formatter *kmsg.RequestFormatter
	out       []byte
	sent      int32 // correlation id of the last request
	broken    error
}

// Dial connects to address; clientID is how the node names itself in its requests.
func Dial(ctx context.Context, network env.Net, address, clientID string) (*Conn, error) {
	conn, err := network.Dial(ctx, address)
	if err != nil {
		return nil, err
	}
	c := &Conn{conn: conn, formatter: kmsg.NewRequestFormatter(kmsg.FormatterClientID(clientID))}
	c.reader = NewFrameReader(conn, &c.pool, FrameBytesMax)
	return c, nil
}

// Do sends req, in the version that is set in it, and returns its response. The response's []byte fields point into the
// connection's buffer and are valid until the next Do or Close; its strings stay.
//
// When ctx ends first, and after any error, the connection is broken: a late response would be taken for the next one's.
// A produce with acks 0 has no response and can't be sent.
func (c *Conn) Do(ctx context.Context, req kmsg.Request) (kmsg.Response, error) {
	resp := req.ResponseKind()
	if err := c.DoInto(ctx, req, resp); err != nil {
		return nil, err
	}
	return resp, nil
}

// DoInto is Do with a response of the caller's, whose memory it uses again.
func (c *Conn) DoInto(ctx context.Context, req kmsg.Request, resp kmsg.Response) error {
	if c.broken != nil {
		return c.broken
	}
	err := c.roundTrip(ctx, req, resp)
	if err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		c.broken = fmt.Errorf("%w: %w", ErrBroken, err)
	}
	return err
}

// Close ends the connection. Bytes of the last response are no longer valid.
func (c *Conn) Close() error {
	c.releaseLast()
	c.reader.Close()
	if c.broken == nil {
		c.broken = fmt.Errorf("%w: %w", ErrBroken, net.ErrClosed)
	}
	return c.conn.Close()
}

// aLongTimeAgo is a deadline that ends reads and writes at once.
var aLongTimeAgo = time.Unix(1, 0)

func (c *Conn) roundTrip(ctx context.Context, req kmsg.Request, resp kmsg.Response) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { c.conn.SetDeadline(aLongTimeAgo) })
	err := c.exchange(req, resp)
	if !stop() && err == nil {
		err = ctx.Err() // the deadline is set, or about to be
	}
	return err
}

func (c *Conn) exchange(req kmsg.Request, resp kmsg.Response) error {
	c.releaseLast()
	c.sent++
	c.out = c.formatter.AppendRequest(c.out[:0], req, c.sent)
	if _, err := c.conn.Write(c.out); err != nil {
		return err
	}
	if cap(c.out) > arenaBytesMax {
		c.out = nil
	}
	frame, err := c.reader.Next()
	if err != nil {
		return err
	}
	c.last = frame
	resp.SetVersion(req.GetVersion())
	return parseResponse(frame.Bytes, c.sent, resp)
}

// parseResponse reads into resp, whose version is set, the response of that correlation id out of a frame's content. It
// trusts the bytes no more than Parse does.
func parseResponse(frame []byte, correlationID int32, resp kmsg.Response) error {
	version := resp.GetVersion()
	shape := messageSchema().responses[resp.Key()]
	if shape == nil || !shape.versions.has(version) {
		return fmt.Errorf("%w: key %d version %d", ErrUnsupportedVersion, resp.Key(), version)
	}
	malformed := func(err error) error { return fmt.Errorf("%w: %s v%d: %w", ErrMalformed, shape.name, version, err) }
	if len(frame) < 4 {
		return malformed(errHeaderCut)
	}
	if id := int32(binary.BigEndian.Uint32(frame)); id != correlationID {
		return fmt.Errorf("%w: %s of %d, not %d", ErrCorrelation, shape.name, id, correlationID)
	}
	body := frame[4:]
	if resp.IsFlexible() && resp.Key() != keyApiVersions {
		w := walker{rest: body, version: version, flexible: true, elements: ElementsMax}
		w.tags(nil)
		if w.err != nil {
			return malformed(errHeaderCut)
		}
		body = w.rest
	}
	if err := shape.walk(version, body); err != nil {
		return malformed(err)
	}
	if err := resp.ReadFrom(body); err != nil {
		return malformed(err)
	}
	return nil
}

func (c *Conn) releaseLast() {
	if c.last.buffer != nil {
		c.last.Release()
		c.last = Frame{}
	}
}
