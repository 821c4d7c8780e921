package api

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/commitlog"
	"odradek/broker/quota"
	"odradek/broker/record"
	"odradek/broker/replica"
)

// pendingProduce is a produce request whose partitions are being appended. It answers when the last of them is done.
//
// Partitions have places in one list, in the request's order. done may be called from any goroutine, for a partition during
// its append already; the one call more that begun makes keeps the answer back until all appends have been started.
type pendingProduce struct {
	h       *Handler
	call    call
	req     *kmsg.ProduceRequest
	results []replica.AppendResult
	next    int // place of the partition to append next
	pending []Pending
	bytes   int // of records, all partitions together
	// verdicts say, by place, what the coordinator said of a transaction; nil outside of one.
	verdicts []verdict

	mu      sync.Mutex
	waiting int // partitions not done, and 1 until begun
	timer   *time.Timer
}

func newPendingProduce(h *Handler, c call, req *kmsg.ProduceRequest) *pendingProduce {
	n, bytes := 0, 0
	for i := range req.Topics {
		n += len(req.Topics[i].Partitions)
		for j := range req.Topics[i].Partitions {
			bytes += len(req.Topics[i].Partitions[j].Records)
		}
	}
	return &pendingProduce{
		h: h, call: c, req: req, results: make([]replica.AppendResult, n), pending: make([]Pending, 0, n), waiting: n + 1, bytes: bytes,
	}
}

// refuseAll answers all partitions with one error.
func (p *pendingProduce) refuseAll(err error) {
	for i := range p.results {
		p.results[i] = refused(err)
	}
	p.answer()
}

// done takes a partition's result.
func (p *pendingProduce) done(at int, result replica.AppendResult) {
	p.results[at] = result
	p.finish()
}

// begun says that every append has been started: the request's bytes are no longer needed, and what is not done yet is
// waited for.
func (p *pendingProduce) begun() {
	p.mu.Lock()
	wait := p.waiting > 1
	if wait {
		p.arm()
	}
	p.mu.Unlock()
	if wait {
		// The names and ids for the answer are copies; only the records point into the frame, and the log has them.
		for t := range p.req.Topics {
			for i := range p.req.Topics[t].Partitions {
				p.req.Topics[t].Partitions[i].Records = nil
			}
		}
		p.call.Release()
	}
	p.finish()
}

func (p *pendingProduce) finish() {
	p.mu.Lock()
	p.waiting--
	last := p.waiting == 0
	if last && p.timer != nil {
		p.timer.Stop()
	}
	p.mu.Unlock()
	if last {
		p.answer()
	}
}

func (p *pendingProduce) answer() {
	p.call.meter.use(quota.ProduceBytes, p.bytes)
	if p.req.Acks == 0 {
		p.endUnanswered()
		return
	}
	img := p.h.Controller.Image()
	var leaders endpoints
	resp := kmsg.NewPtrProduceResponse()
	resp.Topics = make([]kmsg.ProduceResponseTopic, len(p.req.Topics))
	partitions := make([]kmsg.ProduceResponseTopicPartition, len(p.results))
	at := 0
	for t := range p.req.Topics {
		asked := &p.req.Topics[t]
		topic := &resp.Topics[t]
		topic.Topic, topic.TopicID = asked.Topic, asked.TopicID
		topic.Partitions = partitions[at : at+len(asked.Partitions)]
		for i := range asked.Partitions {
			p.fill(&topic.Partitions[i], asked.Partitions[i].Partition, at)
			if leader := p.results[at].CurrentLeaderID; p.results[at].Err != nil && leader >= 0 && p.call.Version >= 10 {
				leaders.add(img, leader)
			}
			at++
		}
	}
	resp.Brokers = leaders.forProduce()
	p.call.reply(resp)
}

func (p *pendingProduce) fill(to *kmsg.ProduceResponseTopicPartition, index int32, at int) {
	result := &p.results[at]
	to.Default()
	to.Partition = index
	if result.Err != nil {
		to.ErrorCode = codeFor(p.call, result.Err)
		to.BaseOffset = -1
		if errors.Is(result.Err, record.ErrCorrupt) {
			text := result.Err.Error()
			to.ErrorMessage = &text
		}
		explainRecords(to, result.InvalidRecords)
		p.explainVerdict(to, at)
		to.CurrentLeader.LeaderID, to.CurrentLeader.LeaderEpoch = result.CurrentLeaderID, result.CurrentLeaderEpoch
		return
	}
	to.BaseOffset = result.FirstOffset
	to.LogAppendTime = result.LogAppendTime
	to.LogStartOffset = result.LogStartOffset
}

// explainRecords says which records were the reason for a refusal, if some were (KIP-467).
func explainRecords(to *kmsg.ProduceResponseTopicPartition, invalid *commitlog.InvalidRecordsError) {
	if invalid == nil {
		return
	}
	message := fmt.Sprintf("One or more records have been rejected due to %d record errors in total", invalid.Total)
	if errors.Is(invalid, commitlog.ErrInvalidTimestamp) {
		message = "One or more records have been rejected due to invalid timestamp"
	}
	to.ErrorMessage = &message
	to.ErrorRecords = make([]kmsg.ProduceResponseTopicPartitionErrorRecord, len(invalid.Indexes))
	for i, index := range invalid.Indexes {
		to.ErrorRecords[i].RelativeOffset, to.ErrorRecords[i].ErrorMessage = index, &invalid.Reason
	}
}

// explainVerdict says why records were not found part of a transaction, where the code alone would not.
func (p *pendingProduce) explainVerdict(to *kmsg.ProduceResponseTopicPartition, at int) {
	if p.verdicts == nil {
		return
	}
	message := "Partition was not added to the transaction"
	switch p.verdicts[at].err {
	case kerr.InvalidTxnState:
	case kerr.NotEnoughReplicas:
		message = "Unable to verify the partition has been added to the transaction"
	default:
		return
	}
	to.ErrorMessage = &message
}

// endUnanswered ends a produce with acks 0.
func (p *pendingProduce) endUnanswered() {
	at := 0
	for t := range p.req.Topics {
		for i := range p.req.Topics[t].Partitions {
			if err := p.results[at].Err; err != nil {
				p.call.Disconnect(produceFailure(p.req.Topics[t].Topic, p.req.Topics[t].Partitions[i].Partition, codeFor(p.call, err)))
				return
			}
			at++
		}
	}
	p.call.noReply()
}
