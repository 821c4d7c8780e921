package txn

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/coord"
)

// The versions that are written; values of version 0 are read too.
const (
	keyVersion   = 0
	valueVersion = 1
)

var errMalformed = errors.New("txn: malformed record")

func keyOf(id string) []byte {
	key := kmsg.TxnMetadataKey{Version: keyVersion, TransactionalID: id}
	return key.AppendTo(nil)
}

func tombstone(id string) coord.Record { return coord.Record{Key: keyOf(id)} }

// record is the transaction as it is to be remembered.
func (t *transaction) record() coord.Record {
	value := kmsg.NewTxnMetadataValue()
	value.Version, value.ProducerID, value.ProducerEpoch, value.TimeoutMillis = valueVersion, t.producer, t.epoch, t.timeoutMs
	value.State, value.StartTimestamp, value.LastUpdateTimestamp = t.state, t.startMs, t.updatedMs
	value.PreviousProducerID, value.NextProducerID, value.ClientTransactionVersion = t.previous, t.next, t.version
	if t.state != Empty {
		value.Topics = []kmsg.TxnMetadataValueTopic{} // only there Kafka takes null for none
	}
	for _, p := range t.sorted() {
		if n := len(value.Topics); n == 0 || value.Topics[n-1].Topic != p.Topic {
			value.Topics = append(value.Topics, kmsg.TxnMetadataValueTopic{Topic: p.Topic})
		}
		last := &value.Topics[len(value.Topics)-1]
		last.Partitions = append(last.Partitions, p.Index)
	}
	return coord.Record{Key: keyOf(t.id), Value: value.AppendTo(nil)}
}

// Replay implements coord.Machine.
func (m *Machine) Replay(r coord.Record) error {
	if len(r.Key) < 2 {
		return fmt.Errorf("%w: key of %d bytes", errMalformed, len(r.Key))
	}
	if version := int16(binary.BigEndian.Uint16(r.Key)); version != keyVersion {
		return nil // of a newer broker's making
	}
	var key kmsg.TxnMetadataKey
	if err := key.ReadFrom(r.Key); err != nil {
		return fmt.Errorf("%w: key: %w", errMalformed, err)
	}
	if r.Value == nil {
		delete(m.transactions, key.TransactionalID)
		return nil
	}
	t, err := decode(key.TransactionalID, r.Value)
	if err != nil {
		return err
	}
	m.adopt(t)
	return nil
}

func decode(id string, content []byte) (*transaction, error) {
	if len(content) < 2 {
		return nil, fmt.Errorf("%w: value of %d bytes", errMalformed, len(content))
	}
	if version := int16(binary.BigEndian.Uint16(content)); version < 0 || version > valueVersion {
		return nil, fmt.Errorf("%w: value of version %d", errMalformed, version)
	}
	value := kmsg.NewTxnMetadataValue()
	if err := value.ReadFrom(content); err != nil {
		return nil, fmt.Errorf("%w: value: %w", errMalformed, err)
	}
	if value.State < Empty || value.State > CompleteAbort {
		return nil, fmt.Errorf("%w: state %d", errMalformed, value.State)
	}
	t := newTransaction(id)
	t.producer, t.epoch, t.timeoutMs, t.state = value.ProducerID, value.ProducerEpoch, value.TimeoutMillis, value.State
	t.startMs, t.updatedMs, t.version = value.StartTimestamp, value.LastUpdateTimestamp, value.ClientTransactionVersion
	t.previous, t.next = value.PreviousProducerID, value.NextProducerID
	for _, topic := range value.Topics {
		for _, index := range topic.Partitions {
			t.partitions[Partition{topic.Topic, index}] = true
		}
	}
	return t, nil
}
