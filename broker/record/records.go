package record

import (
	"encoding/binary"
	"fmt"
	"iter"
)

// Record is one record. Key, Value and Headers alias the batch, or what was decompressed of it.
type Record struct {
	Offset     int64
	Timestamp  int64 // milliseconds since 1970
	Attributes int8  // unused by Kafka so far
	Key        []byte
	Value      []byte // nil deletes the key in a compacted topic
	Headers    []Header
}

// Header is a record's header. Keys may repeat.
type Header struct {
	Key   string
	Value []byte
}

// Records yields the records in order, decompressed into at most limit bytes where they are compressed. The first error
// (ErrCorrupt, ErrTooLarge, ErrUnsupportedCodec) ends it. The batch must have passed Verify.
func (b Batch) Records(limit int) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		body, err := b.Body(limit)
		if err != nil {
			yield(Record{}, err)
			return
		}
		b.RecordsIn(body)(yield)
	}
}

// RecordsIn is Records over what Body gave.
func (b Batch) RecordsIn(body []byte) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		d := decoder{buf: body}
		for range b.NumRecords() {
			r := d.record(b)
			if d.err != nil {
				yield(Record{}, d.err)
				return
			}
			if !yield(r, nil) {
				return
			}
		}
		if len(d.buf) > 0 {
			yield(Record{}, fmt.Errorf("%w: %d bytes after the last record", ErrCorrupt, len(d.buf)))
		}
	}
}

// decoder reads fields off buf; after the first error everything reads as zero.
type decoder struct {
	buf []byte
	err error
}

func (d *decoder) fail(what string) {
	if d.err == nil {
		d.err = fmt.Errorf("%w: %s", ErrCorrupt, what)
	}
	d.buf = nil
}

func (d *decoder) varint(what string) int64 {
	value, n := binary.Varint(d.buf)
	if n <= 0 {
		d.fail(what)
		return 0
	}
	d.buf = d.buf[n:]
	return value
}

// bytes reads a length and that many bytes; -1 is nil.
func (d *decoder) bytes(what string) []byte {
	n := d.varint(what)
	if d.err != nil || n == -1 {
		return nil
	}
	if n < 0 || n > int64(len(d.buf)) {
		d.fail(what)
		return nil
	}
	field := d.buf[:n:n]
	d.buf = d.buf[n:]
	return field
}

func (d *decoder) record(b Batch) Record {
	size := d.varint("record length")
	if d.err == nil && (size < minRecordSize-1 || size > int64(len(d.buf))) {
		d.fail("record length")
	}
	if d.err != nil {
		return Record{}
	}
	inner := decoder{buf: d.buf[:size:size]}
	d.buf = d.buf[size:]

	r := Record{Attributes: int8(inner.buf[0])}
	inner.buf = inner.buf[1:]
	r.Timestamp = b.BaseTimestamp() + inner.varint("timestamp delta")
	if b.TimestampType() == LogAppendTime {
		r.Timestamp = b.MaxTimestamp()
	}
	delta := inner.varint("offset delta")
	if delta < 0 || delta > int64(b.LastOffsetDelta()) {
		inner.fail("offset delta")
	}
	r.Offset = b.BaseOffset() + delta
	r.Key = inner.bytes("key")
	r.Value = inner.bytes("value")
	r.Headers = inner.headers()
	if inner.err == nil && len(inner.buf) > 0 {
		inner.fail("bytes after the last header")
	}
	d.err = inner.err
	return r
}

func (d *decoder) headers() []Header {
	count := d.varint("number of headers")
	// A header takes two bytes at least.
	if count < 0 || count > int64(len(d.buf)/2) {
		d.fail("number of headers")
	}
	if d.err != nil || count == 0 {
		return nil
	}
	headers := make([]Header, 0, count)
	for range count {
		key := d.bytes("header key")
		if d.err == nil && key == nil {
			d.fail("null header key")
		}
		headers = append(headers, Header{Key: string(key), Value: d.bytes("header value")})
	}
	if d.err != nil {
		return nil
	}
	return headers
}
