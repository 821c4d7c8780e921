package validate

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"odradek/linearizability/history"
	"odradek/linearizability/verdict"
)

// OffsetsTopic is the topic whose promises are those of committed offsets.
const OffsetsTopic = "__consumer_offsets"

// groups holds what members of consumer groups did against what a coordinator promises.
func (c *checker) groups() {
	c.owners()
	forgets := c.promises.MayForget(OffsetsTopic)
	if !forgets {
		c.staleCommits()
	}
	for _, track := range c.tracks() {
		switch {
		case forgets:
			c.report.Allow(Forgotten)
		default:
			c.commitsRise(track)
			c.lostCommits(track)
		}
		c.undelivered(track)
	}
}

// member is who a process of a group is to its coordinator.
func (c *checker) member(group, process string) string {
	if at := strings.LastIndexByte(process, '.'); at > 0 && slices.Contains(c.promises.Static, group) {
		return process[:at]
	}
	return process
}

// owners finds a partition that one generation gave to two members, where generations are everybody's.
func (c *checker) owners() {
	type hand struct {
		group      string
		generation int32
		partition  history.Partition
	}
	first := map[hand]int{}
	for i := range c.table.Owns {
		o := &c.table.Owns[i]
		if slices.Contains(c.promises.HandedOver, o.Group) {
			continue
		}
		key := hand{o.Group, o.Generation, o.Partition}
		before, ok := first[key]
		if !ok {
			first[key] = i
			continue
		}
		if b := &c.table.Owns[before]; c.member(o.Group, b.Process) != c.member(o.Group, o.Process) {
			c.violate(verdict.TwoOwners, c.log(o.Partition), fmt.Sprintf("generation %d of group %s gave it to %s and to %s",
				o.Generation, o.Group, b.Process, o.Process), b.Event(), o.Event())
		}
	}
}

// staleCommits finds commits that were accepted though their member had been overtaken before: by somebody who was told of a later
// generation, of one of the partitions where they are handed over one by one; or by its own next life.
func (c *checker) staleCommits() {
	for i := range c.table.Commits {
		commit := &c.table.Commits[i]
		if commit.Outcome != history.OK {
			continue
		}
		for k := range c.table.Owns {
			o := &c.table.Owns[k]
			if o.Group != commit.Group || o.Invoked >= commit.Invoked || !c.overtakes(o, commit) {
				continue
			}
			c.violate(verdict.StaleCommit, c.log(o.Partition), fmt.Sprintf("%s committed in generation %d of group %s, after %s had been told of generation %d",
				commit.Process, commit.Generation, commit.Group, o.Process, o.Generation), append([]history.Event{o.Event()}, commit.Events(o.Partition)...)...)
			break
		}
	}
}

// overtakes says whether a commit that began after a member was given a partition has to be refused for it.
func (c *checker) overtakes(o *history.OwnOp, commit *history.CommitOp) bool {
	same := commit.Offset(o.Partition) >= 0
	switch {
	case o.Generation > commit.Generation:
		return same || !slices.Contains(c.promises.HandedOver, o.Group)
	case o.Generation < commit.Generation || !same || o.Process == commit.Process:
		return false
	}
	// In one generation the next life of a static member has what the one before had, which may not commit any more.
	last := int64(-1)
	for i := range c.table.Owns {
		if other := &c.table.Owns[i]; other.Group == o.Group && other.Process == commit.Process && other.Partition == o.Partition && other.Invoked < commit.Invoked {
			last = max(last, other.Invoked)
		}
	}
	return c.member(o.Group, o.Process) == c.member(o.Group, commit.Process) && last >= 0 && last < o.Invoked
}

// track is what one group committed of one partition.
type track struct {
	group     string
	partition history.Partition
	commits   []*history.CommitOp // in the order of their invokes
	asked     []*history.CommitOp
}

// tracks sorts commits by group and partition, in the order in which they came up.
func (c *checker) tracks() []*track {
	type key struct {
		group     string
		partition history.Partition
	}
	known := map[key]*track{}
	var all []*track
	of := func(group string, at history.Position) *track {
		k := key{group, history.Partition{Topic: at.Topic, Index: at.Partition}}
		if known[k] == nil {
			known[k] = &track{group: group, partition: k.partition}
			all = append(all, known[k])
		}
		return known[k]
	}
	for i := range c.table.Commits {
		for _, at := range c.table.Commits[i].Positions {
			t := of(c.table.Commits[i].Group, at)
			t.commits = append(t.commits, &c.table.Commits[i])
		}
	}
	for _, t := range all {
		for i := range c.table.Committed {
			if c.table.Committed[i].Group == t.group {
				t.asked = append(t.asked, &c.table.Committed[i])
			}
		}
	}
	return all
}

// commitsRise finds an accepted commit of less than what had been accepted before it began: its member was not given what is
// committed when it got the partition, or should have been refused.
func (c *checker) commitsRise(t *track) {
	ends := slices.Clone(t.commits)
	ends = slices.DeleteFunc(ends, func(o *history.CommitOp) bool { return o.Outcome != history.OK })
	begins := slices.Clone(ends)
	slices.SortStableFunc(ends, func(a, b *history.CommitOp) int { return cmp.Compare(a.Done, b.Done) })
	var highest *history.CommitOp
	next := 0
	for _, o := range begins {
		for next < len(ends) && ends[next].Done < o.Invoked {
			if highest == nil || ends[next].Offset(t.partition) > highest.Offset(t.partition) {
				highest = ends[next]
			}
			next++
		}
		if highest == nil || o.Offset(t.partition) >= highest.Offset(t.partition) {
			continue
		}
		if c.mayBegin(t.partition) || c.promises.MayForget(t.partition.Topic) {
			c.report.Allow(Forgotten) // a member that starts over commits less
			continue
		}
		c.violate(verdict.CommitWentBack, c.log(t.partition), fmt.Sprintf("group %s: %s had committed offset %d, and %s committed %d later",
			t.group, highest.Process, highest.Offset(t.partition), o.Process, o.Offset(t.partition)),
			append(highest.Events(t.partition), o.Events(t.partition)...)...)
		return
	}
}

// lostCommits finds an answer of what is committed that is older than what had been accepted before the question, or that
// nobody committed.
func (c *checker) lostCommits(t *track) {
	for _, asked := range t.asked {
		found := asked.Offset(t.partition)
		if c.mayHold(t, asked, found) {
			continue
		}
		last := t.lastBefore(asked)
		if last == nil {
			continue
		}
		c.violate(verdict.LostCommit, c.log(t.partition), fmt.Sprintf("group %s: %s committed offset %d, and what is committed is %d",
			t.group, last.Process, last.Offset(t.partition), found), append(last.Events(t.partition), asked.Events(t.partition)...)...)
		return
	}
}

// mayHold says whether an offset may be what is committed: some commit of it was not followed by another that was accepted.
func (c *checker) mayHold(t *track, asked *history.CommitOp, offset int64) bool {
	overtaken := func(o *history.CommitOp) bool {
		return slices.ContainsFunc(t.commits, func(later *history.CommitOp) bool {
			return later.Outcome == history.OK && later.Done < asked.Invoked && o.Outcome == history.OK && later.Invoked > o.Done
		})
	}
	for _, o := range t.commits {
		if o.Outcome != history.Fail && o.Invoked < asked.Done && o.Offset(t.partition) == offset && !overtaken(o) {
			return true
		}
	}
	return offset < 0 && t.lastBefore(asked) == nil
}

// lastBefore is the last commit that was accepted before a question.
func (t *track) lastBefore(asked *history.CommitOp) (last *history.CommitOp) {
	for _, o := range t.commits {
		if o.Outcome == history.OK && o.Done < asked.Invoked && (last == nil || o.Done > last.Done) {
			last = o
		}
	}
	return last
}

// undelivered finds records before what a group committed, in the end, that no member of it ever got: at least once is broken.
func (c *checker) undelivered(t *track) {
	if len(t.asked) == 0 {
		return
	}
	asked := t.asked[len(t.asked)-1]
	committed := asked.Offset(t.partition)
	members := map[string]bool{}
	for i := range c.table.Commits {
		members[c.table.Commits[i].Process] = members[c.table.Commits[i].Process] || c.table.Commits[i].Group == t.group
	}
	for i := range c.table.Owns {
		members[c.table.Owns[i].Process] = members[c.table.Owns[i].Process] || c.table.Owns[i].Group == t.group
	}
	got := map[int64]bool{}
	for i := range c.table.Reads {
		if step := &c.table.Reads[i]; !step.Assign && step.Partition == t.partition && members[step.Process] {
			for k := range step.Values {
				got[step.Offset+int64(k)] = true
			}
		}
	}
	l := c.log(t.partition)
	for i := range c.table.Sends {
		s := &c.table.Sends[i]
		p, _ := s.Place()
		if !s.Acknowledged() || s.Offset < 0 || p != t.partition || s.Offset >= committed || got[s.Offset] {
			continue
		}
		if name, ok := c.lossName(s); ok {
			c.report.Allow(name)
			continue
		}
		if name, ok := c.vanished(l, s.Value, s.Offset, asked.Done); ok {
			c.report.Allow(name)
			continue
		}
		c.violate(verdict.Undelivered, l, fmt.Sprintf("group %s has committed offset %d, and none of its members got %q at offset %d",
			t.group, committed, c.table.Value(s.Value), s.Offset), append(s.Events(c.table), asked.Events(t.partition)...)...)
		return
	}
}
