package server

import (
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"time"

	"odradek/broker/wire"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// read is the reader goroutine: it hands requests to the handler until the stream or the server ends, or a frame can't be
// understood.
func (c *conn) read() {
	defer c.reader.Close()
	reason := c.readCalls()
	if c.ctx.Err() != nil {
		reason = errDrained // drain's deadline, most likely
	}
	if !orderly(reason) {
		c.end(reason)
		return
	}
	c.mu.Lock()
	c.lastRead = reason
	c.mu.Unlock()
	signal(c.wake)
}

// orderly says whether the peer may still want the answers to what was read before: it has closed its side only, or what
// it sent last made no sense. Otherwise the connection is broken.
func orderly(reason error) bool {
	for _, fine := range []error{
		io.EOF, io.ErrUnexpectedEOF, errDrained,
		wire.ErrFrameSize, wire.ErrMalformed, wire.ErrUnknownKey, wire.ErrUnsupportedVersion,
	} {
		if errors.Is(reason, fine) {
			return true
		}
	}
	return false
}

// readCalls returns the reason why there are no more.
func (c *conn) readCalls() error {
	for {
		frame, err := c.reader.Next()
		if err != nil {
			return err
		}
		if !c.awaitRoom(len(frame.Bytes)) {
			frame.Release()
			return errDrained
		}
		if err := c.dispatch(frame); err != nil {
			return err
		}
	}
}

// awaitRoom waits until a request of size bytes may be queued and the connection isn't muted. false means that the
// connection or the server has ended.
func (c *conn) awaitRoom(size int) bool {
	config := &c.server.config
	for {
		c.mu.Lock()
		hasRoom := c.queue.hasRoom(size, config.InFlightMax, config.QueuedBytesMax)
		mutedUntil := c.mutedUntil
		c.mu.Unlock()
		var unmuted <-chan time.Time
		if !mutedUntil.IsZero() {
			if pause := time.Until(mutedUntil); pause > 0 {
				hasRoom = false
				unmuted = time.After(pause)
			}
		}
		if hasRoom {
			return c.ctx.Err() == nil
		}
		signal(c.wake) // there may be answers that the reader has put off
		select {
		case <-c.room:
		case <-unmuted:
		case <-c.ctx.Done():
			return false
		}
	}
}

// dispatch takes over the frame and has its request handled. An error means that the stream makes no sense from here on.
func (c *conn) dispatch(frame wire.Frame) error {
	header, request, err := wire.Parse(frame.Bytes, c.server.config.Versions.Supports)
	askAgain := errors.Is(err, wire.ErrUnsupportedVersion) && header.Key == apiVersionsKey
	if err != nil && !askAgain {
		frame.Release()
		return err
	}
	if versions, ok := request.(*kmsg.ApiVersionsRequest); ok {
		c.learn(versions)
	}
	call := &Call{Header: header, Request: request, Peer: c.peer, conn: c, frame: frame, frameHeld: true}
	c.mu.Lock()
	c.progress++
	c.queue.push(call)
	c.handling = call
	c.mu.Unlock()
	if askAgain {
		call.Reply(c.server.config.Versions.UnsupportedApiVersions(header))
	} else if err := c.handle(call); err != nil {
		return err
	}
	c.handled()
	return nil
}

// apiVersionsKey is the request by which a client that is newer than the server finds out.
var apiVersionsKey = kmsg.ApiVersions.Int16()

// learn notes what the client says of its software, for the calls from this one on.
func (c *conn) learn(req *kmsg.ApiVersionsRequest) {
	if req.Version < 3 || !wire.ValidClientSoftware(req) {
		return
	}
	peer := *c.peer
	peer.SoftwareName, peer.SoftwareVersion = req.ClientSoftwareName, req.ClientSoftwareVersion
	c.peer = &peer
}

// handle calls the handler. A panic is a fault of the program, which goes on to serve the other connections, unless it is
// told that it is fatal. The call's memory is not used again: nobody knows who still holds it.
func (c *conn) handle(call *Call) (err error) {
	if !c.server.config.PanicIsFatal {
		defer func() {
			if fault := recover(); fault != nil {
				c.logger().Error("handler panicked", "key", call.Header.Key, "version", call.Header.Version,
					"panic", fmt.Sprint(fault), "stack", string(debug.Stack()))
				c.end(errPanic)
				err = errPanic
			}
		}()
	}
	c.server.config.Handler.Handle(c.ctx, call)
	return nil
}
