package coord

import (
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"odradek/broker/record"
)

// batchBytesMax is where a batch is closed and the next begins: far below the smallest max.message.bytes in use, and large
// enough that what belongs together is in one batch unless it is a mass deletion.
const batchBytesMax = 256 << 10

// encode makes batches of what was decided and says how many records there are.
func (s *shard[M]) encode(e Effects, now time.Time) (batches []byte, count int64, err error) {
	b := record.NewBuilder()
	b.Codec = s.runtime.cfg.Codec
	if e.Producer != nil {
		// A coordinator does not number what it writes for a producer.
		b.Transactional, b.ProducerID, b.ProducerEpoch, b.BaseSequence = true, e.Producer.ID, e.Producer.Epoch, 0
	}
	size := 0
	flush := func() error {
		batch, err := b.Build()
		batches = append(batches, batch...)
		size = 0
		return err
	}
	for _, r := range e.Records {
		if size > 0 && size+len(r.Key)+len(r.Value) > batchBytesMax {
			if err := flush(); err != nil {
				return nil, 0, err
			}
		}
		b.Append(record.Record{Timestamp: now.UnixMilli(), Key: r.Key, Value: r.Value})
		size += len(r.Key) + len(r.Value)
	}
	return batches, int64(len(e.Records)), flush()
}

// coordinatorError translates why an append was refused to what callers of a coordinator are told, as Kafka does.
func coordinatorError(err error) *kerr.Error {
	switch err {
	case kerr.NotLeaderForPartition, kerr.KafkaStorageError, kerr.FencedLeaderEpoch:
		return kerr.NotCoordinator
	case kerr.NotEnoughReplicas, kerr.NotEnoughReplicasAfterAppend, kerr.RequestTimedOut, kerr.UnknownTopicOrPartition:
		return kerr.CoordinatorNotAvailable
	case kerr.InvalidProducerEpoch, kerr.InvalidTxnState, kerr.TransactionCoordinatorFenced:
		return err.(*kerr.Error)
	case kerr.MessageTooLarge, kerr.RecordListTooLarge, kerr.InvalidFetchSize:
		return kerr.InvalidCommitOffsetSize
	}
	return kerr.UnknownServerError
}
