package vectors

import (
	"maps"
	"slices"
	"strconv"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// What many moves are told.
var (
	topicNames     = []string{"t0", "t1", "t2"}
	partitionNames = []string{"0", "1", "2", "7", "-1"}
	epochNames     = []string{"-1", "0", "5"}
	offsetNames    = []string{"0", "1", "2", "3", "5", "99", "-1", "-2"}
	yesNo          = []string{"no", "yes"}
)

var dataMoves = []Kind{
	{"produce", kmsg.Produce, dims("topic", topicNames, "partition", partitionNames, "acks", []string{"-1", "1", "2"}, "batch", batchNames), (*sequencer).produce},
	{"produce in sequence", kmsg.Produce, dims("topic", topicNames, "partition", partitionNames, "producer", []string{"p0", "p1"}, "sequence", sequenceNames, "epoch", []string{"0", "1", "-1"}), (*sequencer).produceInSequence},
	{"fetch", kmsg.Fetch, dims("topic", topicNames, "partition", partitionNames, "offset", offsetNames, "bytes", []string{"1000000", "1", "100", "0"}, "isolation", []string{"0", "1"}, "epoch", epochNames), (*sequencer).fetch},
	{"list offsets", kmsg.ListOffsets, dims("topic", topicNames, "partition", partitionNames, "timestamp", timestampNames, "isolation", []string{"0", "1"}, "epoch", epochNames), (*sequencer).listOffsets},
	{"epoch's end", kmsg.OffsetForLeaderEpoch, dims("topic", topicNames, "partition", partitionNames, "current", epochNames, "epoch", []string{"0", "1", "-1"}), (*sequencer).epochEnd},
	{"delete records", kmsg.DeleteRecords, dims("topic", topicNames, "partition", partitionNames, "offset", offsetNames), (*sequencer).deleteRecords},
	{"describe producers", kmsg.DescribeProducers, dims("topic", topicNames, "partition", partitionNames), (*sequencer).describeProducers},
}

// drawnBatches are by name what is produced.
var drawnBatches = map[string]func() []byte{
	"a record":              func() []byte { return plain(1).bytes() },
	"three records":         func() []byte { return plain(3).bytes() },
	"two batches":           func() []byte { return append(plain(1).bytes(), plain(2).bytes()...) },
	"later":                 func() []byte { return timed(2, 5) },
	"in the far future":     func() []byte { return timed(1, 10*365*24*3_600_000) },
	"very old":              func() []byte { return timed(1, -40*365*24*3_600_000) },
	"before 1970":           func() []byte { return timed(1, -recordTime-5) },
	"keyless":               func() []byte { b := plain(1); b.keyless = true; return b.bytes() },
	"large":                 func() []byte { b := plain(1); b.valueBytes = 1500; return b.bytes() },
	"bad checksum":          func() []byte { b := plain(1); b.spoilCRC = true; return b.bytes() },
	"old magic":             func() []byte { b := plain(1).bytes(); b[atMagic] = 1; return b },
	"magic of the future":   func() []byte { b := plain(1).bytes(); b[atMagic] = 3; return b },
	"gzip":                  func() []byte { b := plain(2); b.codec = "gzip"; return b.bytes() },
	"lz4":                   func() []byte { b := plain(2); b.codec = "lz4"; return b.bytes() },
	"zstd":                  func() []byte { b := plain(2); b.codec = "zstd"; return b.bytes() },
	"a control batch":       func() []byte { b := plain(1); b.attributes = 1 << 5; return b.bytes() },
	"transactional, nobody": func() []byte { b := plain(1); b.attributes = 1 << 4; return b.bytes() },
	"count too high":        func() []byte { return altered(2, atCount, int32(3)) },
	"count too low":         func() []byte { return altered(2, atCount, int32(1)) },
	"base offset of 7":      func() []byte { return altered(1, atBaseOffset, int64(7)) },
	"no records":            func() []byte { return plain(0).bytes() },
	"cut short":             func() []byte { return plain(1).bytes()[:headerBytes+5] },
	"half a header":         func() []byte { return plain(1).bytes()[:20] },
	"empty":                 func() []byte { return []byte{} },
}

func timed(records int, later int64) []byte {
	b := plain(records)
	b.later = later
	return b.bytes()
}

var (
	batchNames     = slices.Sorted(maps.Keys(drawnBatches))
	sequenceNames  = []string{"next", "repeated", "gap", "0"}
	timestampNames = []string{"-1", "-2", "-3", "-4", "-5", "-6", "-7", "0", "1700000000000", "1700000000001", "1700000000004", "1700000000006", "1800000000000"}
)

// number is an option that is one.
func (o options) number(name string) int64 {
	n, err := strconv.ParseInt(o[name], 10, 64)
	if err != nil {
		panic("vectors: an option is no number: " + err.Error())
	}
	return n
}

func (o options) partition() int32 { return int32(o.number("partition")) }

func (s *sequencer) produce(version int16, with options) {
	s.ask(version, s.producing(int16(with.number("acks")), part{s.topic(with["topic"]), with.partition(), drawnBatches[with["batch"]]()}))
}

// place is a partition of a topic.
type place struct {
	topic     string
	partition int32
}

// producer is the producer of a name, whom first gives its id.
func (s *sequencer) producer(name string, first func(p *drawnProducer)) *drawnProducer {
	p := s.producers[name]
	if p == nil {
		p = &drawnProducer{transactor{player: s.player, id: s.topic(name), producer: -1, epoch: -1}, map[place]int32{}}
		s.producers[name] = p
		first(p)
	}
	return p
}

func (s *sequencer) produceInSequence(version int16, with options) {
	p := s.producer(with["producer"], func(p *drawnProducer) {
		req := kmsg.NewPtrInitProducerIDRequest()
		req.TransactionTimeoutMillis = 60_000
		if resp, _ := s.do("drawn: a producer", 4, req).(*kmsg.InitProducerIDResponse); resp != nil {
			p.producer, p.epoch = resp.ProducerID, resp.ProducerEpoch
		}
	})
	s.sends(p, version, with, plain(2), nil)
}

// sends produces by a producer, in sequence or not, and notes where it goes on.
func (s *sequencer) sends(p *drawnProducer, version int16, with options, b batch, transactionalID *string) {
	at := place{s.topic(with["topic"]), with.partition()}
	b.producer, b.sequence = p.producer, p.next[at]
	b.epoch = max(p.epoch+int16(with.number("epoch")), 0) // without an epoch none is taken, unlike by the reference
	switch with["sequence"] {
	case "repeated":
		b.sequence = max(b.sequence-int32(b.records), 0)
	case "gap":
		b.sequence += 7
	case "0":
		b.sequence = 0
	}
	req := s.producing(-1, part{at.topic, at.partition, b.bytes()})
	req.TransactionID = transactionalID
	resp, _ := s.ask(version, req).(*kmsg.ProduceResponse)
	if resp != nil && len(resp.Topics) == 1 && resp.Topics[0].Partitions[0].ErrorCode == 0 {
		p.next[at] = b.sequence + int32(b.records)
	}
}

func (s *sequencer) fetch(version int16, with options) {
	req := s.fetching(0, -1, want{s.topic(with["topic"]), with.partition(), with.number("offset")})
	req.IsolationLevel, req.MaxWaitMillis = int8(with.number("isolation")), 0
	f := &req.Topics[0].Partitions[0]
	f.PartitionMaxBytes, f.CurrentLeaderEpoch = int32(with.number("bytes")), int32(with.number("epoch"))
	s.ask(version, req)
}

func (s *sequencer) listOffsets(version int16, with options) {
	req := listing(s.topic(with["topic"]), with.partition(), with.number("timestamp"))
	req.IsolationLevel, req.TimeoutMillis = int8(with.number("isolation")), requestTimeoutMs
	req.Topics[0].Partitions[0].CurrentLeaderEpoch = int32(with.number("epoch"))
	s.ask(version, req)
}

func (s *sequencer) epochEnd(version int16, with options) {
	req := kmsg.NewPtrOffsetForLeaderEpochRequest()
	req.ReplicaID = -1
	t := kmsg.NewOffsetForLeaderEpochRequestTopic()
	t.Topic = s.topic(with["topic"])
	q := kmsg.NewOffsetForLeaderEpochRequestTopicPartition()
	q.Partition, q.CurrentLeaderEpoch, q.LeaderEpoch = with.partition(), int32(with.number("current")), int32(with.number("epoch"))
	t.Partitions = append(t.Partitions, q)
	req.Topics = append(req.Topics, t)
	s.ask(version, req)
}

func (s *sequencer) deleteRecords(version int16, with options) {
	s.ask(version, deleting(deletion{s.topic(with["topic"]), with.partition(), with.number("offset")}))
}

func (s *sequencer) describeProducers(version int16, with options) {
	req := kmsg.NewPtrDescribeProducersRequest()
	req.Topics = []kmsg.DescribeProducersRequestTopic{{Topic: s.topic(with["topic"]), Partitions: []int32{with.partition()}}}
	s.ask(version, req)
}

// decimal is an option that is a number with a fraction.
func (o options) decimal(name string) float64 {
	n, err := strconv.ParseFloat(o[name], 64)
	if err != nil {
		panic("vectors: an option is no number: " + err.Error())
	}
	return n
}
