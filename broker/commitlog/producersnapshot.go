package commitlog

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"maps"
	"math"
	"slices"
)

// A producer snapshot, <offset>.snapshot, big-endian:
//
//	version int16 = 1 | CRC-32C uint32 of all that follows |
//	offset int64 | number of producers int32 | of each, by rising id:
//	  producer id int64 | epoch int16 | coordinator epoch int32 | last timestamp int64 |
//	  first offset of the open transaction int64 or -1 | number of batches int8 | of each, oldest first:
//	    last sequence int32 | offset delta int32 | last offset int64 | timestamp int64
//
// The name is Kafka's; the content is not: Kafka keeps one batch of a producer, and so forgets four at a restart.
const (
	snapshotVersion      = 1
	snapshotHeaderSize   = 6
	snapshotProducerSize = 31
	snapshotBatchSize    = 24
)

var errSnapshotDamaged = errors.New("producer snapshot is damaged")

// snapshot encodes the state as of offset.
func (s *producerState) snapshot(offset int64) []byte {
	put := binary.BigEndian
	out := make([]byte, snapshotHeaderSize, snapshotHeaderSize+12+len(s.producers)*(snapshotProducerSize+snapshotBatchSize))
	put.PutUint16(out, snapshotVersion)
	out = put.AppendUint64(out, uint64(offset))
	out = put.AppendUint32(out, uint32(len(s.producers)))
	for _, id := range slices.Sorted(maps.Keys(s.producers)) {
		p := s.producers[id]
		out = put.AppendUint64(out, uint64(id))
		out = put.AppendUint16(out, uint16(p.epoch))
		out = put.AppendUint32(out, uint32(p.coordinatorEpoch))
		out = put.AppendUint64(out, uint64(p.lastTimestamp))
		out = put.AppendUint64(out, uint64(p.txnFirstOffset))
		out = append(out, byte(p.count))
		for _, b := range p.batches[:p.count] {
			out = put.AppendUint32(out, uint32(b.lastSequence))
			out = put.AppendUint32(out, uint32(b.offsetDelta))
			out = put.AppendUint64(out, uint64(b.lastOffset))
			out = put.AppendUint64(out, uint64(b.timestamp))
		}
	}
	put.PutUint32(out[2:], crc32.Checksum(out[snapshotHeaderSize:], castagnoli))
	return out
}

// decodeSnapshot reads what snapshot wrote.
func decodeSnapshot(content []byte) (offset int64, s producerState, err error) {
	get := binary.BigEndian
	damaged := func(what string) (int64, producerState, error) {
		return 0, producerState{}, fmt.Errorf("%w: %s", errSnapshotDamaged, what)
	}
	if len(content) < snapshotHeaderSize+12 {
		return damaged("cut short")
	}
	if version := get.Uint16(content); version != snapshotVersion {
		return damaged(fmt.Sprintf("version %d", version))
	}
	body := content[snapshotHeaderSize:]
	if crc32.Checksum(body, castagnoli) != get.Uint32(content[2:]) {
		return damaged("CRC")
	}
	offset = int64(get.Uint64(body))
	count := get.Uint32(body[8:])
	body = body[12:]
	s = newProducerState()
	for range count {
		if len(body) < snapshotProducerSize {
			return damaged("cut short")
		}
		id := int64(get.Uint64(body))
		p := producer{
			epoch:            int16(get.Uint16(body[8:])),
			coordinatorEpoch: int32(get.Uint32(body[10:])),
			lastTimestamp:    int64(get.Uint64(body[14:])),
			txnFirstOffset:   int64(get.Uint64(body[22:])),
			count:            int8(body[30]),
		}
		body = body[snapshotProducerSize:]
		if p.count < 0 || p.count > batchesKept || len(body) < int(p.count)*snapshotBatchSize {
			return damaged("batches")
		}
		for i := range p.batches[:p.count] {
			p.batches[i] = producerBatch{
				lastSequence: int32(get.Uint32(body)), offsetDelta: int32(get.Uint32(body[4:])),
				lastOffset: int64(get.Uint64(body[8:])), timestamp: int64(get.Uint64(body[16:])),
			}
			body = body[snapshotBatchSize:]
		}
		s.producers[id] = &p
		if p.txnFirstOffset >= 0 {
			s.ongoing = append(s.ongoing, txn{id, p.txnFirstOffset, -1})
		}
	}
	if len(body) > 0 || offset < 0 || offset == math.MaxInt64 {
		return damaged("what follows the last producer")
	}
	slices.SortFunc(s.ongoing, func(a, b txn) int { return int(min(max(a.first-b.first, -1), 1)) })
	return offset, s, nil
}
