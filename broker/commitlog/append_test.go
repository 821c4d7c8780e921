package commitlog

import (
	"math"
	"testing"
	"testing/synctest"
	"time"

	"odradek/broker/record"
)

func TestAppendLeaderRefuses(t *testing.T) {
	const hour = 3_600_000
	now := time.Now().UnixMilli()
	control, err := record.MarkerBatch(record.Marker{}, 1, 0, now)
	must(t, err)
	flipped := batchOf(t, 1, nil)
	flipped[70] ^= 1
	for _, test := range []struct {
		name    string
		batches []byte
		want    error
	}{
		{"nothing", nil, record.ErrInvalid},
		{"garbage", make([]byte, 200), record.ErrUnsupportedMagic},
		{"cut short", batchOf(t, 3, nil)[:80], record.ErrTruncated},
		{"a flipped bit", flipped, record.ErrCorrupt},
		{"a control batch", control, record.ErrInvalid},
		{"too large a batch", batchOf(t, 100, nil), ErrMessageTooLarge},
		{"too many batches", repeat(batchOf(t, 20, nil), 20), ErrRecordListTooLarge},
		{"a second batch that is cut short", append(batchOf(t, 1, nil), batchOf(t, 1, nil)[:70]...), record.ErrTruncated},
		{"a time too far ahead", batchAt(t, 1, now+2*hour, nil), ErrInvalidTimestamp},
		{"a time too long ago", batchAt(t, 1, now-3*hour, nil), ErrInvalidTimestamp},
		{"a time before all times", batchAt(t, 1, math.MinInt64, nil), ErrInvalidTimestamp},
		{"no sequence", batchOf(t, 1, func(b *record.Builder) { b.ProducerID = 3 }), record.ErrInvalid},
	} {
		t.Run(test.name, func(t *testing.T) {
			l, _ := newLog(t, func(c *Config) {
				c.MaxMessageBytes, c.SegmentBytes = 2_000, 9_000
				c.MessageTimestampBeforeMaxMs, c.MessageTimestampAfterMaxMs = 2*hour, hour
			})
			_, err := l.AppendLeader(test.batches, 0)
			wantErr(t, err, test.want)
			if l.EndOffset() != 0 || l.Size() != 0 {
				t.Errorf("end %d, size %d", l.EndOffset(), l.Size())
			}
		})
	}
}

func repeat(batch []byte, n int) (out []byte) {
	for range n {
		out = append(out, batch...)
	}
	return out
}

func TestLogAppendTime(t *testing.T) {
	l, _ := newLog(t, func(c *Config) { c.MessageTimestampType = record.LogAppendTime })
	_, err := l.AppendLeader(batchOf(t, 1, func(b *record.Builder) { b.TimestampType = record.LogAppendTime }), 0)
	wantErr(t, err, ErrInvalidTimestamp)
	info, err := l.AppendLeader(batchAt(t, 2, 17, idempotent(1, 0, 0)), 0)
	must(t, err)
	batch := record.Batch(readAll(t, l, 0, 1<<20))
	must(t, batch.Verify())
	if batch.MaxTimestamp() != info.LogAppendTime || info.LogAppendTime < 1_000_000 || batch.TimestampType() != record.LogAppendTime {
		t.Errorf("%+v, max timestamp %d", info, batch.MaxTimestamp())
	}
	again, err := l.AppendLeader(batchAt(t, 2, 17, idempotent(1, 0, 0)), 0)
	must(t, err)
	if !again.Duplicate || again.LogAppendTime != info.LogAppendTime {
		t.Errorf("retry says %+v, the first time %+v", again, info)
	}
}

func TestAppendFollower(t *testing.T) {
	leader, _ := newLog(t, nil)
	for i := range 6 {
		_, err := leader.AppendLeader(batchOf(t, 2, idempotent(4, 0, int32(2*i))), int32(i/2))
		must(t, err)
	}
	data := readAll(t, leader, 0, 1<<20)
	follower, disk := newLog(t, nil)
	info, err := follower.AppendFollower(data)
	must(t, err)
	if info.FirstOffset != 0 || info.LastOffset != 11 || follower.LastEpoch() != 2 || follower.EpochAt(5) != 1 {
		t.Errorf("%+v, epoch %d", info, follower.LastEpoch())
	}
	if got := readAll(t, follower, 0, 1<<20); string(got) != string(data) {
		t.Error("the follower's log is not the leader's, byte for byte")
	}
	if info, err := follower.AppendLeader(batchOf(t, 2, idempotent(4, 0, 10)), 3); err != nil || !info.Duplicate || info.FirstOffset != 10 {
		t.Errorf("a retry after failover: %+v, %v", info, err)
	}
	_, err = follower.AppendFollower(data)
	wantErr(t, err, ErrNotContiguous)
	far := batchOf(t, 1, func(b *record.Builder) { b.BaseOffset, b.PartitionLeaderEpoch = 13+math.MaxInt32, 3 })
	_, err = follower.AppendFollower(far)
	wantErr(t, err, ErrNotContiguous) // no compaction leaves such a gap
	stale := batchOf(t, 1, func(b *record.Builder) { b.BaseOffset, b.PartitionLeaderEpoch = 12, 1 })
	_, err = follower.AppendFollower(stale)
	wantErr(t, err, ErrStaleLeaderEpoch)
	stale.SetPartitionLeaderEpoch(2)
	stale[record.HeaderSize] ^= 1
	_, err = follower.AppendFollower(stale)
	wantErr(t, err, record.ErrCorrupt)
	again := openLog(t, disk.Kill(), follower.configuration())
	if again.EndOffset() != 12 || again.LastEpoch() != 2 {
		t.Errorf("recovered to %d, epoch %d", again.EndOffset(), again.LastEpoch())
	}
}

func TestRoll(t *testing.T) {
	bases := func(l *Log) (out []int64) {
		for _, s := range l.segments {
			out = append(out, s.base)
		}
		return out
	}
	size := int64(len(batchOf(t, 1, nil)))
	for _, test := range []struct {
		name   string
		change func(*Config)
		want   int
	}{
		{"never", nil, 1},
		{"by size", func(c *Config) { c.SegmentBytes = 3 * size }, 4},
		{"by time", func(c *Config) { c.SegmentMs = 2_500 }, 4}, // every three records, a second apart
		{"by a full index", func(c *Config) { c.IndexIntervalBytes = 0; c.IndexBytesMax = 2 * indexEntrySize }, 4},
	} {
		t.Run(test.name, func(t *testing.T) {
			l, disk := newLog(t, test.change)
			start := time.Now().UnixMilli() - 60_000
			for i := range 12 {
				_, err := l.AppendLeader(batchAt(t, 1, start+int64(i)*1_000, nil), 0)
				must(t, err)
			}
			if got := bases(l); len(got) != test.want {
				t.Errorf("segments at %v, want %d", got, test.want)
			}
			must(t, l.Close())
			again := openLog(t, disk, l.configuration())
			if got := bases(again); len(got) != test.want {
				t.Errorf("segments at %v after reopening", got)
			}
		})
	}
}

func TestRollByTheClockWithoutTimestamps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, _ := newLog(t, func(c *Config) { c.SegmentMs = 1_000 })
		for range 3 {
			_, err := l.AppendLeader(batchAt(t, 1, record.NoTimestamp, nil), 0)
			must(t, err)
			time.Sleep(700 * time.Millisecond)
		}
		if len(l.segments) != 2 {
			t.Errorf("%d segments", len(l.segments))
		}
	})
}
