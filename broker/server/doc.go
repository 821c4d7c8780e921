// Package server is the broker's listener: it takes connections, their bytes apart into requests, and sends the responses
// in the order of the requests.
//
// A connection has two goroutines:
//
//	reader:  frame → Parse → queue → Handler.Handle (may block: it is this connection's own time)
//	writer:  queue → the answered calls at its head, together in one writev → release
//
// An answer that the handler has given when it returns, and behind which no further request has come yet, is sent by the reader
// itself, as far as the connection takes it without waiting: no goroutine has to be woken between a request and its answer.
//
// A handler that does not block but answers later (Produce) pipelines: the reader goes on to the next request while the
// answer is awaited, and the queue keeps the order. The reader stops when too much is under way (Config.InFlightMax,
// Config.QueuedBytesMax) or a response says so (wire.Response.Mute); the peer then feels TCP's own backpressure.
//
// A connection ends orderly, after the answers to what was read before are given, when the peer closes its side, sends
// what can't be answered, or the server closes. Whatever the peer sends, the worst is that its connection ends with one
// line in the log, at debug. While a handler blocks nobody reads, so that a peer that goes away in the middle of a long
// poll is noticed when the answer is written.
package server
