package memenv

// BlockSize is the grain at which unsynced writes survive a power failure, in bytes.
const BlockSize = 4096

type block [BlockSize]byte

// content is a file's bytes. A nil block reads as zeros and takes no space; blocks past the end of the list are nil.
type content struct {
	size   int64
	blocks []*block
}

func (c *content) block(i int) *block {
	if i < len(c.blocks) {
		return c.blocks[i]
	}
	return nil
}

func blockCount(size int64) int { return int((size + BlockSize - 1) / BlockSize) }

// readAt copies what the file has at off to p.
func (c *content) readAt(p []byte, off int64) int {
	if off >= c.size {
		return 0
	}
	p = p[:min(int64(len(p)), c.size-off)]
	for n := 0; n < len(p); {
		at := off + int64(n)
		part := p[n:min(len(p), n+BlockSize-int(at%BlockSize))]
		if b := c.block(int(at / BlockSize)); b != nil {
			copy(part, b[at%BlockSize:])
		} else {
			clear(part)
		}
		n += len(part)
	}
	return len(p)
}

// node is a file or a directory, apart from its name.
type node struct {
	isDir bool

	// Of a directory. saved is what a power failure leaves at least, see journal.
	entries, saved map[string]*node

	// Of a file. Invariant: a block that is in both now and synced is never written again, it is replaced by a copy; so
	// the blocks that changed since the last sync are those whose pointers differ, all within [dirtyFrom, dirtyTo).
	now, synced        content
	dirtyFrom, dirtyTo int
	lowest             int64        // the smallest size since the last sync: what a truncation that reached the disk left
	forgotten          map[int]bool // dirty blocks that a failed sync gave up

	opens    int // open handles
	unlinked bool
	lock     *lock
}

func newFile() *node { return &node{} }

func newDir() *node {
	return &node{isDir: true, entries: map[string]*node{}, saved: map[string]*node{}}
}

func (n *node) markDirty(from, to int) {
	if n.dirtyFrom == n.dirtyTo {
		n.dirtyFrom, n.dirtyTo = from, to
		return
	}
	n.dirtyFrom, n.dirtyTo = min(n.dirtyFrom, from), max(n.dirtyTo, to)
}

// writable returns block i for writing: made when it is missing, copied when the durable state shares it. take asks for
// the space of a new block; nil is returned when there is none.
func (n *node) writable(i int, take func() bool) *block {
	b := n.now.block(i)
	switch {
	case b == nil:
		if !take() {
			return nil
		}
		b = new(block)
	case b == n.synced.block(i):
		clone := *b
		b = &clone
	default:
		delete(n.forgotten, i)
		return b
	}
	for len(n.now.blocks) <= i {
		n.now.blocks = append(n.now.blocks, nil)
	}
	n.now.blocks[i] = b
	delete(n.forgotten, i)
	n.markDirty(i, i+1)
	return b
}

// writeAt writes p at off until the space ends, and returns how much it wrote.
func (n *node) writeAt(p []byte, off int64, take func() bool) int {
	done := 0
	for done < len(p) {
		at := off + int64(done)
		b := n.writable(int(at/BlockSize), take)
		if b == nil {
			break
		}
		done += copy(b[at%BlockSize:], p[done:])
	}
	if done > 0 {
		n.now.size = max(n.now.size, off+int64(done))
	}
	return done
}

// truncate sets the size and returns how many blocks became free.
func (n *node) truncate(size int64) int {
	freed := 0
	if keep := blockCount(size); keep < len(n.now.blocks) {
		for i := keep; i < len(n.now.blocks); i++ {
			if n.now.blocks[i] != nil {
				freed++
			}
			delete(n.forgotten, i)
		}
		n.markDirty(keep, len(n.now.blocks))
		// The tail is not reused: what grows there again starts as holes.
		n.now.blocks = append([]*block(nil), n.now.blocks[:keep]...)
	}
	if size < n.now.size && size%BlockSize != 0 {
		if i := int(size / BlockSize); n.now.block(i) != nil {
			clear(n.writable(i, nil)[size%BlockSize:])
		}
	}
	n.now.size = size
	n.lowest = min(n.lowest, size)
	return freed
}

// sync makes the content durable, but for the blocks that an earlier failure gave up.
func (n *node) sync() {
	want := len(n.now.blocks)
	if len(n.synced.blocks) > want {
		n.synced.blocks = append([]*block(nil), n.synced.blocks[:want]...)
	}
	for len(n.synced.blocks) < want {
		n.synced.blocks = append(n.synced.blocks, nil)
	}
	for i := n.dirtyFrom; i < min(n.dirtyTo, want); i++ {
		if !n.forgotten[i] {
			n.synced.blocks[i] = n.now.blocks[i]
		}
	}
	n.synced.size = n.now.size
	n.lowest = n.now.size
	n.dirtyFrom, n.dirtyTo = 0, 0
	for i := range n.forgotten {
		n.markDirty(i, i+1)
	}
}

// failSync gives up what is dirty, as Linux does after an error of write-back.
func (n *node) failSync() {
	for i := n.dirtyFrom; i < n.dirtyTo; i++ {
		if n.now.block(i) != n.synced.block(i) {
			if n.forgotten == nil {
				n.forgotten = map[int]bool{}
			}
			n.forgotten[i] = true
		}
	}
}
