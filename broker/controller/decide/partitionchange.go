package decide

import (
	"slices"

	"odradek/broker/env/sometimes"
	"odradek/broker/metadata"
)

// election says how a leader is looked for.
type election int8

const (
	// electAny keeps the leader when it can go on; otherwise the first replica of the ISR that may lead, then of the ELR, then
	// the last known leader.
	electAny election = iota
	// electPreferred takes the first replica when it may lead, and otherwise does as electAny.
	electPreferred
	// electUnclean does as electAny, and when that finds none takes any replica that may lead: records can be lost.
	electUnclean
)

// partitionChange computes a partition's next state. Everything that changes a partition goes through it, so that its
// invariants have one guardian.
//
// The algorithm is Kafka's PartitionChangeBuilder with eligible leader replicas on (KIP-966):
//
//  1. The ISR becomes targetISR. When it then is smaller than min.insync.replicas, who left it, and who was in the ELR before,
//     is in the ELR, unless its log may have lost records: below that size the high watermark does not move, so they keep
//     having everything below it. When the ISR reaches the size, the ELR is empty.
//  2. A leader is elected. A member of the ELR that is elected becomes the whole ISR. When ISR and ELR are empty the last known
//     leader is elected as soon as it may lead: it has as much as anyone. That and an unclean election empty the ELR.
//  3. When the ISR becomes empty, who led is remembered as the last known leader, until somebody leads.
//  4. When all that a reassignment adds are in the ISR, and enough stay there when those are gone that it removes, it is done:
//     they are gone. A node that is no replica any more is in no set either.
//
// Differences from Kafka: a member of the ISR goes before one of the ELR even where the order of replicas says otherwise, since
// an ISR that shrinks to one member for the sake of preference is less safe. A last known leader whose disk was lost is
// forgotten: electing it would throw the partition's records away while another replica may still hold some; an operator can,
// by an unclean election. A reassignment is not done while that would leave fewer than min.insync.replicas that have everything: Kafka is
// content with one, and has then thrown away the other copies of what min.insync.replicas had acknowledged. (The ELR counts: its
// members have everything too.) The leader epoch also grows when the controller shrinks an ISR or takes replicas away, so that a
// leader whose request crosses the change learns of it by epoch.
type partitionChange struct {
	old *metadata.Partition
	// minISR is the topic's min.insync.replicas.
	minISR int
	// noELR is set where the cluster has no eligible leader replicas.
	noELR bool
	// acceptable says who may lead.
	acceptable func(node int32) bool
	election   election
	// targetISR is the wanted ISR, in any order: a subset of the replicas, of the new ones if they change.
	targetISR []int32
	// replicas, adding and removing are the wanted assignment.
	replicas, adding, removing []int32
	// lostData lists nodes that may miss records they had: they leave the ELR.
	lostData []int32
	// lostDisk lists nodes that have nothing any more: they are not the last known leader either.
	lostDisk []int32
	// byLeader is set when the leader asked for the change (AlterPartition): it knows of it, the leader epoch stays.
	byLeader bool

	isr, elr []int32 // in the making
}

// build returns the next state, and whether it is another one at all.
func (c *partitionChange) build() (metadata.Partition, bool) {
	c.isr = slices.Clone(c.targetISR)
	c.elr = c.eligible()
	c.finishReassignment()
	next := *c.old
	if slices.Contains(c.lostDisk, next.LastKnownLeader) || !slices.Contains(c.replicas, next.LastKnownLeader) {
		next.LastKnownLeader = metadata.NoLeader
	}

	leader, unclean := c.elect(next.LastKnownLeader)
	switch {
	case unclean:
		c.isr, c.elr = []int32{leader}, nil
	case leader != metadata.NoLeader && !slices.Contains(c.isr, leader):
		sometimes.Reached(sometimes.ELRElection)
		c.elr = slices.DeleteFunc(append(c.elr, c.isr...), func(n int32) bool { return n == leader })
		c.isr = []int32{leader}
		c.elr = c.unlessFull(c.elr)
	}

	c.finishReassignment() // who is the whole ISR now may be all that it waited for; the leader stays

	next.Replicas, next.Adding, next.Removing = c.replicas, c.adding, c.removing
	shrunk := lacks(c.isr, c.old.ISR)
	next.ISR = c.inOrder(c.isr)
	next.ELR = c.inOrder(c.elr)
	next.Leader = leader
	switch {
	case leader != metadata.NoLeader:
		next.LastKnownLeader = metadata.NoLeader
	case len(next.ISR) == 0 && slices.Contains(c.replicas, c.old.Leader) && !slices.Contains(c.lostDisk, c.old.Leader):
		next.LastKnownLeader = c.old.Leader
	}
	if next.Equal(c.old) {
		return next, false
	}
	if leader != c.old.Leader || shrunk && !c.byLeader || lacks(c.replicas, c.old.Replicas) {
		next.LeaderEpoch++
	}
	next.PartitionEpoch++
	return next, true
}

// finishReassignment takes the replicas away that are to go, once all that are to come are in the ISR and it can do without the
// former.
func (c *partitionChange) finishReassignment() {
	if len(c.adding)+len(c.removing) == 0 || lacks(c.isr, c.adding) || !c.dispensable(c.removing) {
		return
	}
	c.isr = without(c.isr, c.removing)
	c.replicas = without(c.replicas, c.removing)
	c.elr = c.unlessFull(without(c.elr, c.removing))
	c.adding, c.removing = nil, nil
}

// dispensable says whether replicas can be taken away: somebody else is in the ISR, and either none of them has all that is
// committed, or enough others have.
func (c *partitionChange) dispensable(nodes []int32) bool {
	complete := slices.Concat(c.isr, c.elr)
	stay := len(without(complete, nodes))
	return len(without(c.isr, nodes)) > 0 && (stay == len(complete) || stay >= min(c.minISR, len(without(c.replicas, nodes))))
}

// lacks says that some of nodes are not in list.
func lacks(list, nodes []int32) bool {
	return slices.ContainsFunc(nodes, func(n int32) bool { return !slices.Contains(list, n) })
}

// without returns list less some nodes, in a new slice.
func without(list, nodes []int32) []int32 {
	return slices.DeleteFunc(slices.Clone(list), func(n int32) bool { return slices.Contains(nodes, n) })
}

// eligible is the ELR before the election.
func (c *partitionChange) eligible() []int32 {
	var elr []int32
	for _, node := range slices.Concat(c.old.ELR, c.old.ISR) {
		if slices.Contains(c.replicas, node) && !slices.Contains(c.isr, node) && !slices.Contains(c.lostData, node) && !slices.Contains(elr, node) {
			elr = append(elr, node)
		}
	}
	return c.unlessFull(elr)
}

// unlessFull returns elr, or nothing when the ISR is as large as it must be for the high watermark to move.
func (c *partitionChange) unlessFull(elr []int32) []int32 {
	if c.noELR || len(c.isr) >= min(c.minISR, len(c.replicas)) {
		return nil
	}
	return elr
}

// elect finds the leader among those that have everything, or says that it had to do without.
func (c *partitionChange) elect(lastKnown int32) (leader int32, unclean bool) {
	preferred := c.replicas[0]
	if c.election == electPreferred && slices.Contains(c.isr, preferred) && c.acceptable(preferred) {
		return preferred, false
	}
	if slices.Contains(c.isr, c.old.Leader) && c.acceptable(c.old.Leader) {
		return c.old.Leader, false
	}
	for _, among := range [][]int32{c.isr, c.elr} {
		for _, node := range c.replicas {
			if slices.Contains(among, node) && c.acceptable(node) {
				return node, false
			}
		}
	}
	if len(c.isr) == 0 && len(c.elr) == 0 && lastKnown != metadata.NoLeader && c.acceptable(lastKnown) {
		sometimes.Reached(sometimes.LastLeaderElection)
		return lastKnown, true
	}
	if c.election == electUnclean {
		for _, node := range c.replicas {
			if c.acceptable(node) {
				return node, true
			}
		}
	}
	return metadata.NoLeader, false
}

// inOrder sorts nodes as the replicas are, which gives one form to equal sets. The result is never shared.
func (c *partitionChange) inOrder(nodes []int32) []int32 {
	var ordered []int32
	for _, node := range c.replicas {
		if slices.Contains(nodes, node) {
			ordered = append(ordered, node)
		}
	}
	return ordered
}

// change is a partitionChange of a partition of a topic with what the image and the topic's configs say; the caller adds what
// it wants changed.
func (p *Plan) change(topic *metadata.Topic, partition *metadata.Partition) *partitionChange {
	settings := p.topicConfig(topic.Name)
	c := &partitionChange{
		old:        partition,
		minISR:     int(settings.MinInsyncReplicas),
		noELR:      p.Image().FeatureLevel(metadata.EligibleLeaderReplicas) == 0,
		acceptable: p.Image().Active,
		election:   electAny,
		targetISR:  partition.ISR,
		replicas:   partition.Replicas,
		adding:     partition.Adding,
		removing:   partition.Removing,
	}
	if settings.UncleanLeaderElection {
		c.election = electUnclean
	}
	return c
}

// commit adds the change to the batch when it is one, and returns the partition as it then is.
func (p *Plan) commit(topic *metadata.Topic, index int32, c *partitionChange) (*metadata.Partition, bool) {
	next, changed := c.build()
	if !changed {
		return c.old, false
	}
	p.add(&metadata.PartitionRecord{TopicID: topic.ID, Index: index, Partition: next})
	return &next, true
}
