package replica

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"odradek/broker/env"
	"odradek/broker/env/memenv"
	"odradek/broker/metadata"
)

var errIO = errors.New("EIO")

// failOnce has a node's disk fail the next operation of a kind on a file of records, and tells whether it has.
func (n *node) failOnce(kind memenv.Kind) (failed *bool) {
	failed = new(bool)
	n.disk.SetHook(func(op memenv.Op) error {
		if op.Kind == kind && !*failed && len(op.Name) > 4 && op.Name[len(op.Name)-4:] == ".log" {
			*failed = true
			return errIO
		}
		return nil
	})
	return failed
}

// A leader whose fsync fails gives way, and comes back as a follower with what it had for certain, and the rest from the others.
func TestLeaderResignsAfterAFailedSync(t *testing.T) {
	testCluster(t, 3, func(c *cluster) {
		c.settings.Log.FlushMessages = 1
		c.create(topicID, 1, 2, 3)
		c.produce(1, -1, "a", 2).want(t, nil)
		failed := c.nodes[1].failOnce(memenv.OpSync)
		b := c.produce(1, -1, "b", 1)
		b.want(t, kerr.KafkaStorageError)
		c.settle()
		if !*failed {
			t.Fatal("no fsync failed")
		}
		reg := c.registration()
		if reg.Leader != 2 || slices.Contains(reg.ISR, 1) && reg.LeaderEpoch == 0 {
			t.Fatalf("%+v", reg)
		}
		c.produce(2, -1, "c", 2).want(t, nil)
		time.Sleep(5 * time.Second)
		c.settle()
		if reg := c.registration(); len(reg.ISR) != 3 {
			t.Fatalf("ISR is %v", reg.ISR)
		}
		c.wantSame(2, 1, 3)
		if len(c.nodes[1].failures) > 0 {
			t.Errorf("the node is to end over one failure: %v", c.nodes[1].failures)
		}
	})
}

// A follower whose fsync fails leaves the ISR at once, not after the time of a lag.
func TestFollowerLeavesTheISRAfterAFailedSync(t *testing.T) {
	testCluster(t, 3, func(c *cluster) {
		c.settings.Log.FlushMessages = 1
		c.create(topicID, 1, 2, 3)
		c.nodes[3].failOnce(memenv.OpSync)
		shrunk := false
		c.produce(1, -1, "a", 1) // answered, or to be tried again in the new epoch
		c.settle()
		c.nodes[3].disk.SetHook(nil)
		for range 20 {
			shrunk = shrunk || c.registration().LeaderEpoch > 0
			time.Sleep(time.Second)
		}
		reg := c.registration()
		if !shrunk || reg.Leader != 1 || len(reg.ISR) != 3 {
			t.Fatalf("%+v", reg)
		}
		c.wantSame(1, 2, 3)
	})
}

// What is lost with the leader must not be there again when it is: it ends where its certain part does before it fetches.
func TestLostReplicaIsCutBeforeItFollows(t *testing.T) {
	testCluster(t, 2, func(c *cluster) {
		c.create(topicID, 1, 2)
		c.produce(1, -1, "a", 3).want(t, nil)
		if err := c.partition(1).Log().Sync(3); err != nil {
			t.Fatal(err)
		}
		c.produce(1, -1, "b", 2).want(t, nil)
		c.nodes[1].server.setCut(true)
		c.nodes[2].server.setCut(true) // so that 1 can't fetch what it has cut
		c.nodes[1].failOnce(memenv.OpSync)
		err := c.partition(1).Log().Sync(5)
		c.partition(1).mu.Lock()
		c.partition(1).synced(c.partition(1).log, err)
		c.partition(1).unlock()
		c.settle()
		if got := c.partition(1).Log(); got == nil || got.EndOffset() != 3 {
			t.Fatalf("log is %v", got)
		}
		c.nodes[2].server.setCut(false)
		time.Sleep(2 * time.Second)
		c.wantSame(2, 1)
		if got := len(c.values(1)); got != 5 {
			t.Errorf("%d records", got)
		}
	})
}

// The only replica in sync keeps all that can be read, and leads on in a new epoch.
func TestLoneReplicaKeepsWhatItCanRead(t *testing.T) {
	testCluster(t, 1, func(c *cluster) {
		c.create(topicID, 1)
		c.produce(1, -1, "a", 4).want(t, nil)
		c.settings.Log.FlushMessages = 1
		c.change(func(img *metadata.Image) {
			img.Configs = map[metadata.ConfigResource]map[string]string{{Type: metadata.ResourceTopic, Name: "t"}: {"flush.messages": "1"}}
		})
		c.nodes[1].failOnce(memenv.OpSync)
		c.produce(1, -1, "b", 1).want(t, kerr.KafkaStorageError)
		c.settle()
		reg := c.registration()
		if reg.Leader != 1 || reg.LeaderEpoch != 2 {
			t.Fatalf("%+v", reg)
		}
		// It was not acknowledged, and may be there.
		if got := c.values(1); len(got) != 5 {
			t.Errorf("%v", got)
		}
		c.produce(1, -1, "c", 1).want(t, nil)
		c.nodes[1].crash(true)
		c.nodes[1].start()
		c.settle()
		if got := c.values(1); len(got) != 6 {
			t.Errorf("after a loss of power: %v", got)
		}
	})
}

// Until the controller knows, nothing is opened and nothing cut: the replica still counts as in sync.
func TestLostReplicaWaitsForTheController(t *testing.T) {
	testCluster(t, 2, func(c *cluster) {
		c.settings.Log.FlushMessages = 1
		c.create(topicID, 1, 2)
		c.produce(1, -1, "a", 2).want(t, nil)
		c.unreachable.Store(true)
		c.nodes[1].failOnce(memenv.OpSync)
		c.produce(1, -1, "b", 1).want(t, kerr.KafkaStorageError)
		time.Sleep(time.Minute)
		synctest.Wait()
		if log := c.partition(1).Log(); log != nil {
			t.Fatalf("the log is open, up to %d", log.EndOffset())
		}
		c.produce(1, -1, "c", 1).want(t, kerr.KafkaStorageError)
		// The process ends without having told. The next one does, before it opens the log.
		c.nodes[1].crash(false)
		c.nodes[1].start()
		time.Sleep(time.Second)
		if log := c.partition(1).Log(); log != nil {
			t.Fatalf("the log is open after a restart, up to %d", log.EndOffset())
		}
		c.unreachable.Store(false)
		time.Sleep(10 * time.Second)
		c.settle()
		if reg := c.registration(); reg.Leader != 2 || len(reg.ISR) != 2 {
			t.Fatalf("%+v", reg)
		}
		c.wantSame(2, 1)
	})
}

// A leader that can't read or write gives way while another is in sync; the last one stays.
func TestLeaderResignsOverReadAndWriteErrors(t *testing.T) {
	for _, kind := range []memenv.Kind{memenv.OpRead, memenv.OpWrite} {
		for _, replicas := range []int32{2, 1} {
			t.Run(fmt.Sprint(kind, replicas), func(t *testing.T) {
				testCluster(t, int(replicas), func(c *cluster) {
					c.create(topicID, []int32{1, 2}[:replicas]...)
					c.produce(1, -1, "a", 2).want(t, nil)
					c.produce(1, -1, "b", 2).want(t, nil)
					c.nodes[1].failOnce(kind)
					if kind == memenv.OpWrite {
						c.produce(1, -1, "c", 2).want(t, kerr.KafkaStorageError)
					} else {
						_, err := c.partition(1).ListOffset(-1, HighWatermark, 1)
						if !errors.Is(err, kerr.KafkaStorageError) {
							t.Fatalf("read answered %v", err)
						}
					}
					c.nodes[1].disk.SetHook(nil)
					time.Sleep(5 * time.Second)
					c.settle()
					if reg := c.registration(); reg.Leader != replicas || len(reg.ISR) != int(replicas) {
						t.Fatalf("%+v", reg)
					}
					c.produce(replicas, -1, "d", 1).want(t, nil)
				})
			})
		}
	}
}

// When the disk takes nothing any more, the node is to end.
func TestDeadDiskEndsTheNode(t *testing.T) {
	for _, err := range []error{errIO, env.ErrNoSpace} {
		testCluster(t, 1, func(c *cluster) {
			c.settings.Log.FlushMessages = 1
			c.create(topicID, 1)
			c.nodes[1].disk.SetHook(func(op memenv.Op) error {
				if op.Kind == memenv.OpSync {
					return err
				}
				return nil
			})
			c.produce(1, -1, "a", 1).want(t, kerr.KafkaStorageError)
			c.settle()
			c.nodes[1].disk.SetHook(nil)
			if got := len(c.nodes[1].failures); (got > 0) != (err == errIO) {
				t.Errorf("%v: %d failures reported", err, got)
			}
		})
	}
}
