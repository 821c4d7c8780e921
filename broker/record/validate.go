package record

import "fmt"

// minRecordSize is the least that a record takes: seven fields of one byte.
const minRecordSize = 7

// Split cuts the first batch off buf. It looks at length and magic only; Verify or Validate must follow before the rest of
// the header means anything. The error is ErrTruncated when buf ends before the batch, and otherwise ErrCorrupt or
// ErrUnsupportedMagic.
func Split(buf []byte) (batch Batch, rest []byte, err error) {
	size, err := PeekSize(buf)
	if err != nil {
		return nil, buf, err
	}
	if size > len(buf) {
		return nil, buf, fmt.Errorf("%w: %d of %d bytes", ErrTruncated, len(buf), size)
	}
	return Batch(buf[:size:size]), buf[size:], nil
}

// PeekSize is the size in bytes of the batch that starts with header, of which the first 17 bytes must be there. The size is
// at least HeaderSize and may be more than what the log or the peer could ever hold: bound it before allocating.
func PeekSize(header []byte) (int, error) {
	if len(header) <= magicAt {
		return 0, fmt.Errorf("%w: %d bytes", ErrTruncated, len(header))
	}
	length := Batch(header).int32(lengthAt)
	switch magic := int8(header[magicAt]); {
	case length >= 0 && (magic == 0 || magic == 1):
		return 0, fmt.Errorf("%w: magic %d", ErrUnsupportedMagic, magic)
	case magic != Magic:
		return 0, fmt.Errorf("%w: magic %d", ErrCorrupt, magic)
	case length < HeaderSize-LogOverhead:
		return 0, fmt.Errorf("%w: length %d", ErrCorrupt, length)
	}
	return int(length) + LogOverhead, nil
}

// Verify checks that the bytes are what was written: length, magic, CRC, and a header that can be counted with. It is what
// a broker checks of batches that another broker has validated, and of its own disk.
func (b Batch) Verify() error {
	if err := b.verifyBytes(); err != nil {
		return err
	}
	if b.BaseOffset() < 0 || b.LastOffsetDelta() < 0 || b.NumRecords() < 0 || b.LastOffset() < b.BaseOffset() {
		return fmt.Errorf("%w: base offset %d, last offset delta %d, %d records",
			ErrCorrupt, b.BaseOffset(), b.LastOffsetDelta(), b.NumRecords())
	}
	return nil
}

// verifyBytes checks length, magic and CRC.
func (b Batch) verifyBytes() error {
	if len(b) < HeaderSize {
		return fmt.Errorf("%w: %d bytes", ErrTruncated, len(b))
	}
	if b.Magic() != Magic {
		return fmt.Errorf("%w: magic %d", ErrCorrupt, b.Magic())
	}
	if b.Size() != len(b) {
		return fmt.Errorf("%w: length says %d bytes of %d", ErrCorrupt, b.Size(), len(b))
	}
	if crc := b.computeCRC(); crc != b.CRC() {
		return fmt.Errorf("%w: CRC is %08x, header says %08x", ErrCorrupt, crc, b.CRC())
	}
	return nil
}

// Validate checks what a broker must of a producer's batch: all that Verify does, that the codec exists, that counts and
// deltas agree, and that an idempotent producer numbers its records. It does not look inside the records: a producer that
// encodes those wrongly harms its own consumers, and looking would cost every batch a decompression.
func (b Batch) Validate() error {
	if err := b.verifyBytes(); err != nil {
		return err
	}
	if b.BaseOffset() < 0 || b.LastOffset() < b.BaseOffset() {
		return fmt.Errorf("%w: base offset %d, last offset delta %d", ErrInvalid, b.BaseOffset(), b.LastOffsetDelta())
	}
	if !b.Codec().Known() {
		return fmt.Errorf("%w: %d", ErrUnsupportedCodec, b.Codec())
	}
	count := b.NumRecords()
	if count < 1 {
		return fmt.Errorf("%w: %d records", ErrInvalid, count)
	}
	if b.LastOffsetDelta() != count-1 {
		return fmt.Errorf("%w: last offset delta %d with %d records", ErrInvalid, b.LastOffsetDelta(), count)
	}
	if b.Codec() == None && int64(count)*minRecordSize > int64(len(b)-HeaderSize) {
		return fmt.Errorf("%w: %d records in %d bytes", ErrInvalid, count, len(b)-HeaderSize)
	}
	if b.ProducerID() >= 0 && !b.IsControl() && (b.BaseSequence() < 0 || b.ProducerEpoch() < 0) {
		return fmt.Errorf("%w: producer %d with epoch %d, sequence %d",
			ErrInvalid, b.ProducerID(), b.ProducerEpoch(), b.BaseSequence())
	}
	if b.IsTransactional() && b.ProducerID() < 0 {
		return fmt.Errorf("%w: transactional without a producer id", ErrInvalid)
	}
	return nil
}
