package group

import (
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"odradek/broker/coord"
	"odradek/broker/env/sometimes"
)

// rebalance starts a join phase, or ends the one under way if nobody is missing any more.
func (m *Machine) rebalance(g *group, e *coord.Effects, now time.Time) {
	if g.state != PreparingRebalance {
		m.prepareRebalance(g, e, now)
		return
	}
	m.maybeCompleteJoin(g, e, now)
}

// prepareRebalance starts a join phase. That of a group that was empty is held open for a while, so that members that start
// together need one rebalance and not one each; any other ends when all members have joined again.
func (m *Machine) prepareRebalance(g *group, e *coord.Effects, now time.Time) {
	if g.state == CompletingRebalance {
		m.resetAssignments(g, e, kerr.RebalanceInProgress, now)
	}
	g.syncEnds = time.Time{}
	g.initial = g.state == Empty
	g.enter(PreparingRebalance, now)
	if g.initial {
		g.memberCame = false
		g.initialLeft = max(g.rebalanceTimeout()-m.cfg.InitialRebalanceDelay, 0)
		g.joinEnds = now.Add(m.cfg.InitialRebalanceDelay)
		if m.cfg.InitialRebalanceDelay <= 0 {
			m.completeJoin(g, e, now)
		}
		return
	}
	g.joinEnds = now.Add(g.rebalanceTimeout())
	m.maybeCompleteJoin(g, e, now)
}

// maybeCompleteJoin ends the join phase if nobody is missing; a first one lasts its time.
func (m *Machine) maybeCompleteJoin(g *group, e *coord.Effects, now time.Time) {
	if g.state == PreparingRebalance && !g.initial && g.allJoined() {
		m.completeJoin(g, e, now)
	}
}

// joinTimeUp is called at joinEnds.
func (m *Machine) joinTimeUp(g *group, e *coord.Effects, now time.Time) {
	if g.initial && g.memberCame && g.initialLeft > 0 {
		g.memberCame = false
		delay := min(m.cfg.InitialRebalanceDelay, g.initialLeft)
		g.initialLeft -= delay
		g.joinEnds = now.Add(delay)
		return
	}
	m.completeJoin(g, e, now)
}

// completeJoin ends the join phase: dynamic members that did not come are gone, and the others learn of their generation.
func (m *Machine) completeJoin(g *group, e *coord.Effects, now time.Time) {
	for _, each := range append([]*member(nil), g.members...) {
		if each.joining == nil && each.instance == nil {
			m.dismiss(g, each, e)
		}
	}
	if len(g.members) > 0 && !g.electJoined() {
		// Only static members are left, and none of them is here: they have until their sessions end.
		g.initial = false
		g.joinEnds = now.Add(g.rebalanceTimeout())
		return
	}
	g.joinEnds, g.initial = time.Time{}, false
	g.generation++
	clear(g.unsynced)
	if len(g.members) == 0 {
		g.protocol, g.subscribed, g.leader = nil, nil, ""
		g.enter(Empty, now)
		g.persisted = true
		e.Records, e.Applied = append(e.Records, g.record()), true
		return
	}
	chosen := g.choose()
	g.protocol = &chosen
	g.readSubscriptions()
	g.enter(CompletingRebalance, now)
	for _, each := range g.members {
		if each.joining != nil {
			e.Prompt = append(e.Prompt, coord.Reply{To: each.joining, Response: g.joined(each, true)})
		}
		each.joining, each.isNew = nil, false
		each.expires = now.Add(each.sessionTimeout)
		g.unsynced[each.id] = true
	}
	g.syncEnds = now.Add(g.rebalanceTimeout())
}

// electJoined sees to it that a member leads that has joined. False: there is none.
func (g *group) electJoined() bool {
	if leader := g.member(g.leader); leader != nil && leader.joining != nil {
		return true
	}
	for _, each := range g.members {
		if each.joining != nil {
			g.leader = each.id
			return true
		}
	}
	return false
}

// resetAssignments takes all assignments back and answers those who wait for theirs.
func (m *Machine) resetAssignments(g *group, e *coord.Effects, err *kerr.Error, now time.Time) {
	for _, each := range g.members {
		each.assignment = nil
		if each.syncing != nil {
			e.Prompt = append(e.Prompt, coord.Reply{To: each.syncing, Response: refusedSync(err)})
			each.syncing = nil
			each.expires = now.Add(each.sessionTimeout)
		}
	}
}

// dismiss takes a member out and answers what waits of it.
func (m *Machine) dismiss(g *group, each *member, e *coord.Effects) {
	if each.joining != nil {
		e.Prompt = append(e.Prompt, coord.Reply{To: each.joining, Response: refusedJoin("", kerr.UnknownMemberID)})
	}
	if each.syncing != nil {
		e.Prompt = append(e.Prompt, coord.Reply{To: each.syncing, Response: refusedSync(kerr.UnknownMemberID)})
	}
	each.joining, each.syncing = nil, nil
	g.remove(each)
}

// missed follows up on members that are gone.
func (m *Machine) missed(g *group, e *coord.Effects, now time.Time) {
	switch g.state {
	case CompletingRebalance, Stable:
		m.prepareRebalance(g, e, now)
	case PreparingRebalance:
		m.maybeCompleteJoin(g, e, now)
	}
}

// tick does what is due in a group.
func (m *Machine) tick(g *group, now time.Time) coord.Effects {
	if g.share != nil {
		return m.tickShare(g, now)
	}
	if g.consumer != nil {
		return m.tickConsumer(g, now)
	}
	var e coord.Effects
	due := func(t time.Time) bool { return !t.IsZero() && !t.After(now) }
	gone := false
	for id, lapses := range g.promised {
		if due(lapses) {
			delete(g.promised, id)
			gone = true
		}
	}
	for _, each := range append([]*member(nil), g.members...) {
		switch {
		case !due(each.expires):
		case !each.isNew && (each.joining != nil || each.syncing != nil):
			each.expires = time.Time{} // it is here, and waits for the others
		default:
			m.dismiss(g, each, &e)
			gone = true
		}
	}
	if due(g.syncEnds) {
		gone = m.dropUnsynced(g, &e) || gone
	}
	if gone {
		sometimes.Reached(sometimes.MemberTimedOut)
		m.missed(g, &e, now)
	}
	if due(g.joinEnds) {
		m.joinTimeUp(g, &e, now)
	}
	return e
}

// dropUnsynced takes out the members that never asked for their assignment.
func (m *Machine) dropUnsynced(g *group, e *coord.Effects) (dropped bool) {
	g.syncEnds = time.Time{}
	for _, each := range append([]*member(nil), g.members...) {
		if g.unsynced[each.id] {
			m.dismiss(g, each, e)
			dropped = true
		}
	}
	return dropped
}
