package replica

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"odradek/broker/commitlog"
	"odradek/broker/env/memenv"
	"odradek/broker/metadata"
)

// writeTo appends to a topic of topics, on the node that leads it.
func (c *cluster) writeTo(id int32, topic int, acks int16, value string, n int) *answer {
	c.t.Helper()
	a := &answer{}
	a.pending = c.of(id, topic).Append(batch(value, n), acks, func(r AppendResult) {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.result = &r
	})
	return a
}

func (n *node) move(topic int, dir string) error {
	return n.manager.MoveReplica(fmt.Sprintf("t%d", topic), 0, dir)
}

func TestMoveReplica(t *testing.T) {
	testCluster(t, 2, func(c *cluster) {
		c.settings.Log.SegmentBytes = 2_000
		c.withDirs(threeDirs...)
		c.topics(2)
		for i := range 40 {
			c.writeTo(1, 0, -1, fmt.Sprint("before ", i), 5).want(t, nil)
		}
		for _, id := range []int32{1, 2} { // the leader, and a follower
			if err := c.nodes[id].move(0, "c"); err != nil {
				t.Fatal(err)
			}
		}
		for i := range 10 {
			c.writeTo(1, 0, -1, fmt.Sprint("meanwhile ", i), 5).want(t, nil)
			time.Sleep(time.Millisecond)
		}
		c.settle()
		for id := range c.nodes {
			c.wantLayout(id, "a: | b: t1 | c: t0")
			if names, _ := c.nodes[id].disk.List("a"); slices.ContainsFunc(names, func(n string) bool { return strings.HasPrefix(n, "t0") }) {
				t.Errorf("node %d still has %v in a", id, names)
			}
		}
		c.writeTo(1, 0, -1, "after", 5).want(t, nil)
		reg := c.image.Topics["t0"].Partitions[0]
		if reg.Leader != 1 || reg.LeaderEpoch != 0 || len(reg.ISR) != 2 {
			t.Errorf("%+v", reg)
		}
		leader, follower := c.of(1, 0).Log(), c.of(2, 0).Log()
		if leader.EndOffset() != 255 || follower.EndOffset() != 255 || leader.LastEpoch() != follower.LastEpoch() {
			t.Errorf("ends %d and %d", leader.EndOffset(), follower.EndOffset())
		}
		// It is found there, with its high watermark and all.
		time.Sleep(time.Minute)
		c.withDirs(threeDirs...)
		c.settle()
		c.wantLayout(1, "a: | b: t1 | c: t0")
		if got := c.of(1, 0).HighWatermark(); got != 255 {
			t.Errorf("high watermark %d", got)
		}
	})
}

func TestMoveIsRefusedOrEnded(t *testing.T) {
	testCluster(t, 1, func(c *cluster) {
		c.withDirs(threeDirs...)
		c.topics(1)
		for want, err := range map[error]error{
			kerr.LogDirNotFound:          c.nodes[1].move(0, "d"),
			kerr.UnknownTopicOrPartition: c.nodes[1].move(1, "c"), // and it is made there
		} {
			if !errors.Is(err, want) {
				t.Errorf("answered %v, want %v", err, want)
			}
		}
		c.topics(1)
		c.wantLayout(1, "a: t0 | b: | c: t1")
		// A move that can't go on for now is ended by the next one.
		c.writeTo(1, 0, -1, "x", 3).want(t, nil)
		block := make(chan struct{})
		c.nodes[1].disk.SetHook(func(op memenv.Op) error {
			if strings.HasPrefix(op.Name, "b/t0") && op.Kind == memenv.OpWrite {
				<-block
			}
			return nil
		})
		for _, to := range []string{"b", "b", "a"} {
			if err := c.nodes[1].move(0, to); err != nil {
				t.Fatal(err)
			}
		}
		close(block)
		c.settle()
		c.wantLayout(1, "a: t0 | b: | c: t1")
		if names, _ := c.nodes[1].disk.List("b"); slices.ContainsFunc(names, func(n string) bool { return strings.HasPrefix(n, "t0") }) {
			t.Errorf("b has %v", names)
		}
	})
}

// A disk that fails under the future log ends the move, not the replica.
func TestMoveToAFailingDirectory(t *testing.T) {
	testCluster(t, 1, func(c *cluster) {
		c.withDirs(threeDirs...)
		c.topics(1)
		c.writeTo(1, 0, -1, "x", 3).want(t, nil)
		c.nodes[1].breakDir("b")
		if err := c.nodes[1].move(0, "b"); err != nil {
			t.Fatal(err)
		}
		c.settle()
		c.wantLayout(1, "a: t0 | b failed | c:")
		c.writeTo(1, 0, -1, "y", 3).want(t, nil)
		if err := c.nodes[1].move(0, "b"); !errors.Is(err, kerr.KafkaStorageError) {
			t.Errorf("answered %v", err)
		}
		c.nodes[1].disk.SetHook(nil)
	})
}

// What the log loses while it is copied, the copy loses too.
func TestMoveWhileTheLogIsTruncated(t *testing.T) {
	testCluster(t, 2, func(c *cluster) {
		c.withDirs(threeDirs...)
		c.topics(1)
		c.writeTo(1, 0, -1, "common", 3).want(t, nil)
		c.nodes[1].server.setCut(true)
		c.writeTo(1, 0, 1, "lost", 4)
		copied := make(chan struct{})
		held := make(chan struct{})
		c.nodes[1].disk.SetHook(func(op memenv.Op) error {
			if op.Kind == memenv.OpSync && strings.Contains(op.Name, futureSuffix) && strings.HasSuffix(op.Name, ".log") {
				select {
				case <-copied:
				default:
					close(copied)
					<-held
				}
			}
			return nil
		})
		if err := c.nodes[1].move(0, "b"); err != nil {
			t.Fatal(err)
		}
		<-copied // all seven records are in the copy
		c.change(func(img *metadata.Image) {
			updatePartition(img, metadata.UUID{0xff, 0}, func(p *metadata.Partition) { p.Leader, p.ISR, p.LeaderEpoch = 2, []int32{2}, 1 })
		})
		c.nodes[1].server.setCut(false)
		time.Sleep(time.Second)
		c.writeTo(2, 0, -1, "kept", 2).want(t, nil)
		time.Sleep(time.Second)
		close(held)
		time.Sleep(time.Second)
		c.settle()
		c.wantLayout(1, "a: | b: t0 | c:")
		mine, other := c.of(1, 0).Log(), c.of(2, 0).Log()
		if mine.EndOffset() != 5 || other.EndOffset() != 5 || mine.LastEpoch() != other.LastEpoch() {
			t.Errorf("ends %d and %d, epochs %d and %d", mine.EndOffset(), other.EndOffset(), mine.LastEpoch(), other.LastEpoch())
		}
	})
}

// Whenever the node stops, and however much a loss of power leaves, the replica is in one of the two places and nowhere else, with all
// that was acknowledged and nothing of what was deleted; and the move comes to its end.
func TestCrashInAMove(t *testing.T) {
	for _, crash := range []struct {
		name  string
		power bool
		loss  memenv.Loss
	}{
		{name: "killed"},
		{"power, nothing unsynced survives", true, memenv.Loss{}},
		{"power, some survives", true, memenv.Loss{Rand: rand.New(rand.NewPCG(1, 1))}},
		{"power, some survives torn", true, memenv.Loss{Rand: rand.New(rand.NewPCG(2, 1)), Torn: true}},
	} {
		t.Run(crash.name, func(t *testing.T) {
			crashes := 0
			for nth, finished := 1, false; !finished && !t.Failed(); nth += 1 + nth/20 {
				testCluster(t, 1, func(c *cluster) { finished = c.crashInAMove(nth, crash.power, crash.loss) })
				crashes++
			}
			if crashes < 25 {
				t.Errorf("only %d crashes", crashes)
			}
		})
	}
}

// crashInAMove stops the node before the nth operation of the disk in a move. finished is true when the move takes fewer.
func (c *cluster) crashInAMove(nth int, power bool, loss memenv.Loss) (finished bool) {
	t := c.t
	c.settings.Log.FlushMessages, c.settings.Log.SegmentBytes = 1, 1_000
	c.deletable()
	c.withDirs(threeDirs...)
	c.topics(1)
	for i := range 10 {
		c.writeTo(1, 0, -1, fmt.Sprint("value ", i), 5).want(t, nil)
	}
	deleted := make(chan DeleteResult, 1)
	c.of(1, 0).DeleteRecords(12, func(r DeleteResult) { deleted <- r })
	if r := <-deleted; r.Err != nil {
		t.Fatal(r.Err)
	}
	want := c.held()
	n, left := c.nodes[1], nth
	finished = true
	n.disk.SetHook(func(memenv.Op) error {
		if left--; left <= 0 {
			finished = false
			return memenv.ErrDead
		}
		return nil
	})
	if err := n.move(0, "b"); err != nil {
		t.Fatal(err)
	}
	c.settle()
	n.disk.SetHook(nil)
	n.crashLosing(power, loss)
	n.start()
	c.settle()
	time.Sleep(10 * time.Second)
	c.settle()
	if got := c.held(); got != want {
		t.Errorf("crash at operation %d: holds\n%s\nwant\n%s", nth, got, want)
	}
	layout := c.layout(1)
	if layout != "a: | b: t0 | c:" && layout != "a: t0 | b: | c:" {
		t.Errorf("crash at operation %d: %s", nth, layout)
	}
	var found []string
	for _, dir := range []string{"a", "b", "c"} {
		names, _ := n.disk.List(dir)
		for _, name := range names {
			if strings.HasPrefix(name, "t0-0") {
				found = append(found, dir+"/"+name)
			}
		}
	}
	if len(found) != 1 || !strings.HasSuffix(found[0], "/t0-0") || !strings.Contains(layout, found[0][:1]+": t0") {
		t.Errorf("crash at operation %d: %v is there, of %s", nth, found, layout)
	}
	return finished
}

// held is what node 1 has of the first topic: where it starts and ends, and its bytes.
func (c *cluster) held() string {
	c.t.Helper()
	log := c.of(1, 0).Log()
	if log == nil {
		return "no log"
	}
	slice, err := log.Read(log.StartOffset(), commitlog.ReadLimits{MaxBytes: 1 << 20, EndOffset: log.EndOffset()})
	if err != nil {
		c.t.Fatal(err)
	}
	defer slice.Release()
	content := make([]byte, slice.Len())
	if err := slice.ReadInto(content); err != nil {
		c.t.Fatal(err)
	}
	return fmt.Sprintf("%d to %d: %x", log.StartOffset(), log.EndOffset(), content)
}
