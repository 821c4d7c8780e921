package commitlog

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"
	"testing"
	"time"

	"odradek/broker/env/memenv"
	"odradek/broker/record"
)

func to(codec record.Codec) func(*Config) {
	return func(c *Config) { c.Convert, c.Compression = true, record.CompressionOf(codec) }
}

func TestConversionToTheTopicsCodec(t *testing.T) {
	for from := record.None; from.Known(); from++ {
		for codec := record.None; codec.Known(); codec++ {
			l, _ := newLog(t, to(codec))
			appendBatch(t, l, 2, 0)
			sent := batchAt(t, 3, 5_000, func(b *record.Builder) {
				idempotent(7, 2, 9)(b)
				b.Codec = from
			})
			info, err := l.AppendLeader(sent, 4)
			must(t, err)
			got, _, err := record.Split(readAll(t, l, 2, 1<<20))
			must(t, err)
			must(t, got.Validate())
			if info.FirstOffset != 2 || info.LastOffset != 4 || got.Codec() != codec || got.BaseOffset() != 2 || got.LastOffset() != 4 ||
				got.PartitionLeaderEpoch() != 4 || got.ProducerID() != 7 || got.ProducerEpoch() != 2 || got.BaseSequence() != 9 ||
				got.MaxTimestamp() != 5_000 || l.Size() == 0 {
				t.Errorf("%s to %s: %+v, %x", from, codec, info, got[:record.HeaderSize])
			}
			// It is known as what was sent, and a follower takes it as it is.
			if again, err := l.AppendLeader(sent, 4); err != nil || !again.Duplicate || again.FirstOffset != 2 {
				t.Errorf("sent again: %+v, %v", again, err)
			}
			follower, _ := newLog(t, to(record.Codec((codec+1)%5)))
			_, err = follower.AppendFollower(readAll(t, l, 0, 1<<20))
			must(t, err)
			if string(readAll(t, follower, 0, 1<<20)) != string(readAll(t, l, 0, 1<<20)) {
				t.Error("a follower has converted")
			}
		}
	}
}

func TestConversionKeepsWhatIsOfTheCodecAndMarkers(t *testing.T) {
	l, _ := newLog(t, func(c *Config) { c.Convert, c.Compression = true, record.Compression{Codec: record.Gzip, Level: 9} })
	gzipped := batchOf(t, 3, func(b *record.Builder) { b.Codec = record.Gzip })
	body := slices.Clone(gzipped[record.HeaderSize:])
	_, err := l.AppendLeader(gzipped, 0)
	must(t, err)
	if got := readAll(t, l, 0, 1<<20); !slices.Equal(got[record.HeaderSize:], body) {
		t.Error("a batch of the topic's codec was packed again")
	}
	marker, err := record.MarkerBatch(record.Marker{Type: record.ControlCommit}, 3, 0, 1)
	must(t, err)
	_, err = l.AppendCoordinator(marker, 0, 0)
	must(t, err)
	got, _, err := record.Split(readAll(t, l, 3, 1<<20))
	must(t, err)
	if !got.IsControl() || got.Codec() != record.None {
		t.Errorf("marker %x", got)
	}
	// A coordinator's records are converted like anyone's, with what was appended in the same call.
	_, err = l.AppendCoordinator(append(append([]byte{}, batchOf(t, 2, func(b *record.Builder) { b.Codec = record.Gzip })...), batchOf(t, 3, nil)...), 0, 0)
	must(t, err)
	if got := offsets(t, readAll(t, l, 4, 1<<20)); got != "4-5 6-8 " {
		t.Errorf("batches %s", got)
	}
}

func TestConversionStampsTheLogAppendTime(t *testing.T) {
	l, _ := newLog(t, func(c *Config) {
		to(record.Zstd)(c)
		c.MessageTimestampType = record.LogAppendTime
	})
	info, err := l.AppendLeader(batchAt(t, 2, 5_000, nil), 0)
	must(t, err)
	got, _, err := record.Split(readAll(t, l, 0, 1<<20))
	must(t, err)
	must(t, got.Validate())
	if got.Codec() != record.Zstd || got.TimestampType() != record.LogAppendTime || got.MaxTimestamp() != info.LogAppendTime || got.BaseTimestamp() != 5_000 {
		t.Errorf("%+v, %x", info, got[:record.HeaderSize])
	}
}

// zeros is a batch of a few KB that is n bytes when it is decompressed.
func zeros(t *testing.T, codec record.Codec, n int) record.Batch {
	b := record.NewBuilder()
	b.Codec = codec
	b.Append(record.Record{Timestamp: time.Now().UnixMilli(), Key: []byte("k"), Value: make([]byte, n)})
	batch, err := b.Build()
	must(t, err)
	return batch
}

// bomb is a batch of a few KB that is more than producedMax when it is decompressed: frames of zeros, one after the other.
func bomb(t *testing.T) record.Batch {
	frame, err := record.Compress(record.Zstd, nil, make([]byte, 4<<20))
	must(t, err)
	batch := zeros(t, record.Zstd, 1)[:record.HeaderSize]
	batch = append(batch, bytes.Repeat(frame, producedMax>>22+1)...)
	binary.BigEndian.PutUint32(batch[8:], uint32(len(batch)-record.LogOverhead))
	batch.SetCreateTime() // computes the CRC
	return batch
}

func TestBombsAreRefused(t *testing.T) {
	bomb := bomb(t)
	l, _ := newLog(t, to(record.LZ4))
	_, err := l.AppendLeader(bomb, 0)
	if wantErr(t, err, record.ErrTooLarge); l.EndOffset() != 0 {
		t.Errorf("end %d", l.EndOffset())
	}
	l, _ = newLog(t, nil)
	_, err = l.AppendLeader(bomb, 0) // nobody looks inside
	must(t, err)
}

func TestConvertedBatchesThatGrowTooLargeAreRefused(t *testing.T) {
	l, disk := newLog(t, func(c *Config) {
		to(record.None)(c)
		c.MaxMessageBytes, c.SegmentBytes = 10_000, 10_000
	})
	_, err := l.AppendLeader(zeros(t, record.Gzip, 20_000), 0)
	wantErr(t, err, ErrMessageTooLarge)
	batch := zeros(t, record.Gzip, 6_000)
	_, err = l.AppendLeader(append(slices.Clone(batch), batch...), 0)
	wantErr(t, err, ErrRecordListTooLarge)
	// What it is on the disk counts, not what was sent.
	disk.SetCapacity(4096)
	_, err = l.AppendLeader(slices.Clone(batch), 0)
	if err == nil || l.EndOffset() != 0 {
		t.Errorf("%v, end %d", err, l.EndOffset())
	}
}

// TestDamageUnderAGoodChecksum: the producer would send the same again, so it is told that the records are invalid, not that
// they were damaged on the way.
func TestDamageUnderAGoodChecksum(t *testing.T) {
	l, _ := newLog(t, to(record.Gzip))
	bad := batchOf(t, 3, nil)
	bad[record.HeaderSize] = 0x7f // the length of the first record
	bad.SetCreateTime()           // computes the CRC
	_, err := l.AppendLeader(bad, 0)
	wantErr(t, err, record.ErrInvalid)
	if errors.Is(err, record.ErrCorrupt) || l.EndOffset() != 0 {
		t.Errorf("%v, end %d", err, l.EndOffset())
	}
}

func TestTimestampsOfEachRecord(t *testing.T) {
	const hour = 3_600_000
	l, _ := newLog(t, func(c *Config) { c.MessageTimestampBeforeMaxMs = hour })
	now := time.Now().UnixMilli()
	b := record.NewBuilder()
	b.Codec = record.Zstd
	for _, age := range []int64{0, 2 * hour, 10, 3 * hour} {
		b.Append(record.Record{Timestamp: now - age})
	}
	batch, err := b.Build()
	must(t, err)
	_, err = l.AppendLeader(batch, 0)
	wantErr(t, err, ErrInvalidTimestamp)
	var invalid *InvalidRecordsError
	if !errors.As(err, &invalid) || !slices.Equal(invalid.Indexes, []int32{1, 3}) || invalid.Total != 2 {
		t.Errorf("%+v", invalid)
	}
	for range 3 * invalidRecordsMax {
		b.Append(record.Record{Timestamp: 5})
	}
	batch, err = b.Build()
	must(t, err)
	_, err = l.AppendLeader(batch, 0)
	if !errors.As(err, &invalid) || len(invalid.Indexes) != invalidRecordsMax || invalid.Total != 3*invalidRecordsMax {
		t.Errorf("%d of %d are named", len(invalid.Indexes), invalid.Total)
	}
}

// TestClaimedLogAppendTimeIsTakenOut, as Kafka does where the records keep their own time.
func TestClaimedLogAppendTimeIsTakenOut(t *testing.T) {
	l, _ := newLog(t, nil)
	_, err := l.AppendLeader(batchAt(t, 2, 5_000, func(b *record.Builder) { b.TimestampType = record.LogAppendTime }), 0)
	must(t, err)
	got, _, err := record.Split(readAll(t, l, 0, 1<<20))
	must(t, err)
	must(t, got.Validate())
	if got.TimestampType() != record.CreateTime || got.MaxTimestamp() != 5_000 {
		t.Errorf("%x", got[:record.HeaderSize])
	}
}

func TestJitterRollsEarlier(t *testing.T) {
	rolledAt := func(jitter int64) (first int64) {
		l, _ := newLog(t, func(c *Config) { c.SegmentMs, c.SegmentJitterMs = 1_000, jitter })
		for ms := range int64(1_200) {
			_, err := l.AppendLeader(batchAt(t, 1, 5_000+ms, nil), 0)
			must(t, err)
			if len(l.Segments()) > 1 {
				return ms
			}
		}
		return -1
	}
	if at := rolledAt(0); at != 1_001 {
		t.Errorf("without jitter after %d ms", at)
	}
	different := false
	for range 5 {
		at := rolledAt(500)
		if at < 500 || at > 1_001 {
			t.Errorf("with a jitter of 500 ms after %d ms", at)
		}
		different = different || at != 1_001
	}
	if !different {
		t.Error("jitter changes nothing")
	}
}

func TestPreallocatedSegments(t *testing.T) {
	l, disk := newLog(t, func(c *Config) { c.SegmentBytes, c.Preallocate = 2_000, true })
	sizeOf := func(d *memenv.Disk, base int64) int64 {
		info, err := d.Stat(testDir + "/" + segmentName(base, logSuffix))
		must(t, err)
		return info.Size
	}
	if got := sizeOf(disk, 0); got != 2_000 {
		t.Errorf("new segment of %d bytes", got)
	}
	for len(l.Segments()) < 3 {
		appendBatch(t, l, 5, 0)
	}
	want := readAll(t, l, 0, 1<<20)
	for _, s := range l.Segments() {
		size := s.Size
		if s.Active {
			size = 2_000
		}
		if got := sizeOf(disk, s.Base); got != size {
			t.Errorf("segment %d: %d bytes, %d of them used", s.Base, got, s.Size)
		}
	}
	active := l.Segments()[2]
	must(t, l.Close())
	if got := sizeOf(disk, active.Base); got != active.Size {
		t.Errorf("closed: %d bytes, %d of them used", got, active.Size)
	}
	again := openLog(t, disk, l.configuration())
	if got := readAll(t, again, 0, 1<<20); !slices.Equal(got, want) {
		t.Errorf("opened with %s", offsets(t, got))
	}
}

// TestDeathBeforeAPreallocatedSegmentIsSealed: what was allocated and not used does not end the log.
func TestDeathBeforeAPreallocatedSegmentIsSealed(t *testing.T) {
	cfg := DefaultConfig()
	cfg.SegmentBytes, cfg.Preallocate = 2_000, true
	disk := newDisk()
	never := Options{Go: func(func()) {}} // the background never comes to it
	l, err := Open(disk, testDir, cfg, never)
	must(t, err)
	for len(l.Segments()) < 3 {
		appendBatch(t, l, 5, 0)
	}
	want := readAll(t, l, 0, 1<<20)
	again := openLog(t, disk.Kill(), cfg)
	if got := readAll(t, again, 0, 1<<20); !slices.Equal(got, want) {
		t.Errorf("recovered %s of %s", offsets(t, got), offsets(t, want))
	}
}
