package commitlog

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"flag"
	"hash/crc32"
	"os"
	"slices"
	"testing"

	"odradek/broker/record"
)

var rewrite = flag.Bool("rewrite", false, "write the golden files anew")

// golden compares with testdata/name, kept in hex for binary formats and as it is for text.
func golden(t *testing.T, name string, got []byte, text bool) {
	t.Helper()
	path := "testdata/" + name
	shown := got
	if !text {
		shown = []byte(hex.Dump(got))
	}
	if *rewrite {
		must(t, os.WriteFile(path, shown, 0o644))
	}
	want, err := os.ReadFile(path)
	must(t, err)
	if !bytes.Equal(shown, want) {
		t.Errorf("%s:\n%s\nwant\n%s", name, shown, want)
	}
}

func sampleIndex() index {
	return index{
		offsets: []indexEntry{{3, 4_200}, {9, 8_500}, {1 << 20, 1 << 30}},
		times:   []timeEntry{{1_700_000_000_000, 3}, {1_700_000_000_500, 1 << 20}},
	}
}

func sampleAborted() []AbortedTxn {
	return []AbortedTxn{{7, 1_003, 1_009, 1_005}, {1 << 40, 1_005, 1_012, 1_013}}
}

func sampleProducers() producerState {
	s := newProducerState()
	s.producers[-7] = &producer{epoch: 2, coordinatorEpoch: -1, lastTimestamp: 5, txnFirstOffset: -1}
	p := unknownProducer()
	p.epoch, p.txnFirstOffset, p.count, p.lastTimestamp = 1, 30, 2, 77
	p.batches[0] = producerBatch{lastSequence: 4, offsetDelta: 4, lastOffset: 20, timestamp: 70}
	p.batches[1] = producerBatch{lastSequence: 1 << 30, offsetDelta: 0, lastOffset: 30, timestamp: 77}
	s.producers[1<<40] = &p
	return s
}

func TestGoldenFormats(t *testing.T) {
	x, producers := sampleIndex(), sampleProducers()
	golden(t, "index", x.encodeOffsets(), false)
	golden(t, "timeindex", x.encodeTimes(), false)
	golden(t, "txnindex", encodeAborted(sampleAborted()), false)
	golden(t, "snapshot_v1", producers.snapshot(42), false)
	golden(t, "leader-epoch-checkpoint_v0", epochsOf(epochEntry{0, 0}, epochEntry{5, 100}).encode(), true)
	golden(t, "log-start-offset-checkpoint_v1", encodeStart(1234), true)
	golden(t, "recovery-point-checkpoint_v2", recoveryPoint{1234, 1000, 56_789, true, false}.encode(), true)
}

func TestFormatsRoundTrip(t *testing.T) {
	x := sampleIndex()
	decoded, err := decodeIndex(x.encodeOffsets(), x.encodeTimes(), 1<<31-1, 1<<21)
	must(t, err)
	if !bytes.Equal(decoded.encodeOffsets(), x.encodeOffsets()) || !bytes.Equal(decoded.encodeTimes(), x.encodeTimes()) {
		t.Errorf("index %+v", decoded)
	}
	aborted, err := decodeAborted(encodeAborted(sampleAborted()), 1_000, 100)
	must(t, err)
	if !slices.Equal(aborted, sampleAborted()) {
		t.Errorf("aborted transactions %+v", aborted)
	}
	for what, bad := range map[string][]byte{
		"cut short":                 encodeAborted(sampleAborted())[:33],
		"of another version":        append([]byte{0, 1}, encodeAborted(sampleAborted())[2:]...),
		"out of order":              encodeAborted([]AbortedTxn{{1, 1_000, 1_009, 0}, {2, 1_000, 1_009, 0}}),
		"of another segment":        encodeAborted([]AbortedTxn{{1, 900, 999, 0}}),
		"past the segment":          encodeAborted([]AbortedTxn{{1, 900, 1_100, 0}}),
		"beginning after their end": encodeAborted([]AbortedTxn{{1, 1_010, 1_009, 0}}),
	} {
		if _, err := decodeAborted(bad, 1_000, 100); !errors.Is(err, errIndexDamaged) {
			t.Errorf("aborted transactions %s: %v", what, err)
		}
	}
	producers := sampleProducers()
	offset, state, err := decodeSnapshot(producers.snapshot(42))
	must(t, err)
	if offset != 42 || !bytes.Equal(state.snapshot(42), producers.snapshot(42)) || len(state.ongoing) != 1 || state.ongoing[0].first != 30 {
		t.Errorf("snapshot at %d: %+v", offset, state)
	}
	r := recoveryPoint{1234, 1000, 56_789, true, true}
	if got, err := decodeRecoveryPoint(r.encode()); err != nil || got != r {
		t.Errorf("%+v, %v", got, err)
	}
	if got, err := decodeStart(encodeStart(99)); err != nil || got != 99 {
		t.Errorf("%d, %v", got, err)
	}
}

func TestOtherVersionsAreRefused(t *testing.T) {
	producers := sampleProducers()
	snapshot := producers.snapshot(1)
	snapshot[1] = 2
	_, _, err := decodeSnapshot(snapshot)
	wantErr(t, err, errSnapshotDamaged)
	_, err = decodeEpochs([]byte("1\n0\n"))
	wantErr(t, err, errCheckpointDamaged)
	_, err = decodeRecoveryPoint(sealText([]byte("1\n1 2 3 true\n")))
	wantErr(t, err, errCheckpointDamaged)
	_, err = decodeStart(sealText([]byte("2\n1\n")))
	wantErr(t, err, errCheckpointDamaged)
}

func FuzzDecodeAborted(f *testing.F) {
	f.Add(encodeAborted(sampleAborted()), int64(1_000), int64(100))
	f.Fuzz(func(t *testing.T, content []byte, base, count int64) {
		if all, err := decodeAborted(content, base, count); err == nil && !bytes.Equal(encodeAborted(all), content) {
			t.Errorf("%+v comes back otherwise", all)
		}
	})
}

func FuzzDecodeSnapshot(f *testing.F) {
	producers := sampleProducers()
	f.Add(producers.snapshot(42))
	f.Fuzz(func(t *testing.T, content []byte) {
		if len(content) > snapshotHeaderSize { // or the CRC would end most runs at once
			binary.BigEndian.PutUint32(content[2:], crc32.Checksum(content[snapshotHeaderSize:], castagnoli))
		}
		offset, state, err := decodeSnapshot(content)
		if err != nil {
			return
		}
		again, _, err := decodeSnapshot(state.snapshot(offset))
		if err != nil || again != offset {
			t.Errorf("%d comes back as %d, %v", offset, again, err)
		}
	})
}

func FuzzDecodeCheckpoints(f *testing.F) {
	f.Add(recoveryPoint{1234, 1000, 56_789, false, true}.encode())
	f.Add(encodeStart(9))
	f.Add([]byte("0\n1\n5 100\n"))
	f.Fuzz(func(t *testing.T, content []byte) {
		if entries, err := decodeEpochs(content); err == nil {
			if again, err := decodeEpochs(epochsOf(entries...).encode()); err != nil || len(again) != len(entries) {
				t.Errorf("%v comes back as %v, %v", entries, again, err)
			}
		}
		if r, err := decodeRecoveryPoint(content); err == nil {
			if again, err := decodeRecoveryPoint(r.encode()); err != nil || again != r {
				t.Errorf("%v comes back as %v, %v", r, again, err)
			}
		}
		if start, err := decodeStart(content); err == nil && start < 0 {
			t.Errorf("start %d", start)
		}
	})
}

func FuzzDecodeIndex(f *testing.F) {
	x := sampleIndex()
	f.Add(x.encodeOffsets(), x.encodeTimes(), int64(1<<31-1), int64(1<<21), int64(7))
	f.Fuzz(func(t *testing.T, offsets, times []byte, size, count, ask int64) {
		x, err := decodeIndex(offsets, times, size, count)
		if err != nil {
			return
		}
		if p := x.floorOffset(ask); p < 0 || p != 0 && p >= size {
			t.Errorf("position %d of %d", p, size)
		}
		if p := x.floorBoundary(ask, ask); p < 0 || p > max(ask, 0) {
			t.Errorf("boundary %d before %d", p, ask)
		}
		if o := x.floorTime(ask); o < 0 || o != 0 && o >= count {
			t.Errorf("offset %d of %d", o, count)
		}
	})
}

// FuzzRecovery opens logs whose segment is any bytes: what is kept must be batches that continue each other.
func FuzzRecovery(f *testing.F) {
	good := batchOf(f, 3, idempotent(1, 0, 0))
	second := batchOf(f, 2, func(b *record.Builder) { b.BaseOffset = 3 })
	f.Add(append(bytes.Clone(good), second...))
	f.Add([]byte(good[:70]))
	f.Fuzz(func(t *testing.T, content []byte) {
		disk := newDisk()
		must(t, disk.MkdirAll(testDir))
		file, err := disk.Open(testDir+"/"+segmentName(0, logSuffix), os.O_CREATE)
		must(t, err)
		_, err = file.WriteAt(content, 0)
		must(t, err)
		must(t, file.Close())
		l := openLog(t, disk, DefaultConfig())
		kept := readAll(t, l, 0, 1<<20)
		if !bytes.HasPrefix(content, kept) {
			t.Errorf("kept what was not there: %s", offsets(t, kept))
		}
		appendBatch(t, l, 1, max(l.LastEpoch(), 0))
		must(t, l.Close())
	})
}

func FuzzAppendFollower(f *testing.F) {
	f.Add([]byte(batchOf(f, 3, idempotent(1, 0, 0))))
	f.Fuzz(func(t *testing.T, content []byte) {
		l := openLog(t, newDisk(), DefaultConfig())
		if _, err := l.AppendFollower(content); err == nil {
			if got := readAll(t, l, 0, 1<<20); !bytes.Equal(got, content) {
				t.Errorf("took %x, holds %x", content, got)
			}
		} else if l.EndOffset() != 0 {
			t.Errorf("end %d after %v", l.EndOffset(), err)
		}
	})
}
