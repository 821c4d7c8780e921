package server

import "time"

// Defaults of Config, and the limits that need no setting. Names in brackets are Kafka's configs.
const (
	// DefaultIdleMax is how long a connection may do nothing [connections.max.idle.ms].
	DefaultIdleMax = 10 * time.Minute

	// DefaultInFlightMax is how many requests of a connection may be read and not yet answered and written. Kafka reads
	// one; its clients keep 5 in flight, librdkafka as many as it has. Each costs a few hundred bytes, and a thousand of
	// them hide any round trip between replicas.
	DefaultInFlightMax = 1000

	// DefaultQueuedBytesMax bounds the bytes of a connection's requests that are not released and of its responses that
	// are not written. A request larger than that is taken when there is no other. Two frames of the largest size, so
	// that one can be read while the other is appended.
	DefaultQueuedBytesMax = 200 << 20

	// DefaultDrainMax is how long Close waits for answers to what was read before.
	DefaultDrainMax = 5 * time.Second

	// gatherCallsMax and gatherBytesMax bound what is written at a go, so that room is made for the reader meanwhile.
	gatherCallsMax = 256
	gatherBytesMax = 1 << 20

	// scratchBytes is the buffer in which small pieces of responses are put together, and through which a file that
	// can't be sent by the kernel goes, in bytes. One is held by each connection that is just writing.
	scratchBytes = 256 << 10

	// copyBytesMax is the largest piece, in bytes, that is copied into the scratch rather than given to writev by itself.
	copyBytesMax = 4 << 10

	// sendfileBytesMin is the smallest slice, in bytes, that the kernel is asked to send. A smaller one is read into the
	// scratch, and goes out in one call with what stands before and behind it.
	sendfileBytesMin = 128 << 10

	// sendPieceBytes is how much the kernel sends at a call, in bytes: progress is seen after each.
	sendPieceBytes = 1 << 20

	// acceptBackoffMin and acceptBackoffMax bound the pause after a failed accept (no more descriptors, mostly).
	acceptBackoffMin = 5 * time.Millisecond
	acceptBackoffMax = time.Second
)
