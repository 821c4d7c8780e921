package memenv

// AfterKill returns what Kill would, and lets this process go on, on a machine of its own from now on: neither sees what
// the other does. It is for who can't stop a process in one step: what the process still does after is as if it never was.
func (d *Disk) AfterKill() *Disk {
	d.machine.mu.RLock()
	defer d.machine.mu.RUnlock()
	return newDisk(d.machine.clone())
}

// clone copies the machine with what it has synced and what not. Nobody has a file open on the copy. The lock is held, at
// least for reading.
func (m *machine) clone() *machine {
	nodes := map[*node]*node{}
	next := &machine{boot: m.boot, capacity: m.capacity, root: m.root.clone(nodes)}
	next.journal = make([]change, len(m.journal))
	for i, c := range m.journal {
		for _, e := range c {
			next.journal[i] = append(next.journal[i], edit{e.dir.clone(nodes), e.name, e.node.clone(nodes)})
		}
	}
	next.used = next.root.blocksInUse() * BlockSize
	return next
}

// clone copies a node and what lies below it, each once: nodes has the copies so far.
func (n *node) clone(nodes map[*node]*node) *node {
	if n == nil || nodes[n] != nil {
		return nodes[n]
	}
	c := &node{isDir: n.isDir, dirtyFrom: n.dirtyFrom, dirtyTo: n.dirtyTo, lowest: n.lowest, unlinked: n.unlinked}
	nodes[n] = c
	if n.isDir {
		c.entries, c.saved = cloneEntries(n.entries, nodes), cloneEntries(n.saved, nodes)
		return c
	}
	// A block that both contents share stays one that they share: that is how it is known to be synced.
	blocks := map[*block]*block{nil: nil}
	c.now, c.synced = n.now.clone(blocks), n.synced.clone(blocks)
	if n.forgotten != nil {
		c.forgotten = make(map[int]bool, len(n.forgotten))
		for i, gone := range n.forgotten {
			c.forgotten[i] = gone
		}
	}
	return c
}

func cloneEntries(entries map[string]*node, nodes map[*node]*node) map[string]*node {
	c := make(map[string]*node, len(entries))
	for name, n := range entries {
		c[name] = n.clone(nodes)
	}
	return c
}

func (c *content) clone(blocks map[*block]*block) content {
	next := content{size: c.size, blocks: make([]*block, len(c.blocks))}
	for i, b := range c.blocks {
		copied, known := blocks[b]
		if !known {
			copied = new(block)
			*copied = *b
			blocks[b] = copied
		}
		next.blocks[i] = copied
	}
	return next
}

// blocksInUse counts the blocks of all files below a node that have a name.
func (n *node) blocksInUse() (count int64) {
	for _, b := range n.now.blocks {
		if b != nil {
			count++
		}
	}
	for _, child := range n.entries {
		count += child.blocksInUse()
	}
	return count
}
