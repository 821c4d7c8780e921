package record

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
)

// TestLevels: every level that Kafka's configuration allows compresses.
func TestLevels(t *testing.T) {
	var text []byte
	for i := range 1_000 {
		text = fmt.Appendf(text, "record %d of a log that repeats itself, %d;", i, i*i%17)
	}
	for _, test := range []struct {
		codec  Codec
		levels []int
	}{
		{Gzip, []int{1, 9}},
		{LZ4, []int{1, 17}},
		{Zstd, []int{-131072, 8, 22}},
	} {
		for _, level := range append(test.levels, 0) {
			out, err := Compression{test.codec, level}.Append([]byte("before"), text)
			if err != nil {
				t.Fatalf("%s at %d: %v", test.codec, level, err)
			}
			again, err := Decompress(test.codec, out[len("before"):], len(text))
			if err != nil || !bytes.Equal(again, text) {
				t.Errorf("%s at %d: %d bytes, %v", test.codec, level, len(again), err)
			}
			if len(out) > len(text)/2 {
				t.Errorf("%s at %d: %d bytes of %d", test.codec, level, len(out), len(text))
			}
		}
	}
}

// TestRecompressed: whatever the codecs, everything but the bytes' packing stays.
func TestRecompressed(t *testing.T) {
	for from := None; from.Known(); from++ {
		for to := None; to.Known(); to++ {
			b := kafkaBuilder()
			b.Codec, b.Xerial = from, from == Snappy && to == None
			b.TimestampType = TimestampType(to % 2)
			before := build(t, b, kafkaRecords)
			body, err := before.Body(1 << 20)
			if err != nil {
				t.Fatal(err)
			}
			after, err := before.Recompressed(CompressionOf(to), body)
			if err != nil {
				t.Fatal(err)
			}
			if err := after.Validate(); err != nil {
				t.Fatalf("%s to %s: %v", from, to, err)
			}
			same := bytes.Equal(before[:lengthAt], after[:lengthAt]) && bytes.Equal(before[leaderEpochAt:crcAt], after[leaderEpochAt:crcAt]) &&
				bytes.Equal(before[lastOffsetDeltaAt:HeaderSize], after[lastOffsetDeltaAt:HeaderSize])
			if !same || after.Codec() != to || after.Attributes()&^codecMask != before.Attributes()&^codecMask {
				t.Errorf("%s to %s: header %x became %x", from, to, before[:HeaderSize], after[:HeaderSize])
			}
			want, err := collect(before, 1<<20)
			if err != nil {
				t.Fatal(err)
			}
			got, err := collect(after, 1<<20)
			if err != nil {
				t.Fatal(err)
			}
			equalRecords(t, got, want)
		}
	}
}

// TestRecompressedSnappyIsXerial, as Kafka's is: the oldest Java clients read no other.
func TestRecompressedSnappyIsXerial(t *testing.T) {
	batch := build(t, kafkaBuilder(), kafkaRecords)
	after, err := batch.Recompressed(CompressionOf(Snappy), batch[HeaderSize:])
	if err != nil || !bytes.HasPrefix(after[HeaderSize:], xerialMagic) {
		t.Errorf("%v, %x", err, after[HeaderSize:])
	}
	if _, err := batch.Recompressed(CompressionOf(7), batch[HeaderSize:]); !errors.Is(err, ErrUnsupportedCodec) {
		t.Errorf("codec 7: %v", err)
	}
}
