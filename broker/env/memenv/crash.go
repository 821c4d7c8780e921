package memenv

import (
	"maps"
	"math/rand/v2"
	"slices"
)

// Loss says how a power failure treats what was not synced.
type Loss struct {
	// Rand draws what survives: each unsynced block by itself, of unsynced directory changes a prefix a directory, of an
	// unsynced growth a part. Nil loses all that was not synced, which is the one outcome that needs no chance.
	Rand *rand.Rand
	// Torn lets a block survive in part: its first sectors new, the others old.
	Torn bool
}

// sectorSize is what a device writes in one step, in bytes; a torn block is cut at a multiple of it.
const sectorSize = 512

// NewProcess returns the disk as another process on the same machine sees it.
func (d *Disk) NewProcess() *Disk { return newDisk(d.machine) }

// Kill ends the process (kill -9): all its operations fail from now on with ErrDead, its locks are free, and what it
// wrote stays. The returned disk is for the process that comes next.
func (d *Disk) Kill() *Disk {
	d.machine.mu.Lock()
	defer d.machine.mu.Unlock()
	for f := range d.files {
		f.close()
	}
	d.dead = true
	return d.NewProcess()
}

// PowerLoss stops the machine: operations of all its processes fail from now on with ErrDead. The returned disk is what
// the first process finds after the restart.
func (d *Disk) PowerLoss(loss Loss) *Disk {
	d.machine.mu.Lock()
	defer d.machine.mu.Unlock()
	survivor := d.machine.survivor(loss)
	d.machine.off = true
	return newDisk(survivor)
}

// AfterPowerLoss returns what PowerLoss would, and lets the machine go on. Called from a hook it shows the state that a
// failure between two operations leaves, at every step of one run.
func (d *Disk) AfterPowerLoss(loss Loss) *Disk {
	d.machine.mu.RLock()
	defer d.machine.mu.RUnlock()
	return newDisk(d.machine.survivor(loss))
}

// odds draws how much survives this time: nothing, all, or each with a probability.
type odds struct {
	rand  *rand.Rand
	share float64
	torn  bool
}

func (l Loss) odds() *odds {
	o := &odds{rand: l.Rand, torn: l.Torn}
	if o.rand != nil {
		// All and nothing are as likely as the whole range between, where most failures hide behind the first loss.
		o.share = min(max(o.rand.Float64()*1.5-0.25, 0), 1)
	}
	return o
}

func (o *odds) survives() bool { return o.rand != nil && o.rand.Float64() < o.share }

// survivor builds the machine after a power failure. The lock is held, at least for reading.
func (m *machine) survivor(loss Loss) *machine {
	o := loss.odds()
	saved := m.survivingEntries(o)
	next := &machine{boot: m.boot + 1, capacity: m.capacity}
	next.root = next.adopt(m.root, saved, o)
	return next
}

// survivingEntries draws what each directory with unsynced changes holds after the failure. A directory loses all that
// follows the first change that it lost; a change of two directories is lost to both.
func (m *machine) survivingEntries(o *odds) map[*node]map[string]*node {
	cut := map[*node]bool{}
	saved := map[*node]map[string]*node{}
	for _, c := range m.journal {
		if c.touches(cut) || !o.survives() {
			c.addTo(cut)
			continue
		}
		for _, e := range c {
			if saved[e.dir] == nil {
				saved[e.dir] = maps.Clone(e.dir.saved)
			}
			e.apply(saved[e.dir])
		}
	}
	return saved
}

// adopt copies a tree as it survives. Names are taken in order, so that one seed gives one outcome.
func (m *machine) adopt(n *node, saved map[*node]map[string]*node, o *odds) *node {
	if !n.isDir {
		survived := n.survive(o)
		for _, b := range survived.blocks {
			if b != nil {
				m.used += BlockSize
			}
		}
		return &node{now: survived, synced: content{survived.size, slices.Clone(survived.blocks)}, lowest: survived.size}
	}
	entries := n.saved
	if changed, ok := saved[n]; ok {
		entries = changed
	}
	dir := newDir()
	for _, name := range slices.Sorted(maps.Keys(entries)) {
		child := m.adopt(entries[name], saved, o)
		dir.entries[name], dir.saved[name] = child, child
	}
	return dir
}

// survive draws a file's content after the failure: what was synced, less a truncation that reached the disk, and any of
// the blocks and any part of the growth that came after.
func (n *node) survive(o *odds) content {
	base, size, writes := n.synced, n.now.size, len(n.now.blocks)
	if n.lowest < base.size {
		if o.survives() {
			base = content{n.lowest, slices.Clone(base.blocks)}
			base.cutAt(n.lowest)
		} else {
			// What was written past the cut went to new blocks, and the new size was lost with the cut.
			size, writes = base.size, min(writes, blockCount(n.lowest))
		}
	}
	survived := content{size: base.size, blocks: slices.Clone(base.blocks)}
	if size > base.size {
		survived.size = o.growth(base.size, size)
	}
	for i := range writes {
		written := n.now.block(i)
		if written == base.block(i) || !o.survives() {
			continue
		}
		for len(survived.blocks) <= i {
			survived.blocks = append(survived.blocks, nil)
		}
		survived.blocks[i] = o.mix(base.block(i), written)
	}
	survived.cutAt(survived.size)
	return survived
}

// growth draws the size of a file that grew since its last sync: the old one, the new one, or a block's end between.
func (o *odds) growth(from, to int64) int64 {
	if !o.survives() {
		return from
	}
	if o.survives() {
		return to
	}
	first, last := blockCount(from+1), blockCount(to)
	return min(to, int64(first+o.rand.IntN(last-first+1))*BlockSize)
}

// mix returns a copy of the block as written, or torn.
func (o *odds) mix(old, written *block) *block {
	b := new(block)
	if written != nil {
		*b = *written
	}
	if o.torn && o.rand.IntN(2) == 0 {
		kept := o.rand.IntN(BlockSize/sectorSize) * sectorSize
		clear(b[kept:])
		if old != nil {
			copy(b[kept:], old[kept:])
		}
	}
	return b
}

// cutAt drops what lies past size.
func (c *content) cutAt(size int64) {
	if keep := blockCount(size); keep < len(c.blocks) {
		c.blocks = c.blocks[:keep]
	}
	if i := int(size / BlockSize); size%BlockSize != 0 && c.block(i) != nil {
		b := *c.blocks[i]
		clear(b[size%BlockSize:])
		c.blocks[i] = &b
	}
}
