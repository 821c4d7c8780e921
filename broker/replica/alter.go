package replica

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/metadata"
)

const (
	// alterTimeout bounds one attempt, so that proposals made meanwhile are not held up by it.
	alterTimeout = 10 * time.Second
	// alterBackoff is the pause after an attempt that failed.
	alterBackoff = 50 * time.Millisecond
)

// alterSender sends proposed ISRs to the controller: one request at a time, with all proposals that came up during the one
// before. Its goroutine lives while there is something to send.
type alterSender struct {
	manager *Manager

	mu sync.Mutex
	// proposals are those that are not under way. A partition has one at most, here or under way.
	proposals []proposal
	running   bool
}

type proposal struct {
	partition *Partition
	change    *isrChange
}

// propose has change sent. p.mu is held.
func (s *alterSender) propose(p *Partition, change *isrChange) {
	s.manager.cfg.Logger.Debug("proposing ISR", "partition", p.String(), "isr", change.isr, "partitionEpoch", change.partitionEpoch)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.proposals = append(s.proposals, proposal{p, change})
	if !s.running {
		s.running = s.manager.spawn(s.run)
	}
}

func (s *alterSender) take() []proposal {
	s.mu.Lock()
	defer s.mu.Unlock()
	taken := s.proposals
	s.proposals = nil
	s.running = len(taken) > 0
	return taken
}

func (s *alterSender) run() {
	for batch := s.take(); len(batch) > 0; batch = s.take() {
		again := s.send(batch)
		if len(again) == 0 {
			continue
		}
		s.mu.Lock()
		s.proposals = append(again, s.proposals...)
		s.mu.Unlock()
		select {
		case <-time.After(alterBackoff):
		case <-s.manager.ctx.Done():
			return
		}
	}
}

// send sends a batch and returns what has to be sent again.
func (s *alterSender) send(batch []proposal) (again []proposal) {
	req := s.request(batch)
	if len(req.Topics) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(s.manager.ctx, alterTimeout)
	defer cancel()
	answers, err := s.exchange(ctx, req)
	if err != nil {
		s.manager.cfg.Logger.Debug("altering ISRs failed", "error", err)
	}
	for _, pr := range batch {
		answer := answers[partitionKey{pr.partition.topicID, pr.partition.index}]
		if pr.partition.altered(pr.change, answer) {
			again = append(again, pr)
		}
	}
	return again
}

// exchange returns the controller's answers by partition.
func (s *alterSender) exchange(ctx context.Context, req *kmsg.AlterPartitionRequest) (map[partitionKey]*kmsg.AlterPartitionResponseTopicPartition, error) {
	response, err := s.manager.cfg.Controller.Request(ctx, req)
	if err != nil {
		return nil, err
	}
	resp, ok := response.(*kmsg.AlterPartitionResponse)
	if !ok {
		return nil, fmt.Errorf("AlterPartition was answered by %T", response)
	}
	if err := kerr.ErrorForCode(resp.ErrorCode); err != nil {
		return nil, err
	}
	answers := make(map[partitionKey]*kmsg.AlterPartitionResponseTopicPartition)
	for t := range resp.Topics {
		topic := &resp.Topics[t]
		for i := range topic.Partitions {
			answers[partitionKey{metadata.UUID(topic.TopidID), topic.Partitions[i].Partition}] = &topic.Partitions[i]
		}
	}
	return answers, nil
}

// request builds the request of the proposals that newer metadata has not overtaken.
func (s *alterSender) request(batch []proposal) *kmsg.AlterPartitionRequest {
	req := kmsg.NewPtrAlterPartitionRequest()
	req.Version = 3
	req.BrokerID = s.manager.cfg.NodeID
	req.BrokerEpoch = s.manager.cfg.Controller.BrokerEpoch()
	topics := make(map[metadata.UUID]int)
	for _, pr := range batch {
		if !pr.partition.awaits(pr.change) {
			continue
		}
		at, known := topics[pr.partition.topicID]
		if !known {
			at = len(req.Topics)
			topics[pr.partition.topicID] = at
			topic := kmsg.NewAlterPartitionRequestTopic()
			topic.TopicID = pr.partition.topicID
			req.Topics = append(req.Topics, topic)
		}
		partition := kmsg.NewAlterPartitionRequestTopicPartition()
		partition.Partition = pr.partition.index
		partition.LeaderEpoch = pr.change.leaderEpoch
		partition.PartitionEpoch = pr.change.partitionEpoch
		for i, id := range pr.change.isr {
			member := kmsg.NewAlterPartitionRequestTopicPartitionNewEpochISR()
			member.BrokerID, member.BrokerEpoch = id, pr.change.brokerEpochs[i]
			if id == req.BrokerID {
				member.BrokerEpoch = req.BrokerEpoch
			}
			partition.NewEpochISR = append(partition.NewEpochISR, member)
		}
		req.Topics[at].Partitions = append(req.Topics[at].Partitions, partition)
	}
	return req
}

// awaits says whether change is still to be answered.
func (p *Partition) awaits(change *isrChange) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.lead != nil && p.lead.isr.pending == change
}

// altered takes the controller's answer to change, nil when there was none, and says whether to ask again.
func (p *Partition) altered(change *isrChange, answer *kmsg.AlterPartitionResponseTopicPartition) (again bool) {
	p.mu.Lock()
	defer p.unlock()
	if p.lead == nil || p.lead.isr.pending != change {
		return false
	}
	if answer == nil {
		return true
	}
	switch kerr.ErrorForCode(answer.ErrorCode) {
	case nil:
		if answer.LeaderEpoch == p.lead.epoch {
			p.lead.accepted(change, answer.ISR, answer.PartitionEpoch)
			p.isrChanged()
		}
		return false
	case kerr.IneligibleReplica, kerr.OperationNotAttempted:
		p.lead.rejected(change)
		return false
	case kerr.NewLeaderElected, kerr.UnknownTopicOrPartition, kerr.UnknownTopicID, kerr.FencedLeaderEpoch,
		kerr.InvalidUpdateVersion, kerr.InvalidRequest:
		// The controller knows newer metadata, which overtakes the change when it arrives here. Until then the change
		// stays pending: it may have been accepted by a request whose answer was lost.
		return false
	default:
		return true
	}
}
