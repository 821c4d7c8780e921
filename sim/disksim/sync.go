package disksim

import (
	"time"

	"odradek/sim/clock"
)

// Sync is a sync under way. What it makes durable is what was there when it began; what is written meanwhile has to wait for
// the next.
type Sync struct {
	file   *File
	number uint64
	blocks []*block
	size   int64
	// Took is how long the disk needs for it.
	Took time.Duration
}

// BeginSync starts a sync of a file's content or of a directory's entries.
func (f *File) BeginSync(now clock.Time) *Sync {
	d, node := f.disk, f.node
	d.syncs++
	s := &Sync{file: f, number: d.syncs, size: node.size}
	dirty := int64(0)
	if !node.dir {
		s.blocks = make([]*block, len(node.pages))
		for i := range node.pages {
			pg := &node.pages[i]
			pg.shared = true
			s.blocks[i] = pg.data
			if pg.data != node.durable(i) {
				dirty++
			}
		}
	}
	took := d.params.Sync.Sample(d.rng)
	if rate := d.params.BytesPerSecond; rate > 0 {
		took += time.Duration(dirty * BlockSize * int64(time.Second) / rate)
	}
	s.Took = d.delayed(now, took, false)
	return s
}

// Complete ends the sync. An error means that what was dirty is gone from the kernel's list of things to write: a later sync
// succeeds and says nothing of it (ext4 and XFS; known as fsyncgate).
func (s *Sync) Complete() error {
	d, node := s.file.disk, s.file.node
	switch {
	case d.gone(s.file.name):
		return ErrIO // nothing moves any more, in either direction
	case d.fails(d.faults.SyncErrorPPM):
		node.abandoned = s.blocks
		return ErrIO
	case node.dir:
		d.syncDir(node)
	case s.number > node.keptNumber: // a later sync may have overtaken this one
		for i, b := range s.blocks {
			if b != nil && node.gaveUp(i, b) {
				s.blocks[i] = node.durable(i)
			}
		}
		node.kept, node.keptLen, node.keptNumber = s.blocks, s.size, s.number
	}
	return nil
}

// durable is the block at index as it would be found after power loss if nothing else were kept.
func (i *inode) durable(index int) *block {
	if index < len(i.kept) {
		return i.kept[index]
	}
	return nil
}

// gaveUp tells whether a failed sync had this content to write.
func (i *inode) gaveUp(index int, b *block) bool {
	return index < len(i.abandoned) && i.abandoned[index] == b && b != i.durable(index)
}
