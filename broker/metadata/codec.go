package metadata

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
)

// The bytes of a batch:
//
//	format      byte     1
//	baseVersion uvarint
//	count       uvarint  number of records
//	records:
//	  kind      uvarint  which record
//	  version   uvarint  of its layout
//	  length    uvarint  of the body
//	  body               the record's fields in the order of its struct
//
// Fields: integers are zig-zag varints, counts and lengths uvarints, strings and lists a count and their elements, a UUID its
// 16 bytes, a float the 8 of IEEE 754, a bool a byte 0 or 1. A decoder reads exactly what was written: an unknown format, kind or version, a byte too
// many or too few is an error, since a node that skipped what it does not understand would hold another image than its peers.
//
// A snapshot is a batch of all records that lead from NewImage to an image, with format 2 and the image's version as baseVersion.
const (
	formatBatch    = 1
	formatSnapshot = 2
)

// Limits of what is decoded, against damaged or hostile bytes.
const (
	// MaxBatchBytes bounds an encoded batch or snapshot: a million partitions of three replicas fit.
	MaxBatchBytes = 128 << 20
	// maxString bounds names, addresses and config values.
	maxString = 1 << 20
	// maxReplicas bounds the replicas of one partition.
	maxReplicas = 1 << 10
	// maxFeatures bounds the features that a node registers with.
	maxFeatures = 1 << 8
)

var (
	// ErrCorrupt says that bytes are no batch: too short, too long, or a length beyond its limit.
	ErrCorrupt = errors.New("metadata: corrupt batch")
	// ErrUnknown says that bytes were written by a newer version: an unknown format, record or version of one.
	ErrUnknown = errors.New("metadata: written by an unknown version")
)

// AppendBatch appends the encoding of a batch to b.
func AppendBatch(b []byte, batch Batch) []byte { return appendRecords(b, formatBatch, batch) }

// DecodeBatch reads a batch that is all of b. Errors: ErrCorrupt, ErrUnknown.
func DecodeBatch(b []byte) (Batch, error) { return decodeRecords(b, formatBatch) }

func appendRecords(b []byte, format byte, batch Batch) []byte {
	b = append(b, format)
	b = binary.AppendUvarint(b, batch.BaseVersion)
	b = binary.AppendUvarint(b, uint64(len(batch.Records)))
	var body []byte
	for _, record := range batch.Records {
		body = record.appendTo(body[:0])
		b = binary.AppendUvarint(b, uint64(record.kind()))
		b = binary.AppendUvarint(b, layouts[record.kind()])
		b = binary.AppendUvarint(b, uint64(len(body)))
		b = append(b, body...)
	}
	return b
}

func decodeRecords(b []byte, format byte) (Batch, error) {
	if len(b) > MaxBatchBytes {
		return Batch{}, fmt.Errorf("%w: %d bytes", ErrCorrupt, len(b))
	}
	if len(b) > 0 && b[0] != format {
		return Batch{}, fmt.Errorf("%w: format %d, want %d", ErrUnknown, b[0], format)
	}
	r := reader{b: b}
	r.take(1)
	batch := Batch{BaseVersion: r.uvarint()}
	count := r.count(3, MaxBatchBytes) // the smallest record takes three bytes
	for range count {
		record, err := decodeRecord(&r)
		if err != nil {
			return Batch{}, err
		}
		batch.Records = append(batch.Records, record)
	}
	return batch, r.end()
}

func decodeRecord(r *reader) (Record, error) {
	k, version := kind(r.uvarint()), r.uvarint()
	body := reader{b: r.take(r.count(1, MaxBatchBytes)), version: version}
	if r.bad {
		return nil, r.end()
	}
	decode := decoders[k]
	if decode == nil || version > layouts[k] {
		return nil, fmt.Errorf("%w: record kind %d version %d", ErrUnknown, k, version)
	}
	record := decode(&body)
	if err := body.end(); err != nil {
		return nil, fmt.Errorf("record kind %d: %w", k, err)
	}
	return record, nil
}

// reader reads fields; after the first failure everything reads as zero and end tells.
type reader struct {
	b       []byte
	version uint64 // of the record's layout
	bad     bool
}

func (r *reader) end() error {
	if r.bad {
		return fmt.Errorf("%w: ends early or out of bounds", ErrCorrupt)
	}
	if len(r.b) > 0 {
		return fmt.Errorf("%w: %d bytes too many", ErrCorrupt, len(r.b))
	}
	return nil
}

func (r *reader) take(n int) []byte {
	if r.bad || n > len(r.b) {
		r.bad = true
		return nil
	}
	taken := r.b[:n]
	r.b = r.b[n:]
	return taken
}

func (r *reader) uvarint() uint64 {
	v, n := binary.Uvarint(r.b)
	if r.bad || n <= 0 {
		r.bad = true
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *reader) varint() int64 {
	v, n := binary.Varint(r.b)
	if r.bad || n <= 0 {
		r.bad = true
		return 0
	}
	r.b = r.b[n:]
	return v
}

// int32 reads a varint that must fit.
func (r *reader) int32() int32 {
	v := r.varint()
	if v != int64(int32(v)) {
		r.bad = true
		return 0
	}
	return int32(v)
}

// int8 and int16 read a varint that must fit.
func (r *reader) int8() int8 {
	v := r.varint()
	if v != int64(int8(v)) {
		r.bad = true
		return 0
	}
	return int8(v)
}

func (r *reader) int16() int16 {
	v := r.varint()
	if v != int64(int16(v)) {
		r.bad = true
		return 0
	}
	return int16(v)
}

// float64 reads eight bytes, as IEEE 754 has them, big-endian.
func (r *reader) float64() float64 {
	b := r.take(8)
	if r.bad {
		return 0
	}
	v := math.Float64frombits(binary.BigEndian.Uint64(b))
	r.bad = r.bad || math.IsNaN(v) // it is nothing that anyone could set
	return v
}

// bytes reads a copy; nil when there are none.
func (r *reader) bytes() []byte {
	b := r.take(r.count(1, maxString))
	if len(b) == 0 {
		return nil
	}
	return slices.Clone(b)
}

// count reads a number of elements that take at least size bytes each: no more than the rest can hold, nor than limit.
func (r *reader) count(size, limit int) int {
	v := r.uvarint()
	if r.bad || v > uint64(len(r.b)/size) || v > uint64(limit) {
		r.bad = true
		return 0
	}
	return int(v)
}

func (r *reader) string() string { return string(r.take(r.count(1, maxString))) }

func (r *reader) bool() bool {
	b := r.take(1)
	if r.bad || b[0] > 1 {
		r.bad = true
		return false
	}
	return b[0] == 1
}

func (r *reader) uuid() (id UUID) {
	copy(id[:], r.take(len(id)))
	return id
}

func (r *reader) int32s() []int32 {
	n := r.count(1, maxReplicas)
	if n == 0 {
		return nil
	}
	list := make([]int32, n)
	for i := range list {
		list[i] = r.int32()
	}
	return list
}

func appendString(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func appendBool(b []byte, v bool) []byte {
	if v {
		return append(b, 1)
	}
	return append(b, 0)
}

func appendInt32s(b []byte, list []int32) []byte {
	b = binary.AppendUvarint(b, uint64(len(list)))
	for _, v := range list {
		b = binary.AppendVarint(b, int64(v))
	}
	return b
}
