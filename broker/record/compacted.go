package record

import "bytes"

// deleteHorizonMask says that the base timestamp is a delete horizon (KIP-534).
const deleteHorizonMask = 0x40

// DeleteHorizonMs is the time, in milliseconds since 1970, from which on compaction may drop the batch's tombstones, or, in a
// control batch, its marker. ok is false while compaction has not set it. It stands where the base timestamp was; the
// records' timestamps are relative to it (KIP-534).
func (b Batch) DeleteHorizonMs() (ms int64, ok bool) {
	if b.Attributes()&deleteHorizonMask == 0 {
		return NoTimestamp, false
	}
	return b.BaseTimestamp(), true
}

// NoDeleteHorizon leaves a compacted batch without a delete horizon.
const NoDeleteHorizon int64 = -1

// Compacted is what compaction leaves of the batch: the records kept, which Records gave, in the batch's codec. Offsets and
// sequence numbers stay those of the original, first and last included, whichever records went. Without records it is a bare
// header, as Kafka writes it, uncompressed and without horizon. The error is ErrTooLarge or a codec's.
func (b Batch) Compacted(kept []Record, deleteHorizonMs int64) (Batch, error) {
	w := Builder{
		BaseOffset:           b.BaseOffset(),
		PartitionLeaderEpoch: b.PartitionLeaderEpoch(),
		TimestampType:        b.TimestampType(),
		Transactional:        b.IsTransactional(),
		Control:              b.IsControl(),
		ProducerID:           b.ProducerID(),
		ProducerEpoch:        b.ProducerEpoch(),
		BaseSequence:         b.BaseSequence(),
		baseTimestamp:        b.BaseTimestamp(),
		based:                true,
	}
	if len(kept) == 0 {
		out := Batch(make([]byte, HeaderSize))
		w.baseTimestamp, w.maxTimestamp, w.lastDelta = b.MaxTimestamp(), b.MaxTimestamp(), b.LastOffsetDelta()
		w.header(out)
		return out, nil
	}
	w.Codec, w.Xerial = b.Codec(), bytes.HasPrefix(b[HeaderSize:], xerialMagic)
	if deleteHorizonMs != NoDeleteHorizon {
		w.baseTimestamp, w.horizon = deleteHorizonMs, true
	}
	for _, r := range kept {
		w.AppendAt(r)
	}
	if w.TimestampType == LogAppendTime {
		w.maxTimestamp = b.MaxTimestamp()
	}
	w.lastDelta = b.LastOffsetDelta()
	return w.Build()
}
