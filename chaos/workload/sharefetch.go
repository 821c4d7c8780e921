package workload

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/linearizability/history"
)

// settlement is an operation under way: what a request says of a partition's records for good.
type settlement struct {
	at sharePlace
	id int64
}

// fetch is one request to a leader: it says what is to be said of the records acquired before, and acquires others. After an error the
// session begins anew, and what was acquired in it is somebody's again when its locks end. It says whether all went well.
func (m *sharer) fetch(ctx context.Context, node int32, s *shareSession) (well bool) {
	req, settlements := m.request(node, s)
	taking := m.invoke(history.Event{Op: history.Take, Group: m.plan.Name})
	limited, cancel := context.WithTimeout(ctx, askTimeout)
	resp, err := m.client.Broker(int(node)).Request(limited, req)
	cancel()
	var answer *kmsg.ShareFetchResponse
	if err == nil {
		answer = resp.(*kmsg.ShareFetchResponse)
		err = kerr.ErrorForCode(answer.ErrorCode)
	}
	s.words = map[sharePlace][]word{}
	if err != nil {
		for _, each := range settlements {
			m.end(each.id, history.Settle, history.Info, history.Event{Error: err.Error()})
		}
		m.end(taking, history.Take, history.Info, history.Event{Error: err.Error()})
		s.epoch, s.has = 0, nil
		return false
	}
	s.epoch++
	m.settled(settlements, answer)
	runs := []history.Run{}
	well = true
	for _, topic := range answer.Topics {
		for i := range topic.Partitions {
			well = well && topic.Partitions[i].ErrorCode == 0
			runs = m.acquired(s, sharePlace{topic.TopicID, topic.Partitions[i].Partition}, &topic.Partitions[i], runs)
		}
	}
	m.end(taking, history.Take, history.OK, history.Event{Runs: runs})
	if len(runs) > 0 && m.plan.Pause > 0 && time.Until(m.until) > memberSettles {
		pause(ctx, m.plan.Pause.D())
	}
	return well
}

// request is the next of a session: partitions that are new to it, partitions that are no more, and words. What is said for good is
// written down.
func (m *sharer) request(node int32, s *shareSession) (*kmsg.ShareFetchRequest, []settlement) {
	req := kmsg.NewPtrShareFetchRequest()
	req.GroupID, req.MemberID, req.ShareSessionEpoch = &m.plan.Name, &m.id, s.epoch
	req.MaxWaitMillis, req.MinBytes, req.MaxBytes, req.MaxRecords, req.BatchSize = shareWaitMs, 1, shareBytesMax, shareRecordsMax, shareRecordsMax
	var wanted []sharePlace
	for _, at := range m.assigned {
		if m.leaders[at].node == node {
			wanted = append(wanted, at)
		}
	}
	var settlements []settlement
	for _, at := range wanted {
		part := kmsg.NewShareFetchRequestTopicPartition()
		part.Partition, part.PartitionMaxBytes = at.partition, shareBytesMax
		positions := []history.Position{}
		for _, w := range s.words[at] {
			batch := kmsg.NewShareFetchRequestTopicPartitionAcknowledgementBatch()
			batch.FirstOffset, batch.LastOffset, batch.AcknowledgeTypes = w.offset, w.offset, []int8{w.kind}
			part.AcknowledgementBatches = append(part.AcknowledgementBatches, batch)
			if w.kind == accepts || w.kind == rejects {
				positions = append(positions, history.Position{Topic: m.names[at.topic], Partition: at.partition, Offset: w.offset, LeaderEpoch: m.leaders[at].epoch})
			}
		}
		if len(positions) > 0 {
			settlements = append(settlements, settlement{at, m.invoke(history.Event{Op: history.Settle, Group: m.plan.Name, Positions: positions})})
		}
		i := slices.IndexFunc(req.Topics, func(t kmsg.ShareFetchRequestTopic) bool { return t.TopicID == at.topic })
		if i < 0 {
			topic := kmsg.NewShareFetchRequestTopic()
			topic.TopicID = at.topic
			i, req.Topics = len(req.Topics), append(req.Topics, topic)
		}
		req.Topics[i].Partitions = append(req.Topics[i].Partitions, part)
	}
	for _, at := range s.has {
		if !slices.Contains(wanted, at) {
			gone := kmsg.NewShareFetchRequestForgottenTopicsData()
			gone.TopicID, gone.Partitions = at.topic, []int32{at.partition}
			req.ForgottenTopicsData = append(req.ForgottenTopicsData, gone)
		}
	}
	s.has = wanted
	return req, settlements
}

var errNoWord = errors.New("the answer says nothing of it")

// settled takes the leader's word on what was said for good.
func (m *sharer) settled(settlements []settlement, answer *kmsg.ShareFetchResponse) {
	for _, each := range settlements {
		err := errNoWord
		for _, topic := range answer.Topics {
			for _, part := range topic.Partitions {
				if topic.TopicID == each.at.topic && part.Partition == each.at.partition {
					err = kerr.ErrorForCode(part.AcknowledgeErrorCode)
				}
			}
		}
		if err == nil {
			m.end(each.id, history.Settle, history.OK, history.Event{})
		} else {
			m.end(each.id, history.Settle, history.Info, history.Event{Error: err.Error()})
		}
	}
}

// acquired adds a partition's acquired records to runs, and forms an opinion on each.
func (m *sharer) acquired(s *shareSession, at sharePlace, part *kmsg.ShareFetchResponseTopicPartition, runs []history.Run) []history.Run {
	if part.ErrorCode != 0 {
		m.askedAt = m.askedAt.Add(-leadersMaxAge) // who leads it has changed, perhaps
		return runs
	}
	if len(part.AcquiredRecords) == 0 {
		return runs
	}
	held := func(offset int64) bool {
		return slices.ContainsFunc(part.AcquiredRecords, func(r kmsg.ShareFetchResponseTopicPartitionAcquiredRecord) bool {
			return offset >= r.FirstOffset && offset <= r.LastOffset
		})
	}
	records := kmsg.NewFetchResponseTopicPartition()
	records.Partition, records.RecordBatches = at.partition, part.Records
	opts := kgo.ProcessFetchPartitionOpts{Topic: m.names[at.topic], Partition: at.partition, KeepControlRecords: true}
	fetched, _ := kgo.ProcessFetchPartition(opts, &records, kgo.DefaultDecompressor(), nil)
	got := kgo.FetchTopicPartition{Topic: opts.Topic, FetchPartition: fetched}
	got.Records = slices.DeleteFunc(got.Records, func(r *kgo.Record) bool { return !held(r.Offset) })
	has := map[int64]bool{}
	for _, r := range got.Records {
		has[r.Offset] = true
		if kind := m.opinion(); kind != 0 {
			s.words[at] = append(s.words[at], word{r.Offset, kind})
		}
	}
	// Offsets without a record were acquired as well: of those there is nothing to say but that.
	const gap = 0
	for _, r := range part.AcquiredRecords {
		for offset := r.FirstOffset; offset <= r.LastOffset; offset++ {
			if !has[offset] {
				s.words[at] = append(s.words[at], word{offset, gap})
			}
		}
	}
	slices.SortFunc(s.words[at], func(a, b word) int { return int(a.offset - b.offset) })
	begun := len(runs)
	runs = appendRuns(runs, got)
	for i := begun; i < len(runs); i++ {
		runs[i].LeaderEpoch = m.leaders[at].epoch
	}
	return runs
}
