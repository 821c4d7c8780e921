package replica

import "sync"

// fetchers assigns the partitions that this node follows to one fetcher a leader node. A fetcher lives while it has any.
type fetchers struct {
	manager *Manager

	mu sync.Mutex
	// bySource holds the fetchers by the node that they fetch from.
	bySource map[int32]*fetcher
	// assigned says which fetcher has a partition.
	assigned map[*Partition]*fetcher
}

func newFetchers(m *Manager) *fetchers {
	return &fetchers{manager: m, bySource: make(map[int32]*fetcher), assigned: make(map[*Partition]*fetcher)}
}

// assign has p fetched from source, in the leader epoch that p now has. p.mu is held.
func (s *fetchers) assign(p *Partition, source int32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f := s.assigned[p]; f != nil && f.source != source {
		s.take(p, f)
	}
	f := s.bySource[source]
	if f == nil {
		f = newFetcher(s.manager, source)
		if !s.manager.spawn(f.run) {
			return
		}
		s.bySource[source] = f
	}
	if s.assigned[p] == nil {
		s.assigned[p] = f
		f.size++
	}
	f.inbox.put(p, true)
}

// remove ends the fetching of p, if it is fetched. p.mu is held.
func (s *fetchers) remove(p *Partition) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f := s.assigned[p]; f != nil {
		s.take(p, f)
	}
}

// take takes p from f, and ends f when that was the last. s.mu is held.
func (s *fetchers) take(p *Partition, f *fetcher) {
	delete(s.assigned, p)
	f.size--
	if f.size == 0 {
		delete(s.bySource, f.source)
		f.cancel()
		return
	}
	f.inbox.put(p, false)
}
