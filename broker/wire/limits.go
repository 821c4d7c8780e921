package wire

// Limits on what a peer may make this process hold. Each bounds memory that bytes from outside ask for.
const (
	// FrameBytesMax is the default largest frame, in bytes: Kafka's socket.request.max.bytes.
	FrameBytesMax = 100 << 20

	// ElementsMax bounds the elements of all arrays and tag sections of one message, together. An element can be a byte
	// or two on the wire and a hundred when decoded; with this many a decoded message stays around 100 MB, and no
	// cluster that Kafka is known to carry needs a request of a million partitions.
	ElementsMax = 1 << 20

	// blockBytesMin and blockBytesMax are the sizes of the blocks that a connection reads frames into, in bytes. It begins with the
	// small one, so that ten thousand idle connections cost 40 MB, and goes up by doubling when a single read fills what there is, so
	// that a busy one takes many frames by a read. Connections hold theirs while they are idle.
	blockBytesMin = 4 << 10
	blockBytesMax = 256 << 10

	// trustlessBytesMax bounds the memory, in bytes, that is set aside for a frame because its size says so. What is larger than that, and
	// than the block that came about by reads, gets its memory as its bytes come.
	trustlessBytesMax = 64 << 10

	// expectBytesMin and expectBytesMax are the sizes of frames between which the next are taken to be as long as the last: a read ends
	// where they would, as what lies behind may have to be copied. It is nothing to speak of below, and above a frame has
	// a buffer of its own, beside which readAheadBytes are read at most.
	expectBytesMin = 16 << 10
	expectBytesMax = blockBytesMax
	readAheadBytes = 64 << 10

	// readBytesMin is the least room, in bytes, that a read between frames is given; with less left, a new block begins.
	readBytesMin = 1 << 10

	// trustBytesMax bounds the memory, in bytes, that is set aside for a frame before its bytes have come: as much as
	// the connection's largest frame so far, but no more than this. A connection that sends megabyte batches thus has
	// each read straight into its place, and one that announces and sends nothing costs little.
	trustBytesMax = 8 << 20

	// pooledBytesMax is the largest buffer that a pool keeps, in bytes; larger ones are left to the collector, so that
	// one burst of huge frames is not held for ever.
	pooledBytesMax = 4 << 20
)
