package state

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kbin"

	"odradek/broker/coord"
	"odradek/broker/metadata"
)

// The types of records.
const (
	keySnapshot int16 = 0
	keyUpdate   int16 = 1 // of Kafka's: what changed since a snapshot
)

// tagDeliveryComplete is a tagged field: how many records in flight need no more delivery (KIP-1226).
const tagDeliveryComplete = 0

var errMalformed = errors.New("state: malformed record")

// Key names a share-partition.
type Key struct {
	Group     string
	Topic     metadata.UUID
	Partition int32
}

func (k Key) encode() []byte {
	b := kbin.AppendString(kbin.AppendInt16(nil, keySnapshot), k.Group)
	return kbin.AppendInt32(kbin.AppendUuid(b, k.Topic), k.Partition)
}

func (k Key) record(e *entry, nowMs int64) coord.Record {
	b := kbin.AppendInt16(nil, 0)
	for _, i := range []int32{e.snapshotEpoch, e.stateEpoch, e.leaderEpoch} {
		b = kbin.AppendInt32(b, i)
	}
	b = kbin.AppendInt64(b, e.startOffset)
	b = kbin.AppendInt64(kbin.AppendInt64(b, e.createdMs), nowMs)
	b = kbin.AppendCompactArrayLen(b, len(e.batches))
	for _, batch := range e.batches {
		b = kbin.AppendInt64(kbin.AppendInt64(b, batch.First), batch.Last)
		b = kbin.AppendInt16(kbin.AppendInt8(b, batch.State), batch.DeliveryCount)
		b = kbin.AppendUvarint(b, 0)
	}
	if e.deliveryComplete == -1 { // as a reader takes it for without the field
		b = kbin.AppendUvarint(b, 0)
	} else {
		b = kbin.AppendUvarint(b, 1)
		b = kbin.AppendUvarint(kbin.AppendUvarint(b, tagDeliveryComplete), 4)
		b = kbin.AppendInt32(b, e.deliveryComplete)
	}
	return coord.Record{Key: k.encode(), Value: b}
}

// Replay implements coord.Machine.
func (m *Machine) Replay(r coord.Record) error {
	if len(r.Key) < 2 {
		return fmt.Errorf("%w: key of %d bytes", errMalformed, len(r.Key))
	}
	kind := int16(binary.BigEndian.Uint16(r.Key))
	if kind != keySnapshot && kind != keyUpdate {
		return nil
	}
	reader := kbin.Reader{Src: r.Key[2:]}
	key := Key{Group: reader.String(), Topic: reader.Uuid(), Partition: reader.Int32()}
	if err := reader.Complete(); err != nil {
		return fmt.Errorf("%w: key: %w", errMalformed, err)
	}
	if r.Value == nil {
		if kind == keySnapshot {
			delete(m.entries, key)
		}
		return nil
	}
	return m.replayValue(kind, key, r.Value)
}

func (m *Machine) replayValue(kind int16, key Key, value []byte) error {
	r := kbin.Reader{Src: value}
	if version := r.Int16(); version != 0 || !r.Ok() {
		return fmt.Errorf("%w: value of version %d", errMalformed, version)
	}
	e := &entry{snapshotEpoch: r.Int32(), deliveryComplete: -1}
	if kind == keySnapshot {
		e.stateEpoch = r.Int32()
	}
	e.leaderEpoch, e.startOffset = r.Int32(), r.Int64()
	if kind == keySnapshot {
		e.createdMs = r.Int64()
		r.Int64() // when it was written
	}
	for n := r.CompactArrayLen(); n > 0 && r.Ok(); n-- {
		b := Batch{First: r.Int64(), Last: r.Int64(), State: r.Int8(), DeliveryCount: r.Int16()}
		skipTags(&r, nil)
		if b.First <= b.Last {
			e.batches = append(e.batches, b)
		}
	}
	skipTags(&r, func(number uint32, content []byte) {
		if number == tagDeliveryComplete && len(content) == 4 {
			e.deliveryComplete = int32(binary.BigEndian.Uint32(content))
		}
	})
	if err := r.Complete(); err != nil {
		return fmt.Errorf("%w: value: %w", errMalformed, err)
	}
	if before := m.entries[key]; kind == keyUpdate && before != nil {
		e = before.changed(e.leaderEpoch, e.startOffset, e.deliveryComplete, e.batches)
	}
	m.entries[key] = e
	return nil
}

func skipTags(r *kbin.Reader, visit func(number uint32, content []byte)) {
	for n := r.Uvarint(); n > 0 && r.Ok(); n-- {
		number := r.Uvarint()
		content := r.Span(int(r.Uvarint()))
		if visit != nil && r.Ok() {
			visit(number, content)
		}
	}
}
