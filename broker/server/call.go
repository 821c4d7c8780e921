package server

import (
	"context"
	"net"
	"time"

	"odradek/broker/wire"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// Handler does what requests ask for.
type Handler interface {
	// Handle is called for each request of a connection, in their order, on that connection's reader goroutine. It must
	// see to it that the call is answered (Call), then or later. While it blocks no further request of the connection is
	// looked at. ctx ends with the connection or when the server closes; Handle must then return soon.
	Handle(ctx context.Context, call *Call)
}

// Principal is who a connection speaks for.
type Principal struct{ Type, Name string }

// Anonymous is the principal of a connection that did not authenticate.
var Anonymous = Principal{Type: "User", Name: "ANONYMOUS"}

// String is the form that Kafka uses in ACLs and logs, "User:ANONYMOUS".
func (p Principal) String() string { return p.Type + ":" + p.Name }

// Peer is what is known of the other end of a connection. It is never changed: what is learnt later makes a new one.
type Peer struct {
	ConnectionID uint64 // unique in the life of the process
	Principal    Principal
	ListenerName string
	ClientAddr   net.Addr
	// What the client said of its software in ApiVersions v3 or later (KIP-511); "" before.
	SoftwareName, SoftwareVersion string
}

// Call is one request and the obligation to answer it: exactly one of Reply, NoReply and Disconnect, once, from any
// goroutine; none of them blocks. Answering twice panics.
//
// The request's []byte fields (a produce's records) point into the connection's memory. They are valid until the call is
// answered or released, whichever is first; who needs them longer copies them. Strings stay.
type Call struct {
	Header  wire.Header
	Request kmsg.Request
	*Peer

	conn  *conn
	frame wire.Frame
	next  *Call // in the queue

	// Guarded by conn.mu.
	frameHeld bool // frame is not released
	answered  bool
	response  wire.Response // zero when there is none to send
	hangUp    error         // set when the connection is to end here
}

// Reply answers with response, which it takes over.
func (c *Call) Reply(response wire.Response) {
	if response.IsZero() {
		panic("server: Reply without a response")
	}
	c.conn.answer(c, response, nil)
}

// NoReply ends a call that has no answer (a produce with acks 0).
func (c *Call) NoReply() { c.conn.answer(c, wire.Response{}, nil) }

// Disconnect ends the connection for the reason err, after the answers to the requests before this one: for what can't be
// answered, and for the failure of a produce with acks 0, which has no other way to be told.
func (c *Call) Disconnect(err error) { c.conn.answer(c, wire.Response{}, err) }

// Mute has the connection's further requests left unread for a time, whatever becomes of this one: for what is not answered. An
// answer says it itself (wire.Response).
func (c *Call) Mute(d time.Duration) { c.conn.mute(d) }

// Release says that the request's bytes are no longer needed, before the answer is known: an appended produce that waits
// for its replicas. Calling it again, or after the answer, does nothing.
func (c *Call) Release() { c.conn.releaseFrame(c) }
