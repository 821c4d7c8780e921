package vectors

import (
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// transactor is a transactional producer of a script.
type transactor struct {
	*player
	id       string
	producer int64
	epoch    int16
}

// transactor is given its producer id.
func (p *player) transactor(id string) *transactor {
	t := &transactor{player: p, id: id, producer: -1, epoch: -1}
	t.await("the coordinator of "+id, func() (bool, error) {
		find := kmsg.NewPtrFindCoordinatorRequest()
		find.Version, find.CoordinatorType, find.CoordinatorKeys = 4, 1, []string{id}
		resp, err := p.client.ask(find, find.Version)
		if err != nil || resp.(*kmsg.FindCoordinatorResponse).Coordinators[0].ErrorCode != 0 {
			return false, err
		}
		describe := kmsg.NewPtrDescribeTransactionsRequest()
		describe.TransactionalIDs = []string{id}
		resp, err = p.client.ask(describe, 0)
		const transactionalIDNotFound = 105
		if err != nil {
			return false, err
		}
		code := resp.(*kmsg.DescribeTransactionsResponse).TransactionStates[0].ErrorCode
		return code == 0 || code == transactionalIDNotFound, nil
	})
	p.awaitProducerIDs()
	t.init("initial producer", 5, nil)
	return t
}

// init asks for a producer id and takes what is given.
func (t *transactor) init(name string, version int16, change func(*kmsg.InitProducerIDRequest)) {
	req := kmsg.NewPtrInitProducerIDRequest()
	req.TransactionalID, req.TransactionTimeoutMillis = &t.id, 60_000
	if change != nil {
		change(req)
	}
	resp, _ := t.do(name, version, req).(*kmsg.InitProducerIDResponse)
	if resp != nil && resp.ErrorCode == 0 {
		t.producer, t.epoch = resp.ProducerID, resp.ProducerEpoch
	}
}

func (t *transactor) resumes(req *kmsg.InitProducerIDRequest) {
	req.ProducerID, req.ProducerEpoch = t.producer, t.epoch
}

// settled waits, outside of the script, until a transaction's markers are written.
func (t *transactor) settled() {
	req := kmsg.NewPtrDescribeTransactionsRequest()
	req.TransactionalIDs = []string{t.id}
	t.await("the end of "+t.id, func() (bool, error) {
		resp, err := t.client.ask(req, 0)
		if err != nil {
			return false, err
		}
		state := resp.(*kmsg.DescribeTransactionsResponse).TransactionStates[0].State
		return state != "PrepareCommit" && state != "PrepareAbort", nil
	})
}

func (t *transactor) addition(topic string, partitions ...int32) *kmsg.AddPartitionsToTxnRequest {
	req := kmsg.NewPtrAddPartitionsToTxnRequest()
	req.TransactionalID, req.ProducerID, req.ProducerEpoch = t.id, t.producer, t.epoch
	req.Topics = []kmsg.AddPartitionsToTxnRequestTopic{{Topic: topic, Partitions: partitions}}
	return req
}

func (t *transactor) add(topic string, partitions ...int32) {
	t.do("add", 3, t.addition(topic, partitions...))
}

// end ends the transaction and waits until it has.
func (t *transactor) end(name string, version int16, commit bool, change func(*kmsg.EndTxnRequest)) {
	req := kmsg.NewPtrEndTxnRequest()
	req.TransactionalID, req.ProducerID, req.ProducerEpoch, req.Commit = t.id, t.producer, t.epoch, commit
	if change != nil {
		change(req)
	}
	resp, _ := t.do(name, version, req).(*kmsg.EndTxnResponse)
	if version >= 5 && resp != nil && resp.ErrorCode == 0 {
		t.producer, t.epoch = resp.ProducerID, resp.ProducerEpoch
	}
	t.settled()
}

func (t *transactor) describe(name string) {
	req := kmsg.NewPtrDescribeTransactionsRequest()
	req.TransactionalIDs = []string{t.id}
	t.do(name, 0, req)
}

func (t *transactor) records(sequence int32, records int) []byte {
	return batch{records: records, producer: t.producer, epoch: t.epoch, sequence: sequence, attributes: 1 << 4}.bytes()
}

func (t *transactor) produces(topic string, partition, sequence int32) *kmsg.ProduceRequest {
	req := t.producing(-1, part{topic, partition, t.records(sequence, 1)})
	req.TransactionID = &t.id
	return req
}

func initTransactionalID(p *player) {
	p.make("init-t", 1)
	for v := int16(0); v <= 5; v++ {
		t := p.transactor(fmt.Sprint("init-", v))
		t.init("again", v, nil)
		for name, ms := range ordered("no time", 0, "negative time", -1, "the longest time", 900_000, "too long a time", 900_001) {
			t.init(name, v, func(req *kmsg.InitProducerIDRequest) { req.TransactionTimeoutMillis = int32(ms) })
		}
		if v >= 3 {
			first := *t
			t.init("resumes", v, t.resumes)
			t.init("resumes with the epoch before, as a retry", v, first.resumes)
			t.init("resumes again", v, t.resumes)
			t.init("resumes with an old epoch", v, first.resumes)
			t.init("another's id", v, func(req *kmsg.InitProducerIDRequest) {
				req.ProducerID, req.ProducerEpoch = t.producer+1_000_000, t.epoch
			})
			t.init("epoch of the future", v, func(req *kmsg.InitProducerIDRequest) { req.ProducerID, req.ProducerEpoch = t.producer, t.epoch+1 })
			other := &transactor{player: p, id: fmt.Sprint("init-unknown-", v), producer: 7, epoch: 3}
			other.init("unknown, with an id", v, other.resumes)
		}
		t.add("init-t", 0)
		t.init("in a transaction", v, nil)
		t.settled()
		t.describe("aborted by that")
		t.init("after the transaction", v, nil)
		if v >= 3 {
			t.add("init-t", 0)
			t.init("in a transaction, resuming", v, t.resumes)
			t.settled()
			t.init("after the transaction, resuming", v, t.resumes)
		}
		t.describe("at last")
		t.do("in a transaction of version 2", 12, t.produces("init-t", 0, 0))
		t.init("in a transaction of version 2", v, nil)
		t.settled()
		t.describe("aborted by that, in version 2")
		t.end("commit what was aborted by that", 5, true, nil)
		t.end("abort what was aborted by that", 5, false, nil)
		t.init("after the transaction of version 2", v, nil)
	}
}

func addPartitions(p *player) {
	p.make("add-t", 3)
	for v := int16(0); v <= 3; v++ {
		t := p.transactor(fmt.Sprint("add-", v))
		t.do("add", v, t.addition("add-t", 0, 1))
		t.do("again", v, t.addition("add-t", 0))
		t.do("unknown topic", v, t.addition("add-unknown", 0))
		t.do("unknown partition", v, t.addition("add-t", 2, 9))
		t.do("internal topic", v, t.addition("__consumer_offsets", 0))
		none := t.addition("add-t")
		none.Topics = nil
		t.do("nothing", v, none)
		for name, change := range t.wrong() {
			req := t.addition("add-t", 2)
			change(&req.TransactionalID, &req.ProducerID, &req.ProducerEpoch)
			t.do(name, v, req)
		}
		t.describe("what is in it")
		t.end("commit", 3, true, nil)
	}
	for v := int16(4); v <= 5; v++ {
		addInBatches(p, v)
	}
}

// wrong are ways not to be the producer of a transaction.
func (t *transactor) wrong() func(yield func(string, func(id *string, producer *int64, epoch *int16)) bool) {
	return func(yield func(string, func(id *string, producer *int64, epoch *int16)) bool) {
		_ = yield("another producer id", func(_ *string, producer *int64, _ *int16) { *producer += 1_000_000 }) &&
			yield("an old epoch", func(_ *string, _ *int64, epoch *int16) { *epoch-- }) &&
			yield("an epoch of the future", func(_ *string, _ *int64, epoch *int16) { *epoch++ }) &&
			yield("unknown transactional id", func(id *string, _ *int64, _ *int16) { *id = "unknown-" + *id }) &&
			yield("empty transactional id", func(id *string, _ *int64, _ *int16) { *id = "" })
	}
}

func addInBatches(p *player, v int16) {
	one, two := p.transactor(fmt.Sprint("add-one-", v)), p.transactor(fmt.Sprint("add-two-", v))
	two.add("add-t", 1)
	of := func(t *transactor, verify bool, topic string, partitions ...int32) kmsg.AddPartitionsToTxnRequestTransaction {
		each := kmsg.NewAddPartitionsToTxnRequestTransaction()
		each.TransactionalID, each.ProducerID, each.ProducerEpoch, each.VerifyOnly = t.id, t.producer, t.epoch, verify
		each.Topics = []kmsg.AddPartitionsToTxnRequestTransactionTopic{{Topic: topic, Partitions: partitions}}
		return each
	}
	ask := func(name string, transactions ...kmsg.AddPartitionsToTxnRequestTransaction) {
		req := kmsg.NewPtrAddPartitionsToTxnRequest()
		req.Transactions = transactions
		p.do(name, v, req)
	}
	ask("verify what is not begun", of(one, true, "add-t", 0))
	ask("add one, verify two", of(one, false, "add-t", 0), of(two, true, "add-t", 0, 1))
	ask("verify both", of(one, true, "add-t", 0), of(two, true, "add-t", 1))
	ask("unknown topic", of(one, false, "add-unknown", 0))
	ask("unknown partition", of(one, false, "add-t", 0, 9))
	ask("verify unknown topic", of(one, true, "add-unknown", 0))
	for name, change := range one.wrong() {
		for _, verify := range []bool{false, true} {
			each := of(one, verify, "add-t", 0)
			change(&each.TransactionalID, &each.ProducerID, &each.ProducerEpoch)
			ask(name, each, of(two, false, "add-t", 2))
		}
	}
	one.end("commit", 5, true, nil)
	ask("verify what is over", of(one, true, "add-t", 0))
	two.end("abort", 3, false, nil)
	ask("verify what is over", of(two, true, "add-t", 1))
}

func addOffsets(p *player) {
	p.make("offsets-t", 1)
	p.coordinated()
	for v := int16(0); v <= 4; v++ {
		t := p.transactor(fmt.Sprint("offsets-", v))
		asking := func(group string) *kmsg.AddOffsetsToTxnRequest {
			req := kmsg.NewPtrAddOffsetsToTxnRequest()
			req.TransactionalID, req.ProducerID, req.ProducerEpoch, req.Group = t.id, t.producer, t.epoch, group
			return req
		}
		t.do("add", v, asking("offsets-group"))
		t.do("again", v, asking("offsets-group"))
		t.do("no group", v, asking(""))
		for name, change := range t.wrong() {
			req := asking("offsets-group")
			change(&req.TransactionalID, &req.ProducerID, &req.ProducerEpoch)
			t.do(name, v, req)
		}
		t.end("abort", 3, false, nil)
	}
}

func endTxn(p *player) {
	p.make("end-t", 2)
	for v := int16(0); v <= 5; v++ {
		t := p.transactor(fmt.Sprint("end-", v))
		t.end("commit nothing", v, true, nil)
		t.end("abort nothing", v, false, nil)
		t.describe("nothing")
		for _, commit := range []bool{true, false} {
			t.add("end-t", 0, 1)
			for name, change := range t.wrong() {
				t.end(name, v, commit, func(req *kmsg.EndTxnRequest) { change(&req.TransactionalID, &req.ProducerID, &req.ProducerEpoch) })
			}
			before := *t
			t.end("end", v, commit, nil)
			t.describe("ended")
			again := before
			again.end("end again", v, commit, nil)
			again = before
			again.end("end otherwise", v, !commit, nil)
			t.end("end without a transaction", v, commit, nil)
			t.end("end otherwise without a transaction", v, !commit, nil)
			if v < 5 {
				t.init("initialized", 5, nil)
				t.end("end after that", v, commit, nil)
			}
		}
		t.describe("at last")
	}
}

func produceTransactional(p *player) {
	p.make("txn-t", 2)
	for v := int16(3); v <= 13; v++ {
		t := p.transactor(fmt.Sprint("produce-", v))
		next := int32(0)
		send := func(name string, partition int32, sequence int32) bool {
			resp, _ := t.do(name, v, t.produces("txn-t", partition, sequence)).(*kmsg.ProduceResponse)
			return resp != nil && resp.Topics[0].Partitions[0].ErrorCode == 0
		}
		if send("without a transaction", 0, 0) {
			next++
		}
		t.describe("what is begun")
		t.add("txn-t", 0)
		send("in a transaction", 0, next)
		send("repeated", 0, next)
		send("next", 0, next+1)
		send("gap", 0, next+9)
		send("a partition that was not added", 1, 0)
		next += 2
		for name, change := range t.wrong() {
			other := *t
			change(&other.id, &other.producer, &other.epoch)
			resp, _ := t.do(name, v, other.produces("txn-t", 0, next)).(*kmsg.ProduceResponse)
			if resp != nil && resp.Topics[0].Partitions[0].ErrorCode == 0 {
				next++
			}
			t.do(name+", another partition", v, other.produces("txn-t", 1, 5))
		}
		req := t.produces("txn-t", 0, next)
		req.TransactionID = nil
		t.do("without the transactional id", v, req)
		req = t.producing(-1, part{"txn-t", 0, plain(1).bytes()})
		req.TransactionID = &t.id
		t.do("with a batch of none", v, req)
		req = t.producing(-1, part{"txn-t", 0, batch{records: 1, producer: t.producer, epoch: t.epoch, sequence: next}.bytes()})
		t.do("outside of the transaction", v, req)
		t.end("commit", 3, true, nil)
		if send("after the end", 0, next) {
			next++
		}
		send("repeated after the end", 0, next-1)
		if v >= 12 {
			t.end("abort", 5, false, nil)
			send("in the next epoch", 0, 0)
			t.end("commit", 5, true, nil)
		}
	}
}

func fetchCommitted(p *player) {
	p.make("committed-t", 1)
	one, two := p.transactor("committed-one"), p.transactor("committed-two")
	list := func(name string, offset int64) {
		for _, v := range []int16{4, 11, 12, 18} {
			req := p.fetching(0, -1, want{"committed-t", 0, offset})
			req.IsolationLevel, req.MaxWaitMillis = 1, 0
			p.do("committed: "+name, v, req)
		}
		req := kmsg.NewPtrListOffsetsRequest()
		req.ReplicaID, req.IsolationLevel = -1, 1
		q := kmsg.NewListOffsetsRequestTopicPartition()
		q.Partition, q.Timestamp = 0, -1
		req.Topics = []kmsg.ListOffsetsRequestTopic{{Topic: "committed-t", Partitions: []kmsg.ListOffsetsRequestTopicPartition{q}}}
		p.do("committed: latest, "+name, 7, req)
		producers := kmsg.NewPtrDescribeProducersRequest()
		producers.Topics = []kmsg.DescribeProducersRequestTopic{{Topic: "committed-t", Partitions: []int32{0, 5}}, {Topic: "committed-unknown", Partitions: []int32{0}}}
		p.do("producers: "+name, 0, producers)
	}
	list("empty", 0)
	one.add("committed-t", 0)
	two.add("committed-t", 0)
	one.do("produce", 9, one.produces("committed-t", 0, 0)) // 0
	two.do("produce", 9, two.produces("committed-t", 0, 0)) // 1
	one.do("produce", 9, one.produces("committed-t", 0, 1)) // 2
	list("both open", 0)
	two.end("abort", 3, false, nil) // 3
	list("the second aborted", 0)
	one.end("abort", 3, false, nil) // 4
	list("both aborted", 0)
	one.add("committed-t", 0)
	one.do("produce", 9, one.produces("committed-t", 0, 2)) // 5
	one.end("commit", 3, true, nil)                         // 6
	list("one committed", 0)
	list("after the aborted records", 3)
	list("after the aborted markers", 5)
}

func describeTransactions(p *player) {
	p.make("known-t", 2)
	t := p.transactor("known")
	t.describe("empty")
	t.add("known-t", 0, 1)
	t.describe("ongoing")
	other := p.transactor("known-other")
	time.Sleep(settlePause) // or it was begun in the millisecond in which it is asked for, and is of no age at all
	list := func(name string, v int16, change func(*kmsg.ListTransactionsRequest)) {
		req := kmsg.NewPtrListTransactionsRequest()
		req.DurationFilterMillis = -1
		req.ProducerIDFilters = []int64{t.producer, other.producer}
		change(req)
		p.do(name, v, req)
	}
	for v := int16(0); v <= 2; v++ {
		list("list", v, func(*kmsg.ListTransactionsRequest) {})
		list("list ongoing", v, func(req *kmsg.ListTransactionsRequest) { req.StateFilters = []string{"Ongoing"} })
		list("list unknown states", v, func(req *kmsg.ListTransactionsRequest) { req.StateFilters = []string{"Empty", "Wild", "ongoing"} })
		if v >= 1 {
			list("list old", v, func(req *kmsg.ListTransactionsRequest) { req.DurationFilterMillis = 1_000_000 })
			time.Sleep(5 * time.Millisecond) // of any age above 0: a broker in memory may come here in the same millisecond
			list("list of any age", v, func(req *kmsg.ListTransactionsRequest) { req.DurationFilterMillis = 0 })
		}
		if v >= 2 {
			list("list by pattern", v, func(req *kmsg.ListTransactionsRequest) { req.TransactionalIDPattern = text("known-.*") })
			list("list by a pattern that is none", v, func(req *kmsg.ListTransactionsRequest) { req.TransactionalIDPattern = text("(") })
			list("list by an empty pattern", v, func(req *kmsg.ListTransactionsRequest) { req.TransactionalIDPattern = text("") })
		}
	}
	t.end("commit", 3, true, nil)
	t.describe("committed")
	t.add("known-t", 0)
	t.end("abort", 3, false, nil)
	t.describe("aborted")
	(&transactor{player: p, id: "known-to-nobody"}).describe("unknown")
	(&transactor{player: p, id: ""}).describe("no id")
}
