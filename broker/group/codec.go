package group

import (
	"encoding/binary"
	"fmt"

	"github.com/twmb/franz-go/pkg/kbin"

	"odradek/broker/coord"
	"odradek/broker/group/assign"
	"odradek/broker/metadata"
)

// The records of the newer groups are Kafka's own (its coordinator-key and coordinator-value schemas), which kmsg does not have:
// a key is its type, then strings; a value is a version, then fields in their compact form, then tagged fields.

// key makes a record's key of its type and what it names.
func key(kind int16, names ...string) []byte {
	b := kbin.AppendInt16(nil, kind)
	for _, name := range names {
		b = kbin.AppendString(b, name)
	}
	return b
}

// keyNames reads the names of a key.
func keyNames(k []byte, n int) ([]string, error) {
	r := kbin.Reader{Src: k[2:]}
	names := make([]string, n)
	for i := range names {
		names[i] = r.String()
	}
	if err := r.Complete(); err != nil {
		return nil, fmt.Errorf("%w: key of type %d: %w", errMalformed, binary.BigEndian.Uint16(k), err)
	}
	return names, nil
}

// value begins a record's value of version 0.
func value() []byte { return kbin.AppendInt16(nil, 0) }

// tag is a tagged field.
type tag struct {
	number  uint32
	content []byte
}

func appendTags(b []byte, tags ...tag) []byte {
	b = kbin.AppendUvarint(b, uint32(len(tags)))
	for _, t := range tags {
		b = kbin.AppendUvarint(b, t.number)
		b = kbin.AppendUvarint(b, uint32(len(t.content)))
		b = append(b, t.content...)
	}
	return b
}

func appendStrings(b []byte, list []string) []byte {
	b = kbin.AppendCompactArrayLen(b, len(list))
	for _, s := range list {
		b = kbin.AppendCompactString(b, s)
	}
	return b
}

// fields reads a value.
type fields struct{ kbin.Reader }

// readFields checks the version of a value and reads what follows. A newer version is refused: its fields are not known.
func readFields(v []byte) (*fields, error) {
	f := &fields{kbin.Reader{Src: v}}
	if version := f.Int16(); version != 0 || !f.Ok() {
		return nil, fmt.Errorf("%w: value of version %d", errMalformed, version)
	}
	return f, nil
}

// done says whether all was read and nothing is left.
func (f *fields) done(what string) error {
	if err := f.Complete(); err != nil {
		return fmt.Errorf("%w: %s: %w", errMalformed, what, err)
	}
	return nil
}

// tags reads tagged fields; those that visit does not know are skipped.
func (f *fields) tags(visit func(number uint32, content *fields)) {
	for n := f.Uvarint(); n > 0 && f.Ok(); n-- {
		number := f.Uvarint()
		content := f.Span(int(f.Uvarint()))
		if f.Ok() && visit != nil {
			visit(number, &fields{kbin.Reader{Src: content}})
		}
	}
}

func (f *fields) strings() []string {
	var list []string
	for n := f.CompactArrayLen(); n > 0 && f.Ok(); n-- {
		list = append(list, f.CompactString())
	}
	return list
}

func (f *fields) int32s() []int32 {
	var list []int32
	for n := f.CompactArrayLen(); n > 0 && f.Ok(); n-- {
		list = append(list, f.Int32())
	}
	return list
}

// appendPartitions writes topics with their partitions, each followed by the tagged fields that extra makes.
func appendPartitions(b []byte, p assign.Partitions, extra func(topic metadata.UUID, list []int32) []tag) []byte {
	b = kbin.AppendCompactArrayLen(b, len(p))
	for _, topic := range p.Topics() {
		b = kbin.AppendUuid(b, topic)
		b = appendInt32s(b, p[topic])
		var tags []tag
		if extra != nil {
			tags = extra(topic, p[topic])
		}
		b = appendTags(b, tags...)
	}
	return b
}

func appendInt32s(b []byte, list []int32) []byte {
	b = kbin.AppendCompactArrayLen(b, len(list))
	for _, i := range list {
		b = kbin.AppendInt32(b, i)
	}
	return b
}

// partitions reads topics with their partitions.
func (f *fields) partitions(extra func(topic metadata.UUID, list []int32, number uint32, content *fields)) assign.Partitions {
	p := assign.Partitions{}
	for n := f.CompactArrayLen(); n > 0 && f.Ok(); n-- {
		topic, list := metadata.UUID(f.Uuid()), f.int32s()
		for _, index := range list {
			p.Add(topic, index)
		}
		f.tags(func(number uint32, content *fields) {
			if extra != nil {
				extra(topic, list, number, content)
			}
		})
	}
	return p
}

func tombstone(key []byte) coord.Record { return coord.Record{Key: key} }
