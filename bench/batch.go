package bench

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// Places in a record batch (KIP-98): the length counts what is behind it, the CRC-32C covers what is behind it.
const (
	batchHeadBytes = 61
	batchLengthAt  = 8
	batchCRCAt     = 17
	batchCountAt   = 57
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// makeBatch makes a batch of as many records as fit into bytesMax, at least one, as a producer that is not idempotent sends it.
func makeBatch(p *payload, bytesMax int) (batch []byte, records int, err error) {
	now := time.Now()
	head := kmsg.RecordBatch{
		Magic: 2, PartitionLeaderEpoch: -1, FirstTimestamp: now.UnixMilli(), MaxTimestamp: now.UnixMilli(),
		ProducerID: -1, ProducerEpoch: -1, FirstSequence: -1,
	}
	batch = head.AppendTo(nil)
	if len(batch) != batchHeadBytes {
		return nil, 0, fmt.Errorf("a batch's header has %d bytes", len(batch))
	}
	for {
		record := kmsg.Record{OffsetDelta: int32(records), Value: p.value(nil, uint64(records), now)}
		record.Length = int32(len(record.AppendTo(nil)) - 1) // the length 0 has one byte
		encoded := record.AppendTo(nil)
		if records > 0 && len(batch)+len(encoded) > bytesMax {
			break
		}
		batch = append(batch, encoded...)
		records++
	}
	put := binary.BigEndian
	put.PutUint32(batch[batchLengthAt:], uint32(len(batch)-batchLengthAt-4))
	put.PutUint32(batch[batchCRCAt+6:], uint32(records-1)) // the last offset's delta, behind the attributes
	put.PutUint32(batch[batchCountAt:], uint32(records))
	put.PutUint32(batch[batchCRCAt:], crc32.Checksum(batch[batchCRCAt+4:], castagnoli))
	return batch, records, nil
}

// batchCRC is what the batch says of itself; it covers all that a broker leaves as it is.
func batchCRC(batch []byte) uint32 { return binary.BigEndian.Uint32(batch[batchCRCAt:]) }

// countRecords counts the records of the whole batches in what a fetch returned, and where the next fetch goes on. A batch that is
// cut at the end is left. With check the CRCs are computed, and must be that of the batch that was written.
func countRecords(batches []byte, next int64, written uint32, check bool) (records, after int64, err error) {
	for len(batches) >= batchHeadBytes {
		size := int(int32(binary.BigEndian.Uint32(batches[batchLengthAt:]))) + batchLengthAt + 4
		if size < batchHeadBytes {
			return 0, 0, fmt.Errorf("a batch of %d bytes was read", size)
		}
		if size > len(batches) {
			break
		}
		batch := batches[:size]
		if check && (batchCRC(batch) != written || crc32.Checksum(batch[batchCRCAt+4:], castagnoli) != written) {
			return 0, 0, fmt.Errorf("a batch was read that is not what was written")
		}
		records += int64(binary.BigEndian.Uint32(batch[batchCountAt:]))
		next = int64(binary.BigEndian.Uint64(batch)) + int64(binary.BigEndian.Uint32(batch[batchCRCAt+6:])) + 1
		batches = batches[size:]
	}
	return records, next, nil
}
