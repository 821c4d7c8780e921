package memenv

import "slices"

// edit sets one directory's entry; a nil node removes it.
type edit struct {
	dir  *node
	name string
	node *node
}

// change is what happens to directories in one step: all of its edits survive a power failure, or none does.
type change []edit

func (c change) touches(dirs map[*node]bool) bool {
	return slices.ContainsFunc(c, func(e edit) bool { return dirs[e.dir] })
}

// addTo adds the directories of c to dirs.
func (c change) addTo(dirs map[*node]bool) {
	for _, e := range c {
		dirs[e.dir] = true
	}
}

func (e edit) apply(entries map[string]*node) {
	if e.node == nil {
		delete(entries, e.name)
	} else {
		entries[e.name] = e.node
	}
}

// change edits directories, and remembers it until they are synced. The lock is held.
func (m *machine) change(edits ...edit) {
	var gone *node
	for _, e := range edits {
		if old := e.dir.entries[e.name]; old != nil {
			old.unlinked = true
			gone = old
		}
		e.apply(e.dir.entries)
		if e.node != nil {
			e.node.unlinked = false
			if gone == e.node {
				gone = nil
			}
		}
	}
	if gone != nil {
		m.reclaim(gone)
	}
	m.journal = append(m.journal, change(edits))
}

// commit makes the entries of dir durable, and with them every earlier change that one of its changes builds upon. The
// lock is held.
func (m *machine) commit(dir *node) {
	needed := map[*node]bool{dir: true}
	kept := make([]bool, len(m.journal))
	for i, c := range slices.Backward(m.journal) {
		if c.touches(needed) {
			c.addTo(needed)
			kept[i] = true
		}
	}
	var rest []change
	for i, c := range m.journal {
		if !kept[i] {
			rest = append(rest, c)
			continue
		}
		for _, e := range c {
			e.apply(e.dir.saved)
		}
	}
	m.journal = rest
}
