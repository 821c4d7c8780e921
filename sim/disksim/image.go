package disksim

import (
	"math/rand/v2"
	"slices"
)

// Image is another disk that holds what is durable on this one, as a snapshot taken below the file system does. It is of another
// boot. The generator is the new disk's.
func (d *Disk) Image(rng *rand.Rand) *Disk {
	image := New(rng, d.params)
	image.boots = d.boots + 1
	image.root.now = image.copyEntries(d.root.then)
	image.root.then = slices.Clone(image.root.now)
	return image
}

// copyEntries makes inodes of the new disk of what is durable below a directory of the old one.
func (d *Disk) copyEntries(then entries) entries {
	var out entries
	for _, e := range then {
		node := d.newInode(e.node.dir)
		node.links = 1
		if node.dir {
			node.now = d.copyEntries(e.node.then)
			node.then = slices.Clone(node.now)
		} else {
			d.copyContent(node, e.node)
		}
		out = append(out, entry{e.name, node})
	}
	return out
}

func (d *Disk) copyContent(node, old *inode) {
	node.size, node.keptLen, node.kept = old.keptLen, old.keptLen, slices.Clone(old.kept)
	node.pages = make([]page, len(node.kept))
	for i, b := range node.kept {
		node.pages[i] = page{data: b, shared: true}
		if b != nil {
			d.used += BlockSize
		}
	}
}
