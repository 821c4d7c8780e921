package commitlog

import (
	"testing"
	"testing/synctest"
	"time"

	"odradek/broker/record"
)

// TestVerification: a transaction begins in a log only with a guard that no marker has made void.
func TestVerification(t *testing.T) {
	l, disk := newLog(t, func(c *Config) { c.VerifyTransactions = true })
	batch := func(epoch int16, sequence int32) record.Batch {
		return batchOf(t, 1, func(b *record.Builder) { idempotent(1, epoch, sequence)(b); b.Transactional = true })
	}
	end := func(epoch int16) {
		t.Helper()
		marker, err := record.MarkerBatch(record.Marker{Type: record.ControlAbort}, 1, epoch, 1)
		must(t, err)
		_, err = l.AppendCoordinator(marker, 0, 0)
		must(t, err)
	}
	begin := func(epoch int16) Guard {
		t.Helper()
		guard, needed := l.BeginVerification(1, epoch, 0)
		if !needed || guard == 0 {
			t.Fatalf("guard %d, needed %v", guard, needed)
		}
		return guard
	}
	_, err := l.AppendLeader(batch(0, 0), 0)
	wantErr(t, err, ErrInvalidTxnState)
	void := begin(0)
	end(0)
	_, err = l.AppendVerified(batch(0, 0), 0, void)
	wantErr(t, err, ErrInvalidTxnState)
	guard := begin(0)
	if begin(0) != guard {
		t.Error("a second request of the producer voids the guard of the first")
	}
	_, err = l.AppendVerified(batch(0, 0), 0, guard)
	must(t, err)
	if _, needed := l.BeginVerification(1, 0, 0); needed {
		t.Error("a guard is asked for in a transaction that has begun")
	}
	_, err = l.AppendLeader(batch(0, 1), 0)
	must(t, err)
	if info, err := l.AppendLeader(batch(0, 1), 0); err != nil || !info.Duplicate {
		t.Errorf("%+v, %v", info, err)
	}
	l = openLog(t, disk.Kill(), l.configuration())
	_, err = l.AppendLeader(batch(0, 2), 0)
	must(t, err)
	end(1)
	if info, err := l.AppendLeader(batch(1, 0), 0); err == nil {
		t.Errorf("%+v without a guard in the next epoch", info)
	}
	other := begin(1)
	_, err = l.AppendVerified(batch(2, 0), 0, other)
	wantErr(t, err, ErrInvalidTxnState)
	follower, _ := newLog(t, func(c *Config) { c.VerifyTransactions = true })
	must(t, l.EachBatch(0, func(b record.Batch) bool {
		_, err := follower.AppendFollower(b)
		must(t, err)
		return true
	}))
}

func TestVerificationsExpire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, _ := newLog(t, func(c *Config) { c.VerifyTransactions, c.ProducerIDExpirationMs = true, 3_600_000 })
		l.BeginVerification(1, 0, time.Now().UnixMilli())
		time.Sleep(71 * time.Minute)
		appendBatch(t, l, 1, 0)
		if len(l.verifying) != 0 {
			t.Error("a guard outlives its producer")
		}
	})
}

// TestBumpingMarkers: a marker of the epoch after its transaction's comes late when a transaction of that epoch is open, and ends
// nothing then; it may come twice before that.
func TestBumpingMarkers(t *testing.T) {
	l, _ := newLog(t, nil)
	begin := func(epoch int16) {
		t.Helper()
		_, err := l.AppendLeader(batchOf(t, 1, func(b *record.Builder) { idempotent(1, epoch, 0)(b); b.Transactional = true }), 0)
		must(t, err)
	}
	end := func(epoch int16, bumped bool) error {
		t.Helper()
		marker, err := record.MarkerBatch(record.Marker{Type: record.ControlAbort}, 1, epoch, 1)
		must(t, err)
		_, err = l.AppendMarker(marker, 0, bumped)
		return err
	}
	begin(0)
	must(t, end(1, true))
	must(t, end(1, true))
	begin(1)
	wantErr(t, end(1, true), ErrInvalidProducerEpoch)
	if got := l.LastStableOffset(l.EndOffset()); got != 3 {
		t.Errorf("last stable offset %d: a late marker has ended the next transaction", got)
	}
	must(t, end(1, false)) // of version 1, whose epoch stays
	if got := l.LastStableOffset(l.EndOffset()); got != l.EndOffset() {
		t.Errorf("last stable offset %d", got)
	}
}
