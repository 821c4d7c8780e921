package replica

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/commitlog"
	"odradek/broker/env"
	"odradek/broker/env/sometimes"
	"odradek/broker/metadata"
)

// A disk that fails under a replica takes away what the replica has vouched for. What follows, in this order:
//
//  1. The replica goes offline: nothing is read from it, nothing acknowledged, and it fetches nothing.
//  2. The controller is told, for as long as it takes (LostDirectory in AssignReplicasToDirs, KIP-858). It takes the replica out
//     of the ISR and has another lead, or nobody.
//  3. The log is opened anew. Where another leads, it ends with what was certainly durable, and the rest is fetched; where nobody
//     can, this replica is what is left of the partition, and keeps all that can be read, written anew.
//  4. The replica follows; or, where nobody leads, the controller is told that it may lead again, in a new epoch.
//
// Before 2 nothing of 3 may happen: a replica that cuts its log while it counts as in sync could be elected with less than was
// acknowledged.

// LostDirectory is the directory id that says that a replica's place failed (Kafka's DirectoryId.LOST).
var LostDirectory = metadata.UUID{15: 1}

// lossPauseMax is the longest pause between attempts to tell of lost replicas, which double from alterBackoff on.
const lossPauseMax = time.Second

// lossSender tells the controller of replicas that were lost, and of those that are whole again: one request at a time, with all
// that came up during the one before. Its goroutine lives while there is something to tell.
type lossSender struct {
	manager *Manager

	mu sync.Mutex
	// news are what is not under way.
	news    []lossNews
	running bool
}

type lossNews struct {
	partition *Partition
	lost      bool // or else whole again
}

func (s *lossSender) tell(p *Partition, lost bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.news = append(s.news, lossNews{p, lost})
	if !s.running {
		s.running = s.manager.spawn(s.run)
	}
}

func (s *lossSender) take() []lossNews {
	s.mu.Lock()
	defer s.mu.Unlock()
	taken := s.news
	s.news = nil
	s.running = len(taken) > 0
	return taken
}

func (s *lossSender) run() {
	var since time.Time // of the first failure in a row
	pause := alterBackoff
	for batch := s.take(); len(batch) > 0; batch = s.take() {
		refused, err := s.send(batch)
		if err == nil && len(refused) == 0 {
			since, pause = time.Time{}, alterBackoff
			continue
		}
		if since.IsZero() {
			since = time.Now()
		}
		s.giveUp(batch, since)
		s.manager.cfg.Logger.Warn("lost replicas are not made known yet", "replicas", len(batch), "error", err)
		s.mu.Lock()
		s.news = append(refused, s.news...)
		s.mu.Unlock()
		select {
		case <-time.After(pause):
			pause = min(2*pause, lossPauseMax)
		case <-s.manager.ctx.Done():
			return
		}
	}
}

// giveUp ends the node when the controller has not heard for too long of a directory that failed: it may take this node's replicas
// for whole, and hear of the node's end by other ways.
func (s *lossSender) giveUp(batch []lossNews, since time.Time) {
	m := s.manager
	if time.Since(since) < m.cfg.DirFailureTimeout || m.cfg.OnStorageFailure == nil {
		return
	}
	for _, each := range batch {
		if err := each.partition.place().failed(); each.lost && err != nil {
			m.cfg.OnStorageFailure(fmt.Errorf("the controller can't be told that a data directory failed: %w", err))
			return
		}
	}
}

// send sends a batch and follows up on what was heard. It returns what has to be told again.
func (s *lossSender) send(batch []lossNews) (again []lossNews, err error) {
	ctx, cancel := context.WithTimeout(s.manager.ctx, alterTimeout)
	defer cancel()
	response, err := s.manager.cfg.Controller.Request(ctx, s.request(batch))
	if err != nil {
		return batch, err
	}
	resp, ok := response.(*kmsg.AssignReplicasToDirsResponse)
	if !ok {
		return batch, fmt.Errorf("AssignReplicasToDirs was answered by %T", response)
	}
	if err := kerr.ErrorForCode(resp.ErrorCode); err != nil {
		return batch, err // of another registration; the next try has the new epoch
	}
	// Topics that are unknown by now, and replicas that are none, have nothing left to lose: every answer is one.
	for _, each := range batch {
		if each.lost {
			each.partition.place().jobs.add(each.partition.recover)
		}
	}
	return nil, nil
}

func (s *lossSender) request(batch []lossNews) *kmsg.AssignReplicasToDirsRequest {
	req := kmsg.NewPtrAssignReplicasToDirsRequest()
	req.BrokerID = s.manager.cfg.NodeID
	req.BrokerEpoch = s.manager.cfg.Controller.BrokerEpoch()
	for _, each := range batch {
		id := each.partition.place().id
		if each.lost {
			id = LostDirectory
		}
		at := slices.IndexFunc(req.Directories, func(d kmsg.AssignReplicasToDirsRequestDirectory) bool { return d.ID == id })
		if at < 0 {
			at = len(req.Directories)
			directory := kmsg.NewAssignReplicasToDirsRequestDirectory()
			directory.ID = id
			req.Directories = append(req.Directories, directory)
		}
		topic := kmsg.NewAssignReplicasToDirsRequestDirectoryTopic()
		topic.TopicID = each.partition.topicID
		partition := kmsg.NewAssignReplicasToDirsRequestDirectoryTopicPartition()
		partition.Partition = each.partition.index
		topic.Partitions = append(topic.Partitions, partition)
		req.Directories[at].Topics = append(req.Directories[at].Topics, topic)
	}
	return req
}

// fail takes the replica offline after a disk error: nothing that it holds can be vouched for any more. p.mu is held.
func (p *Partition) fail(cause error) {
	if p.state != online {
		return
	}
	p.lead = nil
	p.refuseAll(kerr.KafkaStorageError)
	p.fireAll()
	p.endMove()
	p.manager.fetchers.remove(p)
	if p.stopCleaning != nil {
		p.stopCleaning()
	}
	p.lose(cause)
}

// lose begins what is told at the top of this file. p.mu is held.
func (p *Partition) lose(cause error) {
	p.state, p.lost = offline, true
	sometimes.Reached(sometimes.ReplicaLost)
	p.manager.cfg.Logger.Error("replica is offline: the disk failed", "partition", p.String(), "error", cause)
	p.manager.losses.tell(p, true)
	home := p.home
	p.manager.spawn(func() { home.probe(cause) })
}

// place is the directory that the replica is in now.
func (p *Partition) place() *logDir {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.home
}

// failedLog is fail for an error of log, unless another has taken its place meanwhile. p.mu is held.
func (p *Partition) failedLog(log *commitlog.Log, cause error) {
	if p.log == log {
		p.fail(cause)
	}
}

// resignOver has a leader whose disk can't read or write give way, when another replica is in sync: that one may have a better
// disk. The last one stays, as does one whose disk is only full, which passes. p.mu is held.
func (p *Partition) resignOver(log *commitlog.Log, answer *kerr.Error, cause error) {
	if answer == kerr.KafkaStorageError && !errors.Is(cause, env.ErrNoSpace) && p.lead != nil && len(p.lead.isr.committed) > 1 {
		p.failedLog(log, cause)
	}
}

// recover opens the log anew, after the controller has been told that it was lost.
func (p *Partition) recover() {
	p.cleanTurn.Lock() // whoever cleans has been told to stop
	defer p.cleanTurn.Unlock()
	p.mu.Lock()
	if p.state != offline || !p.lost {
		p.mu.Unlock()
		return
	}
	p.told = true
	if p.home.failed() != nil {
		p.mu.Unlock()
		return // until the node starts again
	}
	p.state = opening
	failed := p.log
	p.mu.Unlock()
	if failed != nil {
		if err := failed.Close(); err != nil {
			p.manager.cfg.Logger.Warn("a failed log is not closed", "partition", p.String(), "error", err)
		}
	}
	p.tryOpen(reopenPauseMin)
}

// ledElsewhere says that another node leads the partition, so that what this one lacks can be fetched. p.mu is held.
func (p *Partition) ledElsewhere() bool {
	return p.registration != nil && p.registration.Leader != metadata.NoLeader && p.registration.Leader != p.manager.cfg.NodeID
}

// found ends the recovery of a replica whose log is open again. p.mu is held.
func (p *Partition) found() {
	p.lost, p.told = false, false
	p.leaderID, p.leaderEpoch = metadata.NoLeader, -1 // whatever role comes next is a new one
	p.manager.cfg.Logger.Info("replica is whole again", "partition", p.String(), "logEndOffset", p.log.EndOffset())
	p.manager.losses.tell(p, false)
}
