package disksim

import (
	"slices"
	"strings"
)

// block is one block's content; a nil block reads as zeros.
type block = [BlockSize]byte

// page is a block as the page cache has it.
//
// Invariant: a shared page's block also belongs to the durable state, or to a sync under way, and must be copied before it
// is written to.
type page struct {
	data   *block
	shared bool
}

// inode is a file or a directory, as the running machine sees it and as it would be found after power loss.
type inode struct {
	id    uint64
	dir   bool
	links int // names that the running machine sees
	opens int

	// Of a file.
	size    int64
	pages   []page
	kept    []*block // durable
	keptLen int64    // durable size
	// keptNumber is the number of the sync that made kept what it is.
	keptNumber uint64
	abandoned  []*block // what the last failed sync had to write, and nobody will write any more
	lock       *File
	freed      bool // the page cache has let it go; a durable name may bring the durable content back

	// Of a directory.
	now  entries
	then entries // durable
}

func (d *Disk) newInode(dir bool) *inode {
	d.nextID++
	return &inode{id: d.nextID, dir: dir}
}

// entry and entries: a directory, sorted by name. Not a map, whose order would not be the seed's.
type entry struct {
	name string
	node *inode
}

type entries []entry

func (e entries) search(name string) (int, bool) {
	return slices.BinarySearchFunc(e, name, func(x entry, name string) int { return strings.Compare(x.name, name) })
}

func (e entries) get(name string) *inode {
	if i, ok := e.search(name); ok {
		return e[i].node
	}
	return nil
}

// set makes name name node, or nothing when node is nil.
func (e *entries) set(name string, node *inode) {
	i, ok := e.search(name)
	switch {
	case ok && node == nil:
		*e = slices.Delete(*e, i, i+1)
	case ok:
		(*e)[i].node = node
	case node != nil:
		*e = slices.Insert(*e, i, entry{name, node})
	}
}

// readAt copies what the page cache has. The caller has checked the bounds.
func (i *inode) readAt(p []byte, off int64) {
	for len(p) > 0 {
		index, start := int(off/BlockSize), int(off%BlockSize)
		n := min(len(p), BlockSize-start)
		if index < len(i.pages) && i.pages[index].data != nil {
			copy(p[:n], i.pages[index].data[start:])
		} else {
			clear(p[:n])
		}
		p, off = p[n:], off+int64(n)
	}
}

// writeAt changes the page cache and the size.
func (i *inode) writeAt(d *Disk, p []byte, off int64) {
	if len(p) > 0 {
		i.size = max(i.size, off+int64(len(p)))
	}
	for len(p) > 0 {
		index, start := int(off/BlockSize), int(off%BlockSize)
		n := min(len(p), BlockSize-start)
		copy(i.own(d, index)[start:], p[:n])
		p, off = p[n:], off+int64(n)
	}
}

// own returns the block at index for writing.
func (i *inode) own(d *Disk, index int) *block {
	for index >= len(i.pages) {
		i.pages = append(i.pages, page{})
	}
	pg := &i.pages[index]
	switch {
	case pg.data == nil:
		pg.data = new(block)
		d.used += BlockSize
	case pg.shared:
		copied := *pg.data
		pg.data = &copied
	}
	pg.shared = false
	return pg.data
}

// truncate sets the size. What is cut off reads as zeros should the file grow again.
func (i *inode) truncate(d *Disk, size int64) {
	if size < i.size {
		if start := size % BlockSize; start > 0 {
			if index := int(size / BlockSize); index < len(i.pages) && i.pages[index].data != nil {
				clear(i.own(d, index)[start:])
			}
		}
		whole := int((size + BlockSize - 1) / BlockSize)
		for k := whole; k < len(i.pages); k++ {
			if i.pages[k].data != nil {
				d.used -= BlockSize
			}
		}
		if whole < len(i.pages) {
			clear(i.pages[whole:])
			i.pages = i.pages[:whole]
		}
	}
	i.size = size
}

// freeIfUnused gives back the space of a file that has neither name nor reader. Its durable state may still be named by a
// durable directory, so that stays.
func (d *Disk) freeIfUnused(i *inode) {
	if i.dir || i.links > 0 || i.opens > 0 {
		return
	}
	for _, pg := range i.pages {
		if pg.data != nil {
			d.used -= BlockSize
		}
	}
	i.pages, i.freed = nil, true
}
