package disksim

import "slices"

// change is a change of directories that isn't durable yet: one edit, or the two or three of a rename, which happen together.
type change []edit

type edit struct {
	dir  *inode
	name string
	node *inode // nil: the name is gone
}

// commit makes a change visible and remembers that it isn't durable.
func (d *Disk) commit(edits ...edit) {
	for _, e := range edits {
		old := e.dir.now.get(e.name)
		e.dir.now.set(e.name, e.node)
		if e.node != nil {
			e.node.links++
		}
		if old != nil {
			old.links--
			d.freeIfUnused(old)
		}
	}
	d.journal = append(d.journal, edits)
}

// syncDir makes the directory's changes durable, in order, and with each also what came before it in any directory that it
// touches: a rename is never durable by half.
func (d *Disk) syncDir(dir *inode) {
	dirs := []*inode{dir}
	keep := make([]bool, len(d.journal))
	for i := len(d.journal) - 1; i >= 0; i-- {
		c := d.journal[i]
		if c.touchesAny(dirs) {
			keep[i] = true
			for _, e := range c {
				if !slices.Contains(dirs, e.dir) {
					dirs = append(dirs, e.dir)
				}
			}
		}
	}
	rest := d.journal[:0]
	for i, c := range d.journal {
		if keep[i] {
			c.apply()
		} else {
			rest = append(rest, c)
		}
	}
	clear(d.journal[len(rest):])
	d.journal = rest
}

func (c change) touchesAny(dirs []*inode) bool {
	return slices.ContainsFunc(c, func(e edit) bool { return slices.Contains(dirs, e.dir) })
}

func (c change) apply() {
	for _, e := range c {
		e.dir.then.set(e.name, e.node)
	}
}

// replaySome applies what power loss left of the unsynced changes: of each directory the first few, where a rename between
// two is kept only if both keep it.
func (d *Disk) replaySome() {
	var dirs []*inode
	var left []int // of dirs[i]'s changes, how many are kept
	for _, c := range d.journal {
		for i, e := range c {
			if c[:i].touchesAny([]*inode{e.dir}) {
				continue
			}
			k := slices.Index(dirs, e.dir)
			if k < 0 {
				k = len(dirs)
				dirs, left = append(dirs, e.dir), append(left, 0)
			}
			left[k]++
		}
	}
	for k := range left {
		left[k] = d.rng.IntN(left[k] + 1)
	}
	for _, c := range d.journal {
		kept := true
		for _, e := range c {
			kept = kept && left[slices.Index(dirs, e.dir)] > 0
		}
		for i, e := range c {
			if c[:i].touchesAny([]*inode{e.dir}) {
				continue
			}
			k := slices.Index(dirs, e.dir)
			if kept {
				left[k]--
			} else {
				left[k] = 0
			}
		}
		if kept {
			c.apply()
		}
	}
	d.journal = nil
}
