package disksim

import "slices"

// PowerLoss forgets, at random, what was not durable: of each directory all but the first few unsynced changes, and of each
// file any unsynced blocks. Files are closed and locks let go. The machine is off until PowerOn.
func (d *Disk) PowerLoss() {
	d.Crash()
	d.replaySome()
	d.used = 0
	d.settle(d.root)
}

// settle makes what is durable below dir what the machine will see.
func (d *Disk) settle(dir *inode) {
	dir.now = slices.Clone(dir.then)
	for _, e := range dir.now {
		e.node.links = 1
		if e.node.dir {
			d.settle(e.node)
		} else {
			d.settleFile(e.node)
		}
	}
}

// settleFile decides what of a file's unsynced content is found again.
func (d *Disk) settleFile(i *inode) {
	size := i.keptLen
	if !i.freed {
		size = d.settleSize(i)
	}
	blocks := make([]*block, (size+BlockSize-1)/BlockSize)
	for k := range blocks {
		blocks[k] = i.durable(k)
		if k < len(i.pages) { // behind that the file was cut, and the cut may be what is lost
			blocks[k] = d.settleBlock(i, k, i.pages[k].data)
		}
	}
	if start := size % BlockSize; start > 0 {
		if last := blocks[len(blocks)-1]; last != nil {
			cut := *last
			clear(cut[start:])
			blocks[len(blocks)-1] = &cut
		}
	}
	i.size, i.keptLen, i.kept, i.abandoned, i.freed = size, size, blocks, nil, false
	i.pages = make([]page, len(blocks))
	for k, b := range blocks {
		i.pages[k] = page{data: b, shared: true}
		if b != nil {
			d.used += BlockSize
		}
	}
}

// settleSize decides a file's size: the durable one, the last one, or one at a block's end between them.
func (d *Disk) settleSize(i *inode) int64 {
	if i.size == i.keptLen {
		return i.size
	}
	switch d.rng.IntN(3) {
	case 0:
		return i.keptLen
	case 1:
		return i.size
	}
	low, high := min(i.size, i.keptLen), max(i.size, i.keptLen)
	first, last := low/BlockSize+1, high/BlockSize
	if first > last {
		return low
	}
	return (first + d.rng.Int64N(last-first+1)) * BlockSize
}

// settleBlock decides whether a block that was changed since its last sync is lost, kept or torn.
func (d *Disk) settleBlock(i *inode, index int, cached *block) *block {
	durable := i.durable(index)
	if cached == durable || cached != nil && i.gaveUp(index, cached) {
		return durable
	}
	ways := 2
	if d.params.Torn {
		ways = 3
	}
	switch d.rng.IntN(ways) {
	case 0:
		return durable
	case 1:
		return cached
	}
	var torn block
	if durable != nil {
		torn = *durable
	}
	if cached == nil {
		cached = new(block)
	}
	const sectors = BlockSize / sectorSize
	from := d.rng.IntN(sectors)
	to := from + 1 + d.rng.IntN(sectors-from)
	copy(torn[from*sectorSize:to*sectorSize], cached[from*sectorSize:])
	return &torn
}
