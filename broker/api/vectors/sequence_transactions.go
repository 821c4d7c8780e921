package vectors

import "github.com/twmb/franz-go/pkg/kmsg"

// Who a transactional producer says that it is.
var (
	transactionNames = []string{"x0", "x1"}
	claimNames       = []string{"its own", "another producer id", "an old epoch", "an epoch of the future", "unknown transactional id", "empty transactional id"}
)

var transactionMoves = []Kind{
	{"init producer", kmsg.InitProducerID, dims("transaction", []string{"x0", "x1", "none", ""}, "timeout", []string{"60000", "0", "-1", "900001"}, "resumes", []string{"no", "its own", "an old epoch", "an epoch of the future", "another producer id"}), (*sequencer).initProducer},
	{"add partition", kmsg.AddPartitionsToTxn, dims("transaction", transactionNames, "claims", claimNames, "topic", topicNames, "partition", partitionNames), (*sequencer).addPartition},
	{"add group", kmsg.AddOffsetsToTxn, dims("transaction", transactionNames, "claims", claimNames, "group", groupNames), (*sequencer).addsGroup},
	{"produce in transaction", kmsg.Produce, dims("transaction", transactionNames, "topic", topicNames, "partition", partitionNames, "sequence", sequenceNames, "epoch", []string{"0", "1", "-1"}, "attribute", []string{"yes", "no"}), (*sequencer).produceInTransaction},
	{"commit offset in transaction", kmsg.TxnOffsetCommit, dims("transaction", transactionNames, "claims", claimNames, "group", ownGroupNames, "topic", topicNames, "partition", partitionNames, "member", []string{"nobody", "current", "stranger"}, "generation", []string{"-1", "current", "after"}), (*sequencer).commitInTransaction},
	{"end transaction", kmsg.EndTxn, dims("transaction", transactionNames, "claims", claimNames, "commits", []string{"yes", "no"}), (*sequencer).endTransaction},
	{"describe transaction", kmsg.DescribeTransactions, dims("transaction", []string{"x0", "x1", "x2", ""}), (*sequencer).describeTransaction},
}

// transaction is the producer of a transactional id, which asked for its first producer id before.
func (s *sequencer) transaction(name string) *drawnProducer {
	return s.producer(name, func(p *drawnProducer) { p.init("drawn: a transactional producer", 5, nil) })
}

// claim changes a request to what is claimed.
func (p *drawnProducer) claim(with options, id *string, producer *int64, epoch *int16) {
	for name, change := range p.wrong() {
		if name == with["claims"] || name == with["resumes"] {
			change(id, producer, epoch)
		}
	}
}

func (s *sequencer) initProducer(version int16, with options) {
	req := kmsg.NewPtrInitProducerIDRequest()
	req.TransactionTimeoutMillis = int32(with.number("timeout"))
	name := with["transaction"]
	if name == "none" || name == "" {
		if name == "" {
			req.TransactionalID = &name
		}
		s.ask(version, req)
		return
	}
	p := s.transaction(name)
	id := p.id
	req.TransactionalID = &id
	if with["resumes"] != "no" {
		p.resumes(req)
		p.claim(with, &id, &req.ProducerID, &req.ProducerEpoch)
	}
	resp, _ := s.ask(version, req).(*kmsg.InitProducerIDResponse)
	if resp != nil && resp.ErrorCode == 0 {
		p.producer, p.epoch = resp.ProducerID, resp.ProducerEpoch
		clear(p.next)
	}
	p.settled()
}

func (s *sequencer) addPartition(version int16, with options) {
	p := s.transaction(with["transaction"])
	req := p.addition(s.topic(with["topic"]), with.partition())
	p.claim(with, &req.TransactionalID, &req.ProducerID, &req.ProducerEpoch)
	each := kmsg.NewAddPartitionsToTxnRequestTransaction()
	each.TransactionalID, each.ProducerID, each.ProducerEpoch = req.TransactionalID, req.ProducerID, req.ProducerEpoch
	each.Topics = []kmsg.AddPartitionsToTxnRequestTransactionTopic{{Topic: req.Topics[0].Topic, Partitions: req.Topics[0].Partitions}}
	req.Transactions = append(req.Transactions, each)
	s.ask(version, req)
}

func (s *sequencer) addsGroup(version int16, with options) {
	p := s.transaction(with["transaction"])
	req := kmsg.NewPtrAddOffsetsToTxnRequest()
	req.TransactionalID, req.ProducerID, req.ProducerEpoch, req.Group = p.id, p.producer, p.epoch, s.group(with["group"])
	p.claim(with, &req.TransactionalID, &req.ProducerID, &req.ProducerEpoch)
	s.ask(version, req)
}

func (s *sequencer) produceInTransaction(version int16, with options) {
	p := s.transaction(with["transaction"])
	b := plain(2)
	if with["attribute"] == "yes" {
		b.attributes = 1 << 4
	}
	s.sends(p, version, with, b, &p.id)
}

func (s *sequencer) commitInTransaction(version int16, with options) {
	p := s.transaction(with["transaction"])
	req := p.committing(s.group(with["group"]), s.topic(with["topic"]), 5, with.partition())
	p.claim(with, &req.TransactionalID, &req.ProducerID, &req.ProducerEpoch)
	req.MemberID, req.Generation = s.who(with, s.classic)
	s.ask(version, req)
}

func (s *sequencer) endTransaction(version int16, with options) {
	p := s.transaction(with["transaction"])
	before := p.epoch
	p.end(s.said, version, with["commits"] == "yes", func(req *kmsg.EndTxnRequest) {
		p.claim(with, &req.TransactionalID, &req.ProducerID, &req.ProducerEpoch)
	})
	if p.epoch != before {
		clear(p.next)
	}
}

func (s *sequencer) describeTransaction(version int16, with options) {
	(&transactor{player: s.player, id: s.topic(with["transaction"])}).describe(s.said)
}
