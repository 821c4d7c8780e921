package replica

import (
	"errors"

	"github.com/twmb/franz-go/pkg/kerr"

	"odradek/broker/commitlog"
	"odradek/broker/record"
)

// kafkaErrors says which answer of Kafka's an error of the layers below is. The first match counts.
var kafkaErrors = []struct {
	is     error
	answer *kerr.Error
}{
	{record.ErrUnsupportedMagic, kerr.UnsupportedForMessageFormat},
	{record.ErrUnsupportedCodec, kerr.UnsupportedCompressionType},
	{record.ErrTruncated, kerr.CorruptMessage},
	{record.ErrCorrupt, kerr.CorruptMessage},
	{record.ErrTooLarge, kerr.MessageTooLarge},
	{record.ErrInvalid, kerr.InvalidRecord},
	{commitlog.ErrMessageTooLarge, kerr.MessageTooLarge},
	{commitlog.ErrRecordListTooLarge, kerr.RecordListTooLarge},
	{commitlog.ErrInvalidTimestamp, kerr.InvalidTimestamp},
	{commitlog.ErrOutOfOrderSequence, kerr.OutOfOrderSequenceNumber},
	{commitlog.ErrInvalidProducerEpoch, kerr.InvalidProducerEpoch},
	{commitlog.ErrInvalidTxnState, kerr.InvalidTxnState},
	{commitlog.ErrCoordinatorFenced, kerr.TransactionCoordinatorFenced},
	{commitlog.ErrOffsetOutOfRange, kerr.OffsetOutOfRange},
	{commitlog.ErrNotContiguous, kerr.OffsetOutOfRange},
	{commitlog.ErrStaleLeaderEpoch, kerr.FencedLeaderEpoch},
	{commitlog.ErrClosed, kerr.NotLeaderForPartition},
}

// answerFor translates an error of the log. fatal says that nothing is known any more of what the disk holds, so that the
// replica can't vouch for its records. Other errors of the disk, as when it is full, refuse one operation and may pass.
func answerFor(err error) (answer *kerr.Error, fatal bool) {
	if errors.Is(err, commitlog.ErrStorage) {
		return kerr.KafkaStorageError, true
	}
	for _, known := range kafkaErrors {
		if errors.Is(err, known.is) {
			return known.answer, false
		}
	}
	return kerr.KafkaStorageError, false
}

// checkEpoch compares the leader epoch that a requester believes in, -1 for one that doesn't say, with the one known here
// (KIP-320).
func checkEpoch(requested, known int32) *kerr.Error {
	switch {
	case requested < 0 || requested == known:
		return nil
	case requested < known:
		return kerr.FencedLeaderEpoch
	default:
		return kerr.UnknownLeaderEpoch
	}
}
