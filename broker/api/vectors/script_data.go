package vectors

import "github.com/twmb/franz-go/pkg/kmsg"

// part is one partition's share of a produce.
type part struct {
	topic     string
	partition int32
	records   []byte
}

func (p *player) producing(acks int16, parts ...part) *kmsg.ProduceRequest {
	req := kmsg.NewPtrProduceRequest()
	req.Acks, req.TimeoutMillis = acks, requestTimeoutMs
	for i, each := range parts {
		if i == 0 || parts[i-1].topic != each.topic {
			t := kmsg.NewProduceRequestTopic()
			t.Topic, t.TopicID = each.topic, p.id(each.topic)
			req.Topics = append(req.Topics, t)
		}
		r := kmsg.NewProduceRequestTopicPartition()
		r.Partition, r.Records = each.partition, each.records
		t := &req.Topics[len(req.Topics)-1]
		t.Partitions = append(t.Partitions, r)
	}
	return req
}

func produce(p *player) {
	p.make("produce", 2)
	p.do("make small", 7, creation(topic("produce-small", 1, 1, "retention.ms", "-1", "max.message.bytes", "1000")))
	p.settle("produce-small", 1)
	p.awaitProducerIDs()
	for v := int16(3); v <= 13; v++ {
		p.do("acks 1", v, p.producing(1, part{"produce", 0, plain(2).bytes()}))
		p.do("acks all", v, p.producing(-1, part{"produce", 1, plain(3).bytes()}))
		p.do("acks 2", v, p.producing(2, part{"produce", 0, plain(1).bytes()}))
		p.do("unknown topic", v, p.producing(1, part{"produce-unknown", 0, plain(1).bytes()}))
		p.do("unknown partition", v, p.producing(1, part{"produce", 9, plain(1).bytes()}, part{"produce", 0, plain(1).bytes()}))
		p.do("bad checksum", v, p.producing(1, part{"produce", 0, batch{records: 1, producer: -1, epoch: -1, sequence: -1, spoilCRC: true}.bytes()}))
		p.do("two batches", v, p.producing(1, part{"produce", 0, append(plain(1).bytes(), plain(1).bytes()...)}))
		p.do("no batch", v, p.producing(1, part{"produce", 0, []byte{}}))
		p.do("batch of nothing", v, p.producing(1, part{"produce", 0, plain(0).bytes()}))
		p.do("cut short", v, p.producing(1, part{"produce", 0, plain(1).bytes()[:70]}))
		p.do("too large", v, p.producing(1, part{"produce-small", 0, batch{records: 1, producer: -1, epoch: -1, sequence: -1, valueBytes: 2000}.bytes()}))
		p.do("control batch", v, p.producing(1, part{"produce", 0, batch{records: 1, producer: -1, epoch: -1, sequence: -1, attributes: 1 << 5}.bytes()}))
		p.do("nothing at all", v, p.producing(1))
		p.idempotent(v)
	}
	old := plain(1).bytes()
	old[16] = 1
	p.do("old magic", 9, p.producing(1, part{"produce", 0, old}))
}

// counting makes a producer that counts, and returns what sends its batches to a partition; nil when it was refused.
func (p *player) counting(v int16, topic string, partition int32) func(name string, epoch int16, sequence int32, records int) {
	initial := kmsg.NewPtrInitProducerIDRequest()
	initial.TransactionTimeoutMillis = 60_000
	resp, _ := p.do("producer", 4, initial).(*kmsg.InitProducerIDResponse)
	if resp == nil {
		return nil
	}
	return func(name string, epoch int16, sequence int32, records int) {
		b := batch{records: records, producer: resp.ProducerID, epoch: epoch, sequence: sequence}
		p.do(name, v, p.producing(-1, part{topic, partition, b.bytes()}))
	}
}

// idempotent produces with sequence numbers, by a producer of its own.
func (p *player) idempotent(v int16) {
	send := p.counting(v, "produce", 1)
	if send == nil {
		return
	}
	send("first sequence", 0, 0, 2)
	send("next sequence", 0, 2, 2)
	send("repeated", 0, 2, 2)
	send("repeated, older", 0, 0, 2)
	send("gap", 0, 10, 1)
	send("new epoch, not from 0", 1, 5, 1)
	send("new epoch", 1, 0, 1)
	send("old epoch", 0, 4, 1)
}

// awaitProducerIDs waits, outside of the script, until the node has producer ids to give: the reference's first answers may
// be that it is still loading.
func (p *player) awaitProducerIDs() {
	req := kmsg.NewPtrInitProducerIDRequest()
	req.Version, req.TransactionTimeoutMillis = 4, 60_000
	p.await("producer ids", func() (bool, error) {
		resp, err := p.client.ask(req, req.Version)
		return err == nil && resp.(*kmsg.InitProducerIDResponse).ErrorCode == 0, err
	})
}

// want is one partition's share of a fetch.
type want struct {
	topic     string
	partition int32
	offset    int64
}

func (p *player) fetching(session, epoch int32, wants ...want) *kmsg.FetchRequest {
	req := kmsg.NewPtrFetchRequest()
	req.ReplicaID, req.MaxWaitMillis, req.MinBytes, req.MaxBytes = -1, 20, 1, 1<<20
	req.SessionID, req.SessionEpoch = session, epoch
	for i, each := range wants {
		if i == 0 || wants[i-1].topic != each.topic {
			t := kmsg.NewFetchRequestTopic()
			t.Topic, t.TopicID = each.topic, p.id(each.topic)
			req.Topics = append(req.Topics, t)
		}
		f := kmsg.NewFetchRequestTopicPartition()
		f.Partition, f.FetchOffset, f.PartitionMaxBytes = each.partition, each.offset, 1<<20
		t := &req.Topics[len(req.Topics)-1]
		t.Partitions = append(t.Partitions, f)
	}
	return req
}

func fetch(p *player) {
	p.make("fetch", 3)
	for range 3 {
		p.do("fill", 9, p.producing(-1, part{"fetch", 0, plain(2).bytes()}))
	}
	p.do("fill", 9, p.producing(-1, part{"fetch", 1, plain(4).bytes()}))
	for v := int16(4); v <= 18; v++ {
		p.do("two partitions", v, p.fetching(0, -1, want{"fetch", 0, 0}, want{"fetch", 1, 0}))
		p.do("from the middle of a batch", v, p.fetching(0, -1, want{"fetch", 0, 3}))
		p.do("at the end", v, p.fetching(0, -1, want{"fetch", 0, 6}))
		p.do("beyond the end", v, p.fetching(0, -1, want{"fetch", 0, 7}))
		p.do("before the start", v, p.fetching(0, -1, want{"fetch", 0, -2}))
		p.do("unknown topic", v, p.fetching(0, -1, want{"fetch-unknown", 0, 0}, want{"fetch", 1, 0}))
		p.do("unknown partition", v, p.fetching(0, -1, want{"fetch", 8, 0}))
		small := p.fetching(0, -1, want{"fetch", 0, 0}, want{"fetch", 1, 0})
		small.MaxBytes = 1
		p.do("one byte, at least one batch", v, small)
		small = p.fetching(0, -1, want{"fetch", 0, 0})
		small.Topics[0].Partitions[0].PartitionMaxBytes = 100
		p.do("partition's limit", v, small)
		committed := p.fetching(0, -1, want{"fetch", 0, 0})
		committed.IsolationLevel = 1
		p.do("read committed", v, committed)
		waits := p.fetching(0, -1, want{"fetch", 2, 0})
		waits.MaxWaitMillis = 0
		p.do("empty, no wait", v, waits)
		p.do("nothing at all", v, p.fetching(0, -1))
		if v >= 9 {
			p.fetchEpochs(v)
		}
		if v >= 7 {
			p.fetchSession(v)
		}
	}
}

func (p *player) fetchEpochs(v int16) {
	for _, epoch := range []int32{0, 5, -1} {
		req := p.fetching(0, -1, want{"fetch", 1, 0})
		req.Topics[0].Partitions[0].CurrentLeaderEpoch = epoch
		p.do("leader epoch", v, req)
	}
	if v >= 12 {
		req := p.fetching(0, -1, want{"fetch", 1, 2})
		req.Topics[0].Partitions[0].LastFetchedEpoch = 0
		p.do("last fetched epoch", v, req)
	}
}

func (p *player) fetchSession(v int16) {
	made, _ := p.do("new session", v, p.fetching(0, 0, want{"fetch", 0, 0}, want{"fetch", 1, 0}, want{"fetch", 2, 0})).(*kmsg.FetchResponse)
	if made == nil {
		return
	}
	id := made.SessionID
	p.do("incremental, nothing new", v, p.fetching(id, 1, want{"fetch", 0, 6}, want{"fetch", 1, 4}))
	p.do("incremental, one moved", v, p.fetching(id, 2, want{"fetch", 1, 0}))
	p.do("incremental, same answer again", v, p.fetching(id, 3))
	forget := p.fetching(id, 4)
	f := kmsg.NewFetchRequestForgottenTopic()
	f.Topic, f.TopicID, f.Partitions = "fetch", p.id("fetch"), []int32{1}
	forget.ForgottenTopics = append(forget.ForgottenTopics, f)
	p.do("incremental, forgotten", v, forget)
	p.do("incremental, out of range", v, p.fetching(id, 5, want{"fetch", 0, 99}))
	p.do("incremental, unknown partition", v, p.fetching(id, 6, want{"fetch", 0, 6}, want{"fetch", 9, 0}))
	p.do("incremental, unknown topic", v, p.fetching(id, 7, want{"fetch-unknown", 0, 0}))
	p.do("wrong epoch", v, p.fetching(id, 70))
	p.do("unknown session", v, p.fetching(12345, 1))
	p.do("closed", v, p.fetching(id, -1, want{"fetch", 0, 0}))
	p.do("after it was closed", v, p.fetching(id, 8))
}

func listOffsets(p *player) {
	p.make("offsets", 2)
	p.do("fill", 9, p.producing(-1, part{"offsets", 0, plain(3).bytes()}))
	p.do("fill", 9, p.producing(-1, part{"offsets", 0, plain(2).bytes()}))
	for v := int16(1); v <= 11; v++ {
		ask := func(topic string, partition, epoch int32, timestamp int64) *kmsg.ListOffsetsRequest {
			req := kmsg.NewPtrListOffsetsRequest()
			req.ReplicaID, req.TimeoutMillis = -1, requestTimeoutMs
			t := kmsg.NewListOffsetsRequestTopic()
			t.Topic = topic
			q := kmsg.NewListOffsetsRequestTopicPartition()
			q.Partition, q.CurrentLeaderEpoch, q.Timestamp = partition, epoch, timestamp
			t.Partitions = append(t.Partitions, q)
			req.Topics = append(req.Topics, t)
			return req
		}
		for name, timestamp := range ordered("latest", -1, "earliest", -2, "max timestamp", -3, "earliest local", -4, "latest tiered", -5,
			"earliest pending upload", -6, "no such special time", -7, "the first record's time", recordTime, "a later record's time", recordTime+2,
			"after all", recordTime+10, "before all", 0) {
			p.do(name, v, ask("offsets", 0, -1, timestamp))
		}
		for name, timestamp := range ordered("latest, empty", -1, "earliest, empty", -2, "max timestamp, empty", -3, "by time, empty", 5) {
			p.do(name, v, ask("offsets", 1, -1, timestamp))
		}
		p.do("unknown topic", v, ask("offsets-unknown", 0, -1, -1))
		p.do("unknown partition", v, ask("offsets", 7, -1, -1))
		if v >= 2 {
			committed := ask("offsets", 0, -1, -1)
			committed.IsolationLevel = 1
			p.do("latest committed", v, committed)
		}
		if v >= 4 {
			p.do("current epoch", v, ask("offsets", 0, 0, -1))
			p.do("epoch of the future", v, ask("offsets", 0, 4, -1))
		}
		twice := ask("offsets", 0, -1, -1)
		twice.Topics[0].Partitions = append(twice.Topics[0].Partitions, twice.Topics[0].Partitions[0])
		p.do("a partition twice", v, twice)
	}
}

// ordered iterates over pairs of a name and a number.
func ordered(pairs ...any) func(yield func(string, int64) bool) {
	return func(yield func(string, int64) bool) {
		for i := 0; i+1 < len(pairs); i += 2 {
			if !yield(pairs[i].(string), int64(pairs[i+1].(int))) {
				return
			}
		}
	}
}

func initProducerID(p *player) {
	for v := int16(0); v <= 5; v++ {
		req := kmsg.NewPtrInitProducerIDRequest()
		req.TransactionTimeoutMillis = 60_000
		p.do("idempotent", v, req)
		if v >= 3 {
			again := kmsg.NewPtrInitProducerIDRequest()
			again.TransactionTimeoutMillis, again.ProducerID, again.ProducerEpoch = 60_000, 5, 3
			p.do("idempotent, with an id", v, again)
			half := kmsg.NewPtrInitProducerIDRequest()
			half.TransactionTimeoutMillis, half.ProducerID = 60_000, 5
			p.do("an id without an epoch", v, half)
		}
		empty := kmsg.NewPtrInitProducerIDRequest()
		empty.TransactionalID, empty.TransactionTimeoutMillis = text(""), 60_000
		p.do("empty transactional id", v, empty)
	}
}

func offsetForLeaderEpoch(p *player) {
	p.make("epochs", 1)
	p.do("fill", 9, p.producing(-1, part{"epochs", 0, plain(3).bytes()}))
	for v := int16(2); v <= 4; v++ {
		for _, each := range []struct {
			name           string
			topic          string
			partition      int32
			current, epoch int32
		}{
			{"epoch 0", "epochs", 0, -1, 0}, {"current epoch", "epochs", 0, 0, 0}, {"a later epoch", "epochs", 0, -1, 3},
			{"no epoch", "epochs", 0, -1, -1}, {"current epoch of the future", "epochs", 0, 4, 0},
			{"unknown topic", "epochs-unknown", 0, -1, 0}, {"unknown partition", "epochs", 6, -1, 0},
		} {
			req := kmsg.NewPtrOffsetForLeaderEpochRequest()
			req.ReplicaID = -1
			t := kmsg.NewOffsetForLeaderEpochRequestTopic()
			t.Topic = each.topic
			q := kmsg.NewOffsetForLeaderEpochRequestTopicPartition()
			q.Partition, q.CurrentLeaderEpoch, q.LeaderEpoch = each.partition, each.current, each.epoch
			t.Partitions = append(t.Partitions, q)
			req.Topics = append(req.Topics, t)
			p.do(each.name, v, req)
		}
	}
}
