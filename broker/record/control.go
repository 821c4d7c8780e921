package record

import (
	"encoding/binary"
	"fmt"
)

// ControlType is what a control record says (Kafka's ControlRecordType).
type ControlType int16

// The markers that end a transaction.
const (
	ControlAbort  ControlType = 0
	ControlCommit ControlType = 1
)

// Marker is the control record that ends a producer's transaction in a partition.
//
//	key:   version int16 = 0 | type int16
//	value: version int16 = 0 | coordinator epoch int32
type Marker struct {
	Type             ControlType
	CoordinatorEpoch int32
}

// MarkerBatch is a control batch with one marker, stamped with timestamp in milliseconds since 1970.
func MarkerBatch(m Marker, producerID int64, producerEpoch int16, timestamp int64) (Batch, error) {
	b := NewBuilder()
	b.ProducerID, b.ProducerEpoch = producerID, producerEpoch
	b.Transactional, b.Control = true, true
	key := binary.BigEndian.AppendUint16([]byte{0, 0}, uint16(m.Type))
	value := binary.BigEndian.AppendUint32([]byte{0, 0}, uint32(m.CoordinatorEpoch))
	b.Append(Record{Timestamp: timestamp, Key: key, Value: value})
	return b.Build()
}

// ParseMarker reads a control record. ok is false for control records of other types or of newer versions' making, which
// are to be stepped over; the error is ErrCorrupt.
func ParseMarker(r Record) (m Marker, ok bool, err error) {
	if len(r.Key) < 4 {
		return Marker{}, false, fmt.Errorf("%w: control key of %d bytes", ErrCorrupt, len(r.Key))
	}
	m.Type = ControlType(binary.BigEndian.Uint16(r.Key[2:]))
	if m.Type != ControlAbort && m.Type != ControlCommit {
		return Marker{}, false, nil
	}
	if len(r.Value) < 6 {
		return Marker{}, false, fmt.Errorf("%w: marker of %d bytes", ErrCorrupt, len(r.Value))
	}
	m.CoordinatorEpoch = int32(binary.BigEndian.Uint32(r.Value[2:]))
	return m, true, nil
}
