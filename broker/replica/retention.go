package replica

import (
	"bytes"
	"cmp"
	"slices"
	"strings"
	"time"

	"odradek/broker/commitlog/cleaner"
)

// retentionDelay is how long after the start retention is looked at first; Kafka's InitialTaskDelayMs.
const retentionDelay = 30 * time.Second

// TopicRetention is what a topic's replicas keep, beside what the log itself acts on.
type TopicRetention struct {
	// Delete says that old segments go (cleanup.policy has delete), by Limits; only then clients may delete records.
	Delete bool
	Limits cleaner.Retention
	// Compaction is how a compacted topic is cleaned; commitlog.Config.Compacted says whether it is.
	Compaction cleaner.Policy
}

// armRetention has the logs looked at in a while.
func (m *Manager) armRetention(after time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.closed {
		m.retention = time.AfterFunc(after, func() { m.spawn(m.retain) })
	}
}

// retain deletes what the topics' retention says, partition by partition.
func (m *Manager) retain() {
	partitions := m.Partitions()
	slices.SortFunc(partitions, byName) // one order in every run
	for _, p := range partitions {
		if m.ctx.Err() != nil {
			return
		}
		if err := p.retain(time.Now()); err != nil {
			m.cfg.Logger.Error("retention failed", "partition", p.String(), "error", err)
		}
	}
	m.armRetention(m.cfg.RetentionCheckInterval)
}

func byName(a, b *Partition) int {
	return cmp.Or(strings.Compare(a.topic, b.topic), cmp.Compare(a.index, b.index), bytes.Compare(a.topicID[:], b.topicID[:]))
}

// retain moves the log's start where retention wants it, if this node leads: followers follow the leader's start. Then it drops
// the segments before the start.
func (p *Partition) retain(now time.Time) error {
	p.mu.Lock()
	if p.state != online {
		p.mu.Unlock()
		return nil
	}
	var err error
	if p.lead != nil && p.settings.Retention.Delete {
		start := p.settings.Retention.Limits.NewStart(p.log.Segments(), p.log.StartOffset(), p.highWatermark, now.UnixMilli())
		if start > p.log.StartOffset() {
			p.manager.cfg.Logger.Info("deleting old records", "partition", p.String(), "from", p.log.StartOffset(), "to", start)
			err = p.advanceStart(start)
		}
	}
	log := p.log
	p.unlock()
	if err != nil {
		return err
	}
	if _, err := log.DropHead(); err != nil {
		p.mu.Lock()
		defer p.unlock()
		return p.storageError(err)
	}
	return nil
}

// advanceStart moves the start of the leader's log, durably, and tells the followers, who wait for news. p.mu is held.
func (p *Partition) advanceStart(offset int64) error {
	if err := p.log.AdvanceStart(offset); err != nil {
		return p.storageError(err)
	}
	p.fireAll()
	p.releaseDeletions()
	return nil
}
