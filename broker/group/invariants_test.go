package group

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
	"pgregory.net/rapid"
)

// partitions are what the members of a drawn group share.
const partitions = 4

// actor is a client of a drawn group: it does what the protocol says, in no particular order, and also what it should not.
type actor struct {
	name       string
	instance   *string
	id         string
	generation int32
	waiting    bool // for a join or a sync
	leads      []string
}

// drawn is a world whose members are drawn, with what was promised to them.
type drawn struct {
	*world
	t      *rapid.T
	actors map[string]*actor
	// owners are the partitions' owners as told in each generation.
	owners map[string]string
	// newest is the newest generation told to anybody since the last failover: one that was not written may be told anew.
	newest int32
	// committed is the last offset that was acknowledged for each partition, expected what a commit in flight asks for.
	committed [partitions]int64
}

func (d *drawn) answer(who string, response any) {
	a := d.actors[who]
	switch r := response.(type) {
	case *kerr.Error:
		a.waiting = false
	case *kmsg.JoinGroupResponse:
		a.waiting = false
		a.joined(d, r)
	case *kmsg.SyncGroupResponse:
		a.waiting = false
		if r.ErrorCode == 0 {
			d.own(a, string(r.MemberAssignment))
		}
	}
}

// joined takes the answer to a join in.
func (a *actor) joined(d *drawn, r *kmsg.JoinGroupResponse) {
	switch err := kerr.ErrorForCode(r.ErrorCode); err {
	case nil:
		if r.Generation < d.newest {
			d.t.Fatalf("%s was told generation %d after %d", a.name, r.Generation, d.newest)
		}
		d.newest = r.Generation
		a.id, a.generation, a.leads = r.MemberID, r.Generation, nil
		seen := map[string]bool{}
		for _, m := range r.Members {
			if seen[m.MemberID] {
				d.t.Fatalf("member %s is there twice", m.MemberID)
			}
			seen[m.MemberID] = true
			a.leads = append(a.leads, m.MemberID)
		}
	case kerr.MemberIDRequired:
		a.id = r.MemberID
	case kerr.UnknownMemberID, kerr.FencedInstanceID:
		a.id = ""
	}
}

// own notes what a member was given. An assignment names the generation and the member that it was made for.
func (d *drawn) own(a *actor, assignment string) {
	for part := range strings.FieldsSeq(assignment) {
		generation, _, _ := strings.Cut(part, "/")
		if generation != fmt.Sprint(a.generation) {
			d.t.Fatalf("%s is in generation %d and was given %s", a.name, a.generation, part)
		}
		owner := a.id
		if a.instance != nil {
			owner = *a.instance // its processes take turns under new ids
		}
		if before, taken := d.owners[part]; taken && before != owner {
			d.t.Fatalf("partition %s belongs to %s and to %s", part, before, owner)
		}
		d.owners[part] = owner
	}
}

func (d *drawn) join(a *actor) {
	if a.waiting {
		return
	}
	a.waiting = true
	args := words{"v": fmt.Sprint(rapid.SampledFrom([]int{3, 4, 9}).Draw(d.t, "version")), "id": a.id, "session": "10", "rebalance": "15"}
	if a.instance != nil {
		args["instance"] = *a.instance
	}
	if rapid.IntRange(0, 4).Draw(d.t, "changed") == 0 {
		args["protocols"] = "range:" + rapid.StringMatching("[a-c]").Draw(d.t, "subscription")
	}
	d.perform(d.machine.Join(caller{d.world, a.name}, Client{ID: a.name}, joinOf(args), d.now))
}

func (d *drawn) sync(a *actor) {
	if a.waiting {
		return
	}
	a.waiting = true
	req := syncOf(words{"id": a.id, "generation": fmt.Sprint(a.generation)})
	req.InstanceID = a.instance
	for i, member := range a.leads {
		one := kmsg.NewSyncGroupRequestGroupAssignment()
		one.MemberID = member
		for p := i; p < partitions; p += len(a.leads) {
			one.MemberAssignment = fmt.Appendf(one.MemberAssignment, "%d/%d ", a.generation, p)
		}
		req.GroupAssignment = append(req.GroupAssignment, one)
	}
	d.perform(d.machine.Sync(caller{d.world, a.name}, req, d.now))
}

func (d *drawn) commit(a *actor) {
	partition := rapid.IntRange(0, partitions-1).Draw(d.t, "partition")
	next := d.committed[partition] + 1
	req := commitOf(words{"id": a.id, "generation": fmt.Sprint(a.generation), "partition": fmt.Sprint(partition), "offset": fmt.Sprint(next)})
	req.InstanceID = a.instance
	accepted := false
	was := d.answered
	d.answered = func(_ string, response any) {
		if r, ok := response.(*kmsg.OffsetCommitResponse); ok {
			accepted = r.Topics[0].Partitions[0].ErrorCode == 0
		}
	}
	d.perform(d.machine.Commit(caller{d.world, a.name}, req, d.now))
	d.answered = was
	if !accepted {
		return
	}
	g := d.machine.groups["g"]
	if g.member(a.id) == nil || g.generation != a.generation {
		d.t.Fatalf("%s, member %q of generation %d, committed to generation %d", a.name, a.id, a.generation, g.generation)
	}
	d.committed[partition] = next
}

func (d *drawn) leave(a *actor) {
	req := kmsg.NewPtrLeaveGroupRequest()
	req.Group = "g"
	one := kmsg.NewLeaveGroupRequestMember()
	one.MemberID, one.InstanceID = a.id, a.instance
	req.Members = append(req.Members, one)
	d.perform(d.machine.Leave(caller{d.world, a.name}, req, d.now))
}

// check holds the machine, and what its log would make of a new one, to what was promised.
func (d *drawn) check(t *rapid.T) {
	want := offsetsOf(d.machine)
	for name, log := range map[string]*Machine{
		"the log":                              loaded(&d.cfg, d.log),
		"the log, compacted":                   loaded(&d.cfg, compacted(d.log, true)),
		"the log, compacted and rid of graves": loaded(&d.cfg, compacted(d.log, false)),
	} {
		if got := offsetsOf(log); got != want {
			t.Fatalf("%s holds %s, the machine %s", name, got, want)
		}
	}
	g := d.machine.groups["g"]
	if g == nil {
		return
	}
	for p, offset := range d.committed {
		if got := g.offsets["t"][int32(p)].offset; got != offset {
			t.Fatalf("partition %d is committed up to %d, acknowledged was %d", p, got, offset)
		}
	}
	checkGroup(t, g)
}

// checkGroup holds a group to the invariants of its fields.
func checkGroup(t *rapid.T, g *group) {
	ids := map[string]bool{}
	for _, m := range g.members {
		if ids[m.id] {
			t.Fatalf("member %s is there twice", m.id)
		}
		ids[m.id] = true
		if m.instance != nil && g.static[*m.instance] != m.id {
			t.Fatalf("instance %s is %s and %s", *m.instance, g.static[*m.instance], m.id)
		}
		if m.joining != nil && g.state != PreparingRebalance || m.syncing != nil && g.state != CompletingRebalance {
			t.Fatalf("%s waits in %s", m.id, g.state)
		}
	}
	switch {
	case g.state == Empty && len(g.members) > 0, (g.state == Stable || g.state == CompletingRebalance) && len(g.members) == 0:
		t.Fatalf("%s with %d members", g.state, len(g.members))
	case len(g.members) > 0 && !ids[g.leader]:
		t.Fatalf("%q leads and is no member", g.leader)
	case g.state == PreparingRebalance && g.joinEnds.IsZero():
		t.Fatal("the join phase never ends")
	case g.state == CompletingRebalance && g.syncEnds.IsZero():
		t.Fatal("nobody waits for the leader's assignment")
	}
	for instance, id := range g.static {
		if !ids[id] {
			t.Fatalf("instance %s is %s, which is no member", instance, id)
		}
	}
	for id := range g.unsynced {
		if !ids[id] {
			t.Fatalf("%s is awaited and no member", id)
		}
	}
	if next := g.next(); !next.IsZero() && (g.wakes.IsZero() || next.Before(g.wakes)) {
		t.Fatalf("something is due at %v, and the timer is set for %v", next, g.wakes)
	}
}

// TestInvariants lets members do anything in any order, with failovers and refused appends: no partition has two owners in a generation,
// generations fence, and what was acknowledged is there, in the machine and in every form of its log.
func TestInvariants(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := &drawn{world: newWorld(), t: t, actors: map[string]*actor{}, owners: map[string]string{}}
		d.answered = d.answer
		d.cfg.OffsetsRetention = 1000 * time.Hour
		d.cfg.InitialRebalanceDelay = time.Duration(rapid.IntRange(0, 3).Draw(t, "delay")) * time.Second
		instance := "i"
		names := []string{"a", "b", "c", "s", "s2"}
		for _, name := range names {
			d.actors[name] = &actor{name: name}
		}
		d.actors["s"].instance, d.actors["s2"].instance = &instance, &instance
		who := func() *actor { return d.actors[rapid.SampledFrom(names).Draw(t, "who")] }
		t.Repeat(map[string]func(*rapid.T){
			"":     d.check,
			"join": func(*rapid.T) { d.join(who()) }, "join too": func(*rapid.T) { d.join(who()) },
			"sync": func(*rapid.T) { d.sync(who()) }, "sync too": func(*rapid.T) { d.sync(who()) },
			"commit": func(*rapid.T) { d.commit(who()) },
			"heartbeat": func(*rapid.T) {
				a := who()
				req := kmsg.NewPtrHeartbeatRequest()
				req.Group, req.MemberID, req.Generation, req.InstanceID = "g", a.id, a.generation, a.instance
				d.perform(d.machine.Heartbeat(caller{d.world, a.name}, req, d.now))
			},
			"leave": func(*rapid.T) { d.leave(who()) },
			"all as they should": func(t *rapid.T) {
				for _, name := range rapid.Permutation(names).Draw(t, "order") {
					d.join(d.actors[name])
					d.join(d.actors[name]) // with the id that it was given
				}
				d.advance(4 * time.Second)
				for _, name := range names {
					d.sync(d.actors[name])
				}
			},
			"wait": func(t *rapid.T) { d.advance(time.Duration(rapid.IntRange(1, 12).Draw(t, "seconds")) * time.Second) },
			"fail over": func(t *rapid.T) {
				d.newest, d.owners = 0, map[string]string{}
				d.reload(compacted(d.log, rapid.Bool().Draw(t, "tombstones")))
			},
			"refuse": func(t *rapid.T) {
				d.refusal = rapid.SampledFrom([]*kerr.Error{nil, nil, kerr.NotEnoughReplicas}).Draw(t, "refusal")
			},
		})
	})
}
