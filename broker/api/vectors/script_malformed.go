package vectors

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"
)

// Where fields of a batch's header begin.
const (
	atBaseOffset      = 0
	atLength          = 8
	atLeaderEpoch     = 12
	atMagic           = 16
	atCRC             = 17
	atAttributes      = 21
	atLastOffsetDelta = 23
	atFirstTimestamp  = 27
	atMaxTimestamp    = 35
	atProducerID      = 43
	atCount           = 57
	headerBytes       = 61
)

// altered is a batch with a field of its header set, and the checksum right again.
func altered(records, at int, value any) []byte {
	b := plain(records).bytes()
	if _, err := binary.Encode(b[at:], binary.BigEndian, value); err != nil {
		panic(err)
	}
	binary.BigEndian.PutUint32(b[atCRC:], crc32.Checksum(b[atAttributes:], crc32.MakeTable(crc32.Castagnoli)))
	return b
}

// produceMalformed sends batches whose headers say what can't be, each followed by the question where the log ends.
func produceMalformed(p *player) {
	p.make("malformed", 1)
	p.do("make limited", 7, creation(
		topic("malformed-limited", 1, 1, "retention.ms", "-1", "max.message.bytes", fmt.Sprint(len(sized(1000)))),
		topic("malformed-segment", 1, 1, "retention.ms", "-1", "segment.bytes", "1048576", "max.message.bytes", "2097152")))
	p.settle("malformed-limited", 1)
	p.settle("malformed-segment", 1)
	p.awaitProducerIDs()
	for _, v := range []int16{3, 9, 13} {
		send := func(name string, records []byte) {
			p.do(name, v, p.producing(-1, part{"malformed", 0, records}))
			p.do(name+", the end", 5, listing("malformed", 0, -1))
		}
		send("count of -1", altered(2, atCount, int32(-1)))
		send("count of 0", altered(2, atCount, int32(0)))
		send("count too low", altered(2, atCount, int32(1)))
		send("count too high", altered(2, atCount, int32(3)))
		send("the highest count", altered(2, atCount, int32(math.MaxInt32)))
		send("last offset delta of -1", altered(2, atLastOffsetDelta, int32(-1)))
		send("last offset delta too low", altered(2, atLastOffsetDelta, int32(0)))
		send("last offset delta too high", altered(2, atLastOffsetDelta, int32(5)))
		send("base offset of 7", altered(1, atBaseOffset, int64(7)))
		send("base offset of -1", altered(1, atBaseOffset, int64(-1)))
		send("leader epoch of 5", altered(1, atLeaderEpoch, int32(5)))
		for _, magic := range []int8{0, 1, 3, 127, -1} {
			send(fmt.Sprintf("magic %d", magic), altered(1, atMagic, magic))
		}
		for _, length := range []int32{-1, 0, 13, 14, 48} {
			send(fmt.Sprintf("length of %d", length), altered(1, atLength, length))
		}
		send("length of more than there is", altered(1, atLength, int32(500)))
		send("damaged: the highest length", altered(1, atLength, int32(math.MaxInt32)))
		send("damaged: unknown codec", altered(1, atAttributes, int16(5)))
		send("damaged: unknown codec 7", altered(1, atAttributes, int16(7)))
		send("unused attributes", altered(1, atAttributes, int16(1<<7)))
		send("transactional without a producer", altered(1, atAttributes, int16(1<<4)))
		send("the leader's time, said by the producer", altered(1, atAttributes, int16(1<<3)))
		send("largest time below the first", altered(2, atMaxTimestamp, int64(recordTime-5)))
		send("largest time above the records'", altered(2, atMaxTimestamp, int64(recordTime+5_000)))
		send("no largest time", altered(2, atMaxTimestamp, int64(-1)))
		send("negative times", altered(1, atFirstTimestamp, int64(-5)))
		send("a producer without a sequence", altered(1, atProducerID, int64(4242)))
		send("a header and no more", plain(1).bytes()[:headerBytes])
		send("less than a header", plain(1).bytes()[:headerBytes-1])
		send("less than a length", plain(1).bytes()[:11])
		send("whole and bad", append(plain(1).bytes(), altered(1, atCount, int32(-1))...))
		p.do("as large as allowed", v, p.producing(-1, part{"malformed-limited", 0, sized(1000)}))
		p.do("a byte more", v, p.producing(-1, part{"malformed-limited", 0, sized(1001)}))
		p.do("larger than a segment", v, p.producing(-1, part{"malformed-segment", 0, sized(1 << 20)}))
		p.sequences(v)
	}
}

func sized(valueBytes int) []byte {
	b := plain(1)
	b.valueBytes = valueBytes
	return b.bytes()
}

// sequences sends what a producer that counts must not, and where its numbers start over.
func (p *player) sequences(v int16) {
	send := p.counting(v, "malformed", 0)
	if send == nil {
		return
	}
	send("sequence -1", 0, -1, 1)
	send("first, not from 0", 0, 3, 1)
	send("after it", 0, 4, 2)
	send("part of a batch before", 0, 4, 1)
	send("more than a batch before", 0, 4, 3)
	for i := range int32(6) {
		send("and on", 0, 6+i, 1)
	}
	send("repeated, of the last five", 0, 7, 1)
	send("repeated, too old", 0, 6, 1)
	send("start over", 1, 0, 1)
}
