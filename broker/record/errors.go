package record

import "errors"

// What can be wrong with bytes that claim to be batches; test with errors.Is.
var (
	// ErrTruncated says that the bytes end before the batch does.
	ErrTruncated = errors.New("record batch is cut short")
	// ErrCorrupt says that the bytes can't be a batch, or are not what was written: length, magic, CRC or encoding.
	ErrCorrupt = errors.New("record batch is corrupt")
	// ErrUnsupportedMagic says that this is a message of before Kafka 0.11 (magic 0 or 1).
	ErrUnsupportedMagic = errors.New("unsupported message format")
	// ErrInvalid says that the batch is whole but contradicts itself: counts, deltas, sequences.
	ErrInvalid = errors.New("invalid record batch")
	// ErrUnsupportedCodec says that the attributes name a codec that does not exist.
	ErrUnsupportedCodec = errors.New("unsupported compression codec")
	// ErrTooLarge says that the records, decompressed, are more than the limit.
	ErrTooLarge = errors.New("decompressed records exceed the limit")
)
