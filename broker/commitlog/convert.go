package commitlog

import (
	"errors"
	"fmt"
	"math"

	"odradek/broker/record"
)

const (
	// producedMax bounds what a producer's batch is decompressed to, where it has to be, in bytes. A client fills its batches in
	// memory, by default 32 MiB for all of them (buffer.memory); what claims to be four times that is a bomb.
	producedMax = 128 << 20
	// decompressingMax bounds how many producers' batches are decompressed at a time, in all logs of the process: so bombs take
	// producedMax that often at most, whatever the number of connections they come over.
	decompressingMax = 4
)

// decompressing holds an element for each batch that is being decompressed. Who has put one in waits for nothing but the CPU.
var decompressing = make(chan struct{}, decompressingMax)

// inspection is what a topic's configuration asks about the records inside of a batch.
type inspection struct {
	stamped          bool // the producer claims that the leader has stamped them
	keys             bool // in a compacted topic nothing would ever replace records without a key
	times            bool
	earliest, latest int64 // what is allowed, inclusive
}

// lookInside decompresses a batch if the topic's configuration asks for that: it refuses records that the topic does not take,
// and returns the batch in the topic's codec if that is not its own, or nil. Markers stay as they are, as Kafka leaves them.
//
// The greatest timestamp is the header's; the least is in none, so message.timestamp.before.max.ms costs a look.
func lookInside(batch record.Batch, from origin, cfg *Config, nowMs int64) (converted record.Batch, err error) {
	convert := cfg.Convert && cfg.Compression.Codec != batch.Codec() && !batch.IsControl()
	var look inspection
	if from == originClient {
		look.keys = cfg.Compacted
		// Where the records keep their own time, the claim is taken out of the header: see assign.
		look.stamped = batch.TimestampType() == record.LogAppendTime &&
			(cfg.MessageTimestampType == record.LogAppendTime || batch.BaseTimestamp() == record.NoTimestamp)
		look.earliest, look.latest = timestampsAllowed(cfg, nowMs)
		look.times = look.earliest > math.MinInt64 || look.isOutside(batch.BaseTimestamp()) || look.isOutside(batch.MaxTimestamp())
	}
	if !convert && look == (inspection{earliest: look.earliest, latest: look.latest}) {
		return nil, nil
	}
	decompressing <- struct{}{}
	defer func() { <-decompressing }()
	body, err := batch.Body(producedMax)
	if err == nil {
		err = look.check(batch, body)
	}
	if errors.Is(err, record.ErrCorrupt) {
		// The CRC is right, so this is what the producer sent, and would send again.
		err = fmt.Errorf("%w: %v", record.ErrInvalid, err)
	}
	if err != nil || !convert {
		return nil, err
	}
	if converted, err = batch.Recompressed(cfg.Compression, body); err != nil {
		return nil, err
	}
	if int64(len(converted)) > cfg.MaxMessageBytes {
		return nil, fmt.Errorf("%w: %d bytes, converted from %d", ErrMessageTooLarge, len(converted), len(batch))
	}
	return converted, nil
}

// timestampsAllowed is between which times a producer's records may be.
func timestampsAllowed(cfg *Config, nowMs int64) (earliest, latest int64) {
	earliest, latest = math.MinInt64, math.MaxInt64
	if cfg.MessageTimestampType == record.LogAppendTime {
		return earliest, latest
	}
	if cfg.MessageTimestampBeforeMaxMs < math.MaxInt64 {
		earliest = nowMs - cfg.MessageTimestampBeforeMaxMs
	}
	if cfg.MessageTimestampAfterMaxMs < math.MaxInt64-nowMs {
		latest = nowMs + cfg.MessageTimestampAfterMaxMs
	}
	return earliest, latest
}

func (i *inspection) isOutside(timestamp int64) bool {
	return timestamp != record.NoTimestamp && (timestamp < i.earliest || timestamp > i.latest)
}

// check checks that the records are encoded well and numbered without a gap, and what else is asked for.
func (i *inspection) check(batch record.Batch, body []byte) error {
	stamped := InvalidRecordsError{Kind: ErrInvalidTimestamp, Reason: "Producer should not set timestamp type to LogAppendTime"}
	keyless := InvalidRecordsError{Kind: record.ErrInvalid, Reason: "Compacted topic cannot accept message without key"}
	outside := InvalidRecordsError{Kind: ErrInvalidTimestamp}
	index := int32(0)
	for r, err := range batch.RecordsIn(body) {
		if err != nil {
			return err
		}
		if r.Offset != batch.BaseOffset()+int64(index) {
			return fmt.Errorf("%w: record %d has offset %d", record.ErrInvalid, index, r.Offset-batch.BaseOffset())
		}
		switch {
		case i.keys && r.Key == nil:
			keyless.add(index)
		case i.stamped:
			stamped.add(index)
		case i.times && i.isOutside(r.Timestamp):
			outside.add(index)
		}
		index++
	}
	if outside.Total > 0 {
		outside.Reason = fmt.Sprintf("Timestamp is out of range. The timestamp should be within [%d, %d]", i.earliest, i.latest)
	}
	for _, invalid := range [...]InvalidRecordsError{stamped, outside, keyless} {
		if invalid.Total > 0 {
			return &invalid
		}
	}
	return nil
}
