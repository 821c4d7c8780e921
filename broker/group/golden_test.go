package group

import (
	"bytes"
	_ "embed"
	"errors"
	"strings"
	"testing"

	"odradek/broker/coord"
	"odradek/broker/coord/golden"
)

var (
	//go:embed testdata/kafka_records.hex
	kafkaRecords string
	//go:embed testdata/offsets.hex
	offsetVersions string
)

// writtenAgain is the record as the machine that read it, and nothing else, would write it.
func writtenAgain(t *testing.T, m *Machine, r coord.Record) coord.Record {
	t.Helper()
	names, err := keyNames(r.Key, 2)
	if err != nil {
		if names, err = keyNames(r.Key, 1); err != nil {
			t.Fatal(err)
		}
	}
	g := m.groups[names[0]]
	switch c, s := g.consumer, g.share; recordType(r) {
	case keyGroupMetadata:
		return g.record()
	case keyConsumerGroup:
		return consumerGroupRecord(g.id, c.epoch, c.hash)
	case keyConsumerMember:
		return c.members[names[1]].record(g.id)
	case keyConsumerRegex:
		return consumerRegexRecord(g.id, names[1], c.regexes[names[1]])
	case keyConsumerTargetEpoch:
		return consumerTargetEpochRecord(g.id, c.assignmentEpoch, c.assignedMs)
	case keyConsumerTarget:
		return consumerTargetRecord(g.id, names[1], c.target[names[1]])
	case keyConsumerCurrent:
		return c.members[names[1]].current(g.id)
	case keyShareGroup:
		return shareGroupRecord(g.id, s.epoch, s.hash)
	case keyShareMember:
		return s.members[names[1]].record(g.id)
	case keyShareTargetEpoch:
		return shareTargetEpochRecord(g.id, s.assignmentEpoch, s.assignedMs)
	case keyShareTarget:
		return shareTargetRecord(g.id, names[1], s.target[names[1]])
	case keyShareCurrent:
		return s.members[names[1]].current(g.id)
	case keyShareBegun:
		return begunRecord(g.id, s.begun)
	}
	t.Fatalf("records of type %d are not written", recordType(r))
	return coord.Record{}
}

// TestGoldenRecords: what Kafka 4.3.1 wrote into __consumer_offsets is read, and is what this coordinator writes of it, byte by byte.
func TestGoldenRecords(t *testing.T) {
	records := golden.Parse(t, kafkaRecords)
	seen := map[int16]bool{}
	for _, r := range records {
		m := New(&newWorld().cfg)
		if err := m.Replay(r.Record); err != nil {
			t.Errorf("%s: %v", r.Name, err)
			continue
		}
		got := writtenAgain(t, m, r.Record)
		if !bytes.Equal(got.Key, r.Key) || !bytes.Equal(got.Value, r.Value) {
			t.Errorf("%s is written as\n%x %x\nwant\n%x %x", r.Name, got.Key, got.Value, r.Key, r.Value)
		}
		seen[recordType(r.Record)] = true
	}
	for kind := keyGroupMetadata; kind <= keyConsumerRegex; kind++ {
		if unused := kind == 4 || kind == 9; !unused && !seen[kind] {
			t.Errorf("no record of type %d", kind)
		}
	}
}

// TestGoldenOffsets: an offset has been written in several versions. Version 3 is what this coordinator writes, 1 with an expiry of
// the offset's own, and 4 is what Kafka 4.3.1 writes, with the topic's id, which is read and not kept.
func TestGoldenOffsets(t *testing.T) {
	records := golden.Parse(t, offsetVersions)
	for i, want := range []offset{
		{offset: 11, leaderEpoch: -1, committedMs: 1795522962172, expiresMs: -1},
		{offset: 11, leaderEpoch: -1, metadata: "m", committedMs: 1795522962172, expiresMs: 1795522962173},
		{offset: 11, leaderEpoch: -1, metadata: "m", committedMs: 1795522962172, expiresMs: -1},
		{offset: 11, leaderEpoch: 0, metadata: "m", committedMs: 1795522962172, expiresMs: -1},
		{offset: 11, leaderEpoch: 0, committedMs: 1795522962172, expiresMs: -1},
	} {
		m := New(&newWorld().cfg)
		at, got, err := m.readOffset(records[i].Record)
		if err != nil {
			t.Errorf("%s: %v", records[i].Name, err)
			continue
		}
		want.order = got.order
		if *got != want || at != (offsetPlace{"classic", "t", 0}) {
			t.Errorf("%s is %+v of %v, want %+v", records[i].Name, *got, at, want)
		}
		if written := records[i].Name == "v1" || records[i].Name == "v3"; written {
			if again := offsetRecord(at.group, at.topic, at.partition, *got); !bytes.Equal(again.Value, records[i].Value) || !bytes.Equal(again.Key, records[i].Key) {
				t.Errorf("%s is written as %x %x", records[i].Name, again.Key, again.Value)
			}
		}
	}
}

// TestRecordsOfUnknownVersions: a value of a version that is not known is refused, and changes nothing; a key of an unknown type is passed over.
func TestRecordsOfUnknownVersions(t *testing.T) {
	records := append(golden.Parse(t, kafkaRecords), golden.Parse(t, offsetVersions)...)
	for _, r := range records {
		r.Value = bytes.Clone(r.Value)
		r.Value[0], r.Value[1] = 0, 9
		m := New(&newWorld().cfg)
		if err := m.Replay(r.Record); !errors.Is(err, errMalformed) || !strings.Contains(err.Error(), "version 9") {
			t.Errorf("%s: %v", r.Name, err)
		}
		if len(m.groups) != 0 {
			t.Errorf("%s left %v", r.Name, m.groups)
		}
		r.Key = bytes.Clone(r.Key)
		r.Key[0] = 1
		if err := m.Replay(r.Record); err != nil || len(m.groups) != 0 {
			t.Errorf("%s as an unknown type: %v", r.Name, err)
		}
	}
}
