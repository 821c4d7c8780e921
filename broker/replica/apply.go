package replica

import (
	"slices"
	"time"

	"odradek/broker/metadata"
)

// Apply follows the metadata: it takes over and gives up partitions and roles. It is called in the order of images, one
// call at a time, and returns without waiting for the disk beyond what a change of role needs: logs open in the
// background, and their partitions answer NOT_LEADER_OR_FOLLOWER meanwhile.
func (m *Manager) Apply(img *metadata.Image, delta *metadata.Delta) {
	m.image.Store(img)
	m.mu.RLock()
	complete, closed := m.complete, m.closed
	m.mu.RUnlock()
	if closed {
		return
	}
	if complete {
		m.follow(img, delta)
		return
	}
	if m.cfg.Complete != nil && !m.cfg.Complete(img) {
		return
	}
	m.mu.Lock()
	m.complete = true
	m.mu.Unlock()
	m.follow(img, metadata.Diff(&metadata.Image{}, img))
	m.settle(img)
}

// follow acts on what delta says is different.
func (m *Manager) follow(img *metadata.Image, delta *metadata.Delta) {
	m.dropDeleted(delta)
	for i := range delta.Topics {
		changed := &delta.Topics[i]
		if changed.Deleted {
			continue
		}
		topic := img.TopicsByID[changed.ID]
		settings := m.cfg.TopicSettings(img, topic.Name)
		for _, index := range changed.Partitions {
			m.place(topic, index, settings)
		}
	}
	if len(delta.Configs) > 0 {
		m.reconfigure(img, delta.Configs)
	}
	if len(delta.Brokers) > 0 {
		now := time.Now()
		for _, p := range m.Partitions() {
			p.brokersChanged(now)
		}
	}
}

// place gives one partition of a topic to this node, or takes it away, as its replicas say.
func (m *Manager) place(topic *metadata.Topic, index int32, settings TopicSettings) {
	reg := topic.Partition(index)
	key := partitionKey{topic.ID, index}
	m.mu.RLock()
	p := m.partitions[key]
	m.mu.RUnlock()
	assigned := reg != nil && slices.Contains(reg.Replicas, m.cfg.NodeID)
	switch {
	case assigned && p == nil:
		p = m.host(topic, index)
		p.register(reg, settings)
		p.home.jobs.add(p.open)
	case assigned:
		p.register(reg, settings)
	case p != nil:
		m.drop(p)
	}
}

// host makes a partition known. Its log is not open yet.
func (m *Manager) host(topic *metadata.Topic, index int32) *Partition {
	p := &Partition{
		manager:     m,
		topic:       topic.Name,
		topicID:     topic.ID,
		index:       index,
		opened:      make(chan struct{}),
		gone:        make(chan struct{}),
		leaderID:    metadata.NoLeader,
		leaderEpoch: -1,
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	p.home = m.homeOf(p.String())
	p.dir = p.home.path + "/" + p.String()
	for _, d := range m.dirs {
		if before := m.latest[d.path+"/"+p.String()]; before != nil {
			p.before = append(p.before, before)
		}
	}
	m.latest[p.dir] = p
	m.partitions[partitionKey{topic.ID, index}] = p
	return p
}

// drop gives a partition up and has its log deleted.
func (m *Manager) drop(p *Partition) {
	m.mu.Lock()
	delete(m.partitions, partitionKey{p.topicID, p.index})
	m.mu.Unlock()
	if p.retire(true) {
		p.home.jobs.add(p.finish)
	}
}

// dropDeleted gives up the partitions of deleted topics.
func (m *Manager) dropDeleted(delta *metadata.Delta) {
	deleted := make(map[metadata.UUID]bool)
	for i := range delta.Topics {
		if delta.Topics[i].Deleted {
			deleted[delta.Topics[i].ID] = true
		}
	}
	if len(deleted) == 0 {
		return
	}
	for _, p := range m.Partitions() {
		if deleted[p.topicID] {
			m.drop(p)
		}
	}
}

// forget is called when p's directory is gone.
func (m *Manager) forget(p *Partition) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.latest[p.dir] == p {
		delete(m.latest, p.dir)
	}
}

// reconfigure hands on changed configs. A change of a node's or the cluster's defaults concerns every topic.
func (m *Manager) reconfigure(img *metadata.Image, changed []metadata.ConfigResource) {
	topics := make(map[string]bool)
	all := false
	for _, resource := range changed {
		if resource.Type == metadata.ResourceTopic {
			topics[resource.Name] = true
		} else {
			all = true
		}
	}
	settings := make(map[string]TopicSettings)
	for _, p := range m.Partitions() {
		if !all && !topics[p.topic] {
			continue
		}
		s, known := settings[p.topic]
		if !known {
			s = m.cfg.TopicSettings(img, p.topic)
			settings[p.topic] = s
		}
		p.setSettings(s)
	}
}

// settle ends the start: directories that belong to nobody go, and Ready is told once the logs are open.
func (m *Manager) settle(img *metadata.Image) {
	strays, err := m.strays()
	if err != nil {
		m.cfg.Logger.Error("logs of deleted partitions may remain", "error", err)
	}
	for _, stray := range strays {
		m.cfg.Logger.Info("removing a stray log", "dir", stray.dir)
		stray.home.jobs.add(stray.finish)
	}
	m.mu.Lock()
	m.settled, m.found = true, nil
	m.mu.Unlock()
	partitions := m.Partitions()
	m.cfg.Logger.Info("metadata is complete", "version", img.Version, "partitions", len(partitions), "strays", len(strays))
	m.spawn(func() {
		for _, p := range partitions {
			select {
			case <-p.opened:
			case <-m.ctx.Done():
				return
			}
		}
		close(m.ready)
	})
}
