package record

import (
	"encoding/binary"
	"errors"
	"testing"
)

// spoil changes a good batch and computes the CRC anew, so that only what was changed is wrong.
func spoil(t testing.TB, change func(b Batch)) Batch {
	batch := build(t, kafkaBuilder(), kafkaRecords)
	change(batch)
	binary.BigEndian.PutUint32(batch[crcAt:], batch.computeCRC())
	return batch
}

func put16(b Batch, at int, v int16) { binary.BigEndian.PutUint16(b[at:], uint16(v)) }
func put32(b Batch, at int, v int32) { binary.BigEndian.PutUint32(b[at:], uint32(v)) }
func put64(b Batch, at int, v int64) { binary.BigEndian.PutUint64(b[at:], uint64(v)) }

func TestValidateRefuses(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(b Batch)
		want   error
	}{
		{"nothing wrong", func(Batch) {}, nil},
		{"magic", func(b Batch) { b[magicAt] = 1 }, ErrCorrupt},
		{"length too small", func(b Batch) { put32(b, lengthAt, int32(len(b)-LogOverhead-1)) }, ErrCorrupt},
		{"length too large", func(b Batch) { put32(b, lengthAt, 1<<31-1) }, ErrCorrupt},
		{"negative base offset", func(b Batch) { b.SetBaseOffset(-1) }, ErrInvalid},
		{"last offset overflows", func(b Batch) { b.SetBaseOffset(1<<63 - 2) }, ErrInvalid},
		{"negative delta", func(b Batch) { put32(b, lastOffsetDeltaAt, -1) }, ErrInvalid},
		{"negative count", func(b Batch) { put32(b, numRecordsAt, -4) }, ErrInvalid},
		{"no records", func(b Batch) { put32(b, numRecordsAt, 0) }, ErrInvalid},
		{"delta and count differ", func(b Batch) { put32(b, lastOffsetDeltaAt, 9) }, ErrInvalid},
		{"more records than bytes", func(b Batch) { put32(b, numRecordsAt, 1<<20); put32(b, lastOffsetDeltaAt, 1<<20-1) }, ErrInvalid},
		{"unknown codec", func(b Batch) { put16(b, attributesAt, 6) }, ErrUnsupportedCodec},
		{"no sequence", func(b Batch) { put32(b, baseSequenceAt, -1) }, ErrInvalid},
		{"no producer epoch", func(b Batch) { put16(b, producerEpochAt, -1) }, ErrInvalid},
		{"transactional without producer", func(b Batch) { put64(b, producerIDAt, -1) }, ErrInvalid},
	} {
		t.Run(test.name, func(t *testing.T) {
			if err := spoil(t, test.change).Validate(); !errors.Is(err, test.want) {
				t.Errorf("error %v, want %v", err, test.want)
			}
		})
	}
}

func TestEveryBitOfTheCRCsRangeCounts(t *testing.T) {
	batch := build(t, kafkaBuilder(), kafkaRecords[:2])
	for bit := attributesAt * 8; bit < len(batch)*8; bit++ {
		batch[bit/8] ^= 1 << (bit % 8)
		if err := batch.Verify(); !errors.Is(err, ErrCorrupt) {
			t.Fatalf("bit %d flipped: %v", bit, err)
		}
		batch[bit/8] ^= 1 << (bit % 8)
	}
}

func TestSplit(t *testing.T) {
	one := build(t, NewBuilder(), kafkaRecords[:1])
	two := append(one[:len(one):len(one)], one...)
	batch, rest, err := Split(two)
	if err != nil || len(batch) != len(one) || len(rest) != len(one) {
		t.Fatalf("%d and %d bytes, %v", len(batch), len(rest), err)
	}
	for n := range len(one) {
		if _, _, err := Split(one[:n]); !errors.Is(err, ErrTruncated) {
			t.Fatalf("%d bytes: %v", n, err)
		}
	}
	for _, test := range []struct {
		name   string
		change func(b Batch)
		want   error
	}{
		{"before 0.11", func(b Batch) { b[magicAt] = 1 }, ErrUnsupportedMagic},
		{"of the future", func(b Batch) { b[magicAt] = 3 }, ErrCorrupt},
		{"shorter than a header", func(b Batch) { put32(b, lengthAt, 48) }, ErrCorrupt},
		{"negative length", func(b Batch) { put32(b, lengthAt, -1) }, ErrCorrupt},
		{"absurd length", func(b Batch) { put32(b, lengthAt, 1<<31-1) }, ErrTruncated},
	} {
		b := append(Batch(nil), one...)
		test.change(b)
		if _, _, err := Split(b); !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", test.name, err, test.want)
		}
	}
}

func FuzzSplit(f *testing.F) {
	f.Add([]byte(build(f, kafkaBuilder(), kafkaRecords)))
	f.Fuzz(func(t *testing.T, buf []byte) {
		batch, rest, err := Split(buf)
		if err != nil {
			return
		}
		if len(batch)+len(rest) != len(buf) || len(batch) != batch.Size() || len(batch) < HeaderSize {
			t.Errorf("%d bytes split to %d and %d", len(buf), len(batch), len(rest))
		}
	})
}

// FuzzValidate: what passes Validate can be counted with.
func FuzzValidate(f *testing.F) {
	for _, c := range codecs {
		b := kafkaBuilder()
		b.Codec, b.Xerial = c.codec, c.xerial
		f.Add([]byte(build(f, b, kafkaRecords)))
	}
	f.Fuzz(func(t *testing.T, buf []byte) {
		if len(buf) >= HeaderSize {
			binary.BigEndian.PutUint32(buf[crcAt:], Batch(buf).computeCRC())
		}
		if Batch(buf).Validate() != nil {
			return
		}
		b := Batch(buf)
		if b.NumRecords() < 1 || b.LastOffset() < b.BaseOffset() || b.NextOffset() < 0 || b.BaseSequence() >= 0 && b.LastSequence() < 0 {
			t.Errorf("header %x", b[:HeaderSize])
		}
	})
}

// FuzzRecords: any bytes in any codec are decoded within bounds, or refused.
func FuzzRecords(f *testing.F) {
	for _, c := range codecs {
		b := kafkaBuilder()
		b.Codec, b.Xerial = c.codec, c.xerial
		f.Add([]byte(build(f, b, kafkaRecords)))
	}
	const limit = 1 << 16
	f.Fuzz(func(t *testing.T, buf []byte) {
		if len(buf) >= HeaderSize {
			binary.BigEndian.PutUint32(buf[crcAt:], Batch(buf).computeCRC())
		}
		b := Batch(buf)
		if b.Verify() != nil {
			return
		}
		size := 0
		for r, err := range b.Records(limit) {
			if err != nil {
				if !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrTooLarge) && !errors.Is(err, ErrUnsupportedCodec) {
					t.Errorf("error %v is none of the package's", err)
				}
				return
			}
			if r.Offset < b.BaseOffset() || r.Offset > b.LastOffset() {
				t.Errorf("offset %d in a batch of %d to %d", r.Offset, b.BaseOffset(), b.LastOffset())
			}
			size += len(r.Key) + len(r.Value)
		}
		if size > limit {
			t.Errorf("%d bytes of records", size)
		}
	})
}
