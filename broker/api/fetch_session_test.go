package api

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/replica"
)

func sessionRequest(id, epoch int32, partitions ...int32) *kmsg.FetchRequest {
	req := fetchOf(-1, "a", partitions...)
	req.SessionID, req.SessionEpoch = id, epoch
	return req
}

// enter opens or continues a session and leaves it.
func enter(t *testing.T, c *sessionCache, version int16, req *kmsg.FetchRequest, now time.Time) (*fetchSession, error) {
	t.Helper()
	s, err := c.enter(version, req, now)
	if err == nil {
		s.leave()
	}
	return s, err
}

func indexes(s *fetchSession) (list []int32) {
	for _, ask := range s.partitions {
		list = append(list, ask.partition)
	}
	return list
}

func TestSessionGoesOn(t *testing.T) {
	c := newSessionCache(10)
	s, err := enter(t, c, 12, sessionRequest(0, 0, 0, 1, 2), time.Now())
	if err != nil || s.id == noSession || s.incremental {
		t.Fatalf("new session %+v, %v", s, err)
	}
	change := sessionRequest(s.id, 1, 5)
	change.Topics[0].Partitions = append(change.Topics[0].Partitions, kmsg.FetchRequestTopicPartition{Partition: 1, FetchOffset: 99})
	change.ForgottenTopics = []kmsg.FetchRequestForgottenTopic{{Topic: "a", Partitions: []int32{0, 77}}, {Topic: "z", Partitions: []int32{2}}}
	again, err := enter(t, c, 12, change, time.Now())
	if err != nil || again != s || !again.incremental {
		t.Fatalf("continued %+v, %v", again, err)
	}
	if got := indexes(s); !slices.Equal(got, []int32{1, 2, 5}) {
		t.Errorf("partitions %v, want 1, 2 and the new 5", got)
	}
	if s.partitions[0].offset != 99 || s.partitions[1].offset != 10 {
		t.Error("positions are not what was said last")
	}
	if s.epoch != 2 {
		t.Errorf("next epoch is %d", s.epoch)
	}
	s.epoch = math.MaxInt32
	if _, err := enter(t, c, 12, sessionRequest(s.id, math.MaxInt32), time.Now()); err != nil || s.epoch != 1 {
		t.Errorf("after the last epoch comes %d, %v", s.epoch, err)
	}
}

func TestSessionRefuses(t *testing.T) {
	c := newSessionCache(10)
	s, _ := enter(t, c, 12, sessionRequest(0, 0, 0), time.Now())
	for _, test := range []struct {
		name      string
		version   int16
		id, epoch int32
		want      error
	}{
		{"another session", 12, s.id + 1, 1, kerr.FetchSessionIDNotFound},
		{"none", 12, 0, 1, kerr.FetchSessionIDNotFound},
		{"an old epoch", 12, s.id, 3, kerr.InvalidFetchSessionEpoch},
		{"ids for names", 13, s.id, 1, kerr.FetchSessionTopicIDError},
	} {
		if _, err := enter(t, c, test.version, sessionRequest(test.id, test.epoch), time.Now()); err != test.want {
			t.Errorf("%s: %v, want %v", test.name, err, test.want)
		}
	}
	if _, err := enter(t, c, 12, sessionRequest(s.id, 1), time.Now()); err != nil {
		t.Errorf("the session did not survive: %v", err)
	}
}

func TestSessionEnds(t *testing.T) {
	for name, last := range map[string]*kmsg.FetchRequest{
		"by the final epoch": sessionRequest(0, epochNoSession, 0), "by a new one": sessionRequest(0, epochNewSession, 0), "by forgetting all": {SessionEpoch: 1,
			ForgottenTopics: []kmsg.FetchRequestForgottenTopic{{Topic: "a", Partitions: []int32{0}}}},
	} {
		c := newSessionCache(10)
		s, _ := enter(t, c, 12, sessionRequest(0, 0, 0), time.Now())
		last.SessionID = s.id
		after, err := enter(t, c, 12, last, time.Now())
		if err != nil || after.id == s.id {
			t.Errorf("%s: %+v, %v", name, after, err)
		}
		if _, err := enter(t, c, 12, sessionRequest(s.id, 1), time.Now()); err != error(kerr.FetchSessionIDNotFound) && err != error(kerr.InvalidFetchSessionEpoch) {
			t.Errorf("%s: it can still be used: %v", name, err)
		}
	}
}

func TestSessionsAreBounded(t *testing.T) {
	start := time.Now()
	old, older := start.Add(-3*time.Minute), start.Add(-4*time.Minute)
	follower := func(r *kmsg.FetchRequest) *kmsg.FetchRequest { r.ReplicaID = 2; return r }
	for _, test := range []struct {
		name     string
		first    *kmsg.FetchRequest
		created  time.Time
		used     time.Time
		second   *kmsg.FetchRequest
		admitted bool
	}{
		{"a young one stays", sessionRequest(0, 0, 0), start, start, sessionRequest(0, 0, 0, 1, 2), false},
		{"an idle one goes", sessionRequest(0, 0, 0, 1, 2), older, old, sessionRequest(0, 0, 0), true},
		{"a smaller one goes", sessionRequest(0, 0, 0), old, start, sessionRequest(0, 0, 0, 1), true},
		{"one as large stays", sessionRequest(0, 0, 0), old, start, sessionRequest(0, 0, 1), false},
		{"a consumer's goes for a follower's", sessionRequest(0, 0, 0, 1, 2), old, start, follower(sessionRequest(0, 0, 0)), true},
		{"a follower's stays", follower(sessionRequest(0, 0, 0)), old, start, sessionRequest(0, 0, 0, 1), false},
	} {
		c := newSessionCache(1)
		first, _ := enter(t, c, 12, test.first, test.created)
		first.used = test.used
		second, err := enter(t, c, 12, test.second, start)
		if err != nil || (second.id != noSession) != test.admitted || len(c.sessions) != 1 {
			t.Errorf("%s: second is %d, %v, of %d", test.name, second.id, err, len(c.sessions))
		}
	}
	none := newSessionCache(0)
	if s, err := enter(t, none, 12, sessionRequest(0, 0, 0), start); err != nil || s.id != noSession || len(s.partitions) != 1 {
		t.Errorf("without slots: %+v, %v", s, err)
	}
}

func TestSessionsPartitionsAreBounded(t *testing.T) {
	c := newSessionCache(10)
	c.partitionsMax = 4
	first, _ := enter(t, c, 12, sessionRequest(0, 0, 0, 1, 2), time.Now())
	if second, err := enter(t, c, 12, sessionRequest(0, 0, 0, 1), time.Now()); err != nil || second.id != noSession {
		t.Errorf("a session beyond the limit: %+v, %v", second, err)
	}
	if _, err := enter(t, c, 12, sessionRequest(first.id, 1, 3), time.Now()); err != nil || c.partitions != 4 {
		t.Errorf("within the limit: %v, %d partitions", err, c.partitions)
	}
	if _, err := enter(t, c, 12, sessionRequest(first.id, 2, 4), time.Now()); err != error(kerr.FetchSessionIDNotFound) {
		t.Errorf("grown beyond the limit: %v", err)
	}
	if c.partitions != 0 || len(c.sessions) != 0 {
		t.Errorf("%d partitions of %d sessions are left", c.partitions, len(c.sessions))
	}
}

// TestSessionTellsWhatChanged asks one session again and again.
func TestSessionTellsWhatChanged(t *testing.T) {
	h := newHouse(t)
	h.a[0].fetchResult, h.a[1].fetchResult = read(4), read(0)
	first := do[*kmsg.FetchResponse](h, 12, sessionRequest(0, 0, 0, 1))
	if first.SessionID == 0 || len(first.Topics[0].Partitions) != 2 {
		t.Fatalf("first: %+v", first)
	}
	moved := read(0)
	moved.HighWatermark = 21
	truncated := read(0)
	truncated.LogStartOffset = 4
	for i, step := range []struct {
		name   string
		a0, a1 replica.FetchResult
		want   string
	}{
		{"records in one", read(4), read(0), "[0]"},
		{"nothing", read(0), read(0), "[]"},
		{"a high watermark", moved, read(0), "[0]"},
		{"the same", moved, read(0), "[]"},
		{"an error", moved, failedFetch(kerr.NotLeaderForPartition), "[1]"},
		{"the same error", moved, failedFetch(kerr.NotLeaderForPartition), "[1]"},
		{"its end", moved, read(0), "[1]"},
		{"a log start", moved, truncated, "[1]"},
	} {
		h.a[0].fetchResult, h.a[1].fetchResult = step.a0, step.a1
		req := sessionRequest(first.SessionID, int32(i+1))
		req.Topics, req.MaxWaitMillis = nil, 0
		resp := do[*kmsg.FetchResponse](h, 12, req)
		told := []int32{}
		for _, topic := range resp.Topics {
			for _, p := range topic.Partitions {
				told = append(told, p.Partition)
			}
		}
		if resp.ErrorCode != 0 || resp.SessionID != first.SessionID || fmt.Sprint(told) != step.want {
			t.Errorf("%s: told of %v, want %s (code %d)", step.name, told, step.want, resp.ErrorCode)
		}
	}
}

func TestSessionIsFair(t *testing.T) {
	h := newHouse(t)
	h.a[0].fetchResult, h.a[1].fetchResult = read(600), read(0)
	first := do[*kmsg.FetchResponse](h, 12, sessionRequest(0, 0, 0, 1))
	h.a[0].fetchResult, h.a[1].fetchResult = read(0), read(0)
	req := sessionRequest(first.SessionID, 1)
	req.Topics, req.MaxWaitMillis = nil, 0
	do[*kmsg.FetchResponse](h, 12, req)
	if a0, a1 := h.a[0].fetched[1], h.a[1].fetched[1]; a0.MaxBytes != 600 || a1.MaxBytes != 600 {
		t.Errorf("limits %d and %d", a0.MaxBytes, a1.MaxBytes)
	}
	s := h.sessions.sessions[first.SessionID]
	if got := indexes(s); !slices.Equal(got, []int32{1, 0}) {
		t.Errorf("order is %v: the one that gave records goes last", got)
	}
}
