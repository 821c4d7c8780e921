package replica

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"odradek/broker/env/memenv"
	"odradek/broker/metadata"
)

// fence is what the controller does when a node is gone: it leaves the ISR unless it is the last member, and leads nothing.
func (c *cluster) fence(id int32) {
	c.change(func(img *metadata.Image) {
		b := *img.Brokers[id]
		b.Fenced = true
		img.Brokers = copyMap(img.Brokers)
		img.Brokers[id] = &b
		updatePartition(img, topicID, func(p *metadata.Partition) {
			if len(p.ISR) > 1 {
				p.ISR = without(p.ISR, []int32{id})
			}
			if p.Leader == id {
				p.Leader, p.LeaderEpoch = metadata.NoLeader, p.LeaderEpoch+1
				chooseLeader(img, p)
			}
		})
	})
}

// chooseLeader elects a living member of the ISR, if there is none that leads.
func chooseLeader(img *metadata.Image, p *metadata.Partition) {
	for _, id := range p.ISR {
		if p.Leader == metadata.NoLeader && img.Alive(id) {
			p.Leader, p.LeaderEpoch = id, p.LeaderEpoch+1
		}
	}
}

// revive starts a node that was down, and elects it when nobody else could lead: also when it led last, and its former process ended
// before it could say that the replica is whole again.
func (c *cluster) revive(id int32) {
	c.nodes[id].deaf.Store(false)
	c.nodes[id].start()
	c.update(func(p *metadata.Partition) {
		if p.Leader != metadata.NoLeader {
			return
		}
		if len(p.ISR) == 0 && p.LastKnownLeader == id {
			p.ISR, p.LastKnownLeader = []int32{id}, metadata.NoLeader
		}
		chooseLeader(c.image, p)
	})
}

// chaos does random things to a cluster, then heals it and checks that nothing acknowledged is lost and that all logs are
// equal.
type chaos struct {
	*cluster
	rand    *rand.Rand
	power   bool // crashes lose what was not synced
	unclean bool // anybody may be elected, so that acknowledged records may be lost
	broken  bool // disks fail, once at a time
	sent    int
	ackedMu sync.Mutex
	acked   map[int64]string
	cut     map[int32]bool
}

func (x *chaos) node() int32 { return 1 + x.rand.Int32N(int32(len(x.nodes))) }

func (x *chaos) up(id int32) bool { return x.nodes[id].manager != nil }

func (x *chaos) step() {
	id := x.node()
	if x.broken && x.rand.IntN(12) == 0 && x.up(id) {
		x.nodes[id].failOnce([]memenv.Kind{memenv.OpSync, memenv.OpSync, memenv.OpWrite, memenv.OpRead}[x.rand.IntN(4)])
		return
	}
	switch n := x.rand.IntN(20); {
	case n < 10:
		x.write(id)
	case n < 12:
		time.Sleep(time.Duration(x.rand.IntN(50)) * time.Millisecond)
	case n < 13:
		time.Sleep(time.Duration(x.rand.IntN(40)) * time.Second)
	case n < 15:
		if x.up(id) {
			x.cut[id] = !x.cut[id]
			x.nodes[id].server.setCut(x.cut[id])
		}
	case n < 17:
		if x.up(id) && x.nodes[id].deaf.Load() {
			x.listen(id)
		} else if x.up(id) {
			x.nodes[id].deaf.Store(true)
		}
	case n < 18:
		x.election()
	case x.up(id):
		x.nodes[id].crash(x.power)
		x.fence(id)
	default:
		x.cut[id] = false
		x.revive(id)
	}
}

// write appends at a node that may or may not be the leader, and remembers what is acknowledged by all in-sync replicas.
func (x *chaos) write(id int32) {
	if !x.up(id) {
		return
	}
	p, err := x.nodes[id].manager.Partition(topicID, 0)
	if err != nil {
		return
	}
	for range 1 + x.rand.IntN(3) {
		x.sent++
		value := fmt.Sprintf("v%d", x.sent)
		acks := int16(-x.rand.IntN(2))*2 + 1
		p.Append(batch(value, 1), acks, func(r AppendResult) {
			if r.Err == nil && acks == -1 {
				x.ackedMu.Lock()
				defer x.ackedMu.Unlock()
				x.acked[r.FirstOffset] = value + "-0"
			}
		})
	}
	if x.rand.IntN(2) == 0 {
		time.Sleep(time.Duration(x.rand.IntN(3)) * time.Millisecond)
	}
}

// election moves the leadership, within the ISR or, where that is allowed, to anybody.
func (x *chaos) election() {
	to := x.node()
	x.update(func(p *metadata.Partition) {
		if !x.image.Alive(to) || !x.unclean && !slices.Contains(p.ISR, to) {
			return
		}
		if !slices.Contains(p.ISR, to) {
			p.ISR = []int32{to}
		}
		p.Leader, p.LeaderEpoch = to, p.LeaderEpoch+1
	})
}

func (x *chaos) heal() {
	for id := int32(1); id <= int32(len(x.nodes)); id++ {
		x.nodes[id].disk.SetHook(nil)
		if !x.up(id) {
			x.revive(id)
		}
		x.nodes[id].server.setCut(false)
		x.listen(id)
	}
	time.Sleep(2 * time.Minute)
	x.settle()
}

func (x *chaos) check() {
	reg := x.registration()
	if len(reg.ISR) != len(x.nodes) {
		x.t.Fatalf("ISR is %v after healing, leader %d", reg.ISR, reg.Leader)
	}
	x.produce(reg.Leader, -1, "last", 1).want(x.t, nil)
	x.wantSame(1, 2, 3)
	values := x.values(1)
	for offset, value := range x.acked {
		if !x.unclean && (offset >= int64(len(values)) || values[offset] != value) {
			x.t.Errorf("acknowledged %s at %d is lost", value, offset)
		}
	}
	for _, n := range x.nodes {
		if err := errors.Join(n.failures...); err != nil {
			x.t.Errorf("node %d: %v", n.id, err)
		}
	}
}

func TestChaos(t *testing.T) {
	seeds := 60
	if testing.Short() {
		seeds = 10
	}
	acked := 0
	for _, mode := range []struct {
		name    string
		prepare func(x *chaos)
	}{
		{"clean", func(x *chaos) {}},
		{"min ISR 2", func(x *chaos) { x.settings.MinInsyncReplicas = 2 }},
		{"unclean", func(x *chaos) { x.unclean = true }},
		{"durable", func(x *chaos) { x.power, x.settings.Log.FlushMessages = true, 1 }},
		{"broken", func(x *chaos) { x.broken = true }},
		{"broken, durable", func(x *chaos) { x.broken, x.power, x.settings.Log.FlushMessages = true, true, 1 }},
	} {
		t.Run(mode.name, func(t *testing.T) {
			for seed := range seeds {
				t.Run(fmt.Sprint(seed), func(t *testing.T) {
					testCluster(t, 3, func(c *cluster) {
						x := &chaos{cluster: c, rand: rand.New(rand.NewPCG(uint64(seed), 1)), acked: map[int64]string{}, cut: map[int32]bool{}}
						mode.prepare(x)
						x.create(topicID, 1, 2, 3)
						for range 80 {
							x.step()
						}
						x.heal()
						x.check()
						acked += len(x.acked)
					})
				})
			}
		})
	}
	if acked < 10*seeds {
		t.Errorf("only %d records were acknowledged: nothing was tried", acked)
	}
}
