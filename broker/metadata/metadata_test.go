package metadata

import (
	"bytes"
	"encoding/hex"
	"errors"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestApply holds, over random batches: the old image is untouched, a batch from another version is refused, the encoding
// of batches and snapshots loses nothing, the delta of Apply names what Diff finds, and both maps of topics agree.
func TestApply(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		image := NewImage()
		for range rapid.IntRange(1, 12).Draw(t, "batches") {
			before := AppendSnapshot(nil, image)
			batch := drawBatch(t, image)
			decoded, err := DecodeBatch(AppendBatch(nil, batch))
			if err != nil {
				t.Fatal(err)
			}
			next, delta, err := image.Apply(decoded)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(before, AppendSnapshot(nil, image)) {
				t.Fatal("the image that a batch was applied to has changed")
			}
			if _, _, err := next.Apply(batch); !errors.Is(err, ErrStale) {
				t.Fatalf("applied twice: %v", err)
			}
			checkDelta(t, image, next, delta)
			checkSnapshot(t, next)
			image = next
		}
	})
}

// checkDelta: whatever Diff finds changed, Apply's delta names. (It may name more: what was set to what it was.)
func checkDelta(t *rapid.T, old, new *Image, delta *Delta) {
	if delta.Version != new.Version || delta.Full {
		t.Fatalf("%+v", delta)
	}
	named := map[UUID]TopicDelta{}
	for _, topic := range delta.Topics {
		named[topic.ID] = topic
	}
	exact := Diff(old, new)
	for _, want := range exact.Topics {
		got := named[want.ID]
		if got.Created != want.Created || got.Deleted != want.Deleted || got.Name != want.Name || !contains(got.Partitions, want.Partitions) {
			t.Fatalf("%+v, Diff has %+v", got, want)
		}
	}
	if !contains(delta.Brokers, exact.Brokers) || !contains(delta.Configs, exact.Configs) || exact.Cluster && !delta.Cluster ||
		exact.Features && !delta.Features || exact.Quotas && !delta.Quotas {
		t.Fatalf("%+v, Diff has %+v", delta, exact)
	}
}

func contains[T comparable](all, some []T) bool {
	in := map[T]bool{}
	for _, v := range all {
		in[v] = true
	}
	for _, v := range some {
		if !in[v] {
			return false
		}
	}
	return true
}

func checkSnapshot(t *rapid.T, image *Image) {
	encoded := AppendSnapshot(nil, image)
	restored, err := DecodeSnapshot(encoded)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(restored, image) {
		t.Fatalf("restored %+v\nwas %+v", restored, image)
	}
	if d := Diff(image, restored); len(d.Topics)+len(d.Brokers)+len(d.Configs) > 0 {
		t.Fatalf("Diff of equal images: %+v", d)
	}
	if len(image.Topics) != len(image.TopicsByID) {
		t.Fatal("the maps of topics differ")
	}
	for name, topic := range image.Topics {
		if image.TopicsByID[topic.ID] != topic || topic.Name != name {
			t.Fatalf("topic %s is another by its id", name)
		}
	}
}

func TestRefusals(t *testing.T) {
	id := UUID{1}
	base := NewImage()
	base, _, err := base.Apply(Batch{Records: []Record{
		&ClusterRecord{ClusterID: "c"}, &BrokerRecord{Broker: Broker{ID: 1, Epoch: 5}}, &TopicRecord{ID: id, Name: "t"},
		&PartitionRecord{TopicID: id, Partition: Partition{LeaderEpoch: 3, PartitionEpoch: 3}}, &ProducerIDsRecord{Next: 10},
	}})
	if err != nil {
		t.Fatal(err)
	}
	for name, record := range map[string]Record{
		"another cluster":                  &ClusterRecord{ClusterID: "d"},
		"no cluster":                       &ClusterRecord{},
		"broker epoch goes back":           &BrokerRecord{Broker: Broker{ID: 1, Epoch: 4}},
		"state of an older registration":   &BrokerStateRecord{ID: 1, Epoch: 4},
		"state of an unknown broker":       &BrokerStateRecord{ID: 2},
		"removal of an older registration": &RemoveBrokerRecord{ID: 1, Epoch: 4},
		"topic's name is taken":            &TopicRecord{ID: UUID{2}, Name: "t"},
		"topic's id is taken":              &TopicRecord{ID: id, Name: "u"},
		"topic without name":               &TopicRecord{ID: UUID{2}},
		"unknown topic":                    &RemoveTopicRecord{ID: UUID{2}},
		"partition of unknown topic":       &PartitionRecord{TopicID: UUID{2}},
		"partition leaves a gap":           &PartitionRecord{TopicID: id, Index: 2},
		"negative partition":               &PartitionRecord{TopicID: id, Index: -1},
		"leader epoch goes back":           &PartitionRecord{TopicID: id, Partition: Partition{LeaderEpoch: 2, PartitionEpoch: 4}},
		"partition epoch goes back":        &PartitionRecord{TopicID: id, Partition: Partition{LeaderEpoch: 3, PartitionEpoch: 2}},
		"producer ids go back":             &ProducerIDsRecord{Next: 9},
		"feature below zero":               &FeatureRecord{Name: "f", Level: -1},
		"quota of nobody":                  &QuotaRecord{Key: "producer_byte_rate"},
		"credential of nobody":             &ScramRecord{},
	} {
		batch := Batch{BaseVersion: base.Version, Records: []Record{&ProducerIDsRecord{Next: 11}, record}}
		if next, _, err := base.Apply(batch); !errors.Is(err, ErrInconsistent) || next != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if base.NextProducerID != 10 {
		t.Error("a refused batch left something behind")
	}
}

func TestDeltaOfATopicMadeAgain(t *testing.T) {
	old, _, _ := NewImage().Apply(Batch{Records: []Record{&TopicRecord{ID: UUID{9}, Name: "t"}}})
	_, delta, err := old.Apply(Batch{BaseVersion: 1, Records: []Record{
		&RemoveTopicRecord{ID: UUID{9}},
		&TopicRecord{ID: UUID{1}, Name: "t"},
		&PartitionRecord{TopicID: UUID{1}, Partition: Partition{}},
		&TopicRecord{ID: UUID{2}, Name: "gone"}, &RemoveTopicRecord{ID: UUID{2}},
	}})
	want := []TopicDelta{{ID: UUID{9}, Name: "t", Deleted: true}, {ID: UUID{1}, Name: "t", Created: true, Partitions: []int32{0}}}
	if err != nil || !reflect.DeepEqual(delta.Topics, want) {
		t.Errorf("%+v %v", delta.Topics, err)
	}
}

// goldenBatch has one record of each kind, every field set.
var goldenBatch = Batch{BaseVersion: 300, Records: []Record{
	&ClusterRecord{ClusterID: "cluster"},
	&BrokerRecord{Broker: Broker{ID: 1, Epoch: 300, IncarnationID: UUID{1, 2}, DirectoryID: UUID{3, 4}, Host: "host", Port: 9092, Rack: "rack", ControllerAddress: "host:9093", Fenced: true, ShuttingDown: true, Features: []FeatureRange{{"feature", 0, 2}}}},
	&BrokerStateRecord{ID: 1, Epoch: 300, Fenced: false, ShuttingDown: true},
	&RemoveBrokerRecord{ID: 2, Epoch: 7},
	&TopicRecord{ID: UUID{5, 6}, Name: "topic"},
	&RemoveTopicRecord{ID: UUID{7, 8}},
	&PartitionRecord{TopicID: UUID{5, 6}, Index: 2, Partition: Partition{Replicas: []int32{1, 2, 3}, ISR: []int32{2}, ELR: []int32{1}, LastKnownLeader: -1, Leader: 2, LeaderEpoch: 4, PartitionEpoch: 5, Adding: []int32{3}, Removing: []int32{1}}},
	&ConfigRecord{Resource: ConfigResource{Type: ResourceTopic, Name: "topic"}, Key: "retention.ms", Value: "1"},
	&ConfigRecord{Resource: ConfigResource{Type: ResourceBroker, Name: ""}, Key: "min.insync.replicas", Remove: true},
	&ProducerIDsRecord{Next: 1000},
	&FeatureRecord{Name: "feature", Level: 2},
	&QuotaRecord{Entity: QuotaEntity{User: QuotaName{QuotaNamed, "u"}, ClientID: QuotaName{Kind: QuotaDefault}}, Key: "producer_byte_rate", Value: 1024.5},
	&ScramRecord{User: ScramUser{"u", 1}, Credential: ScramCredential{Salt: []byte{1}, StoredKey: []byte{2}, ServerKey: []byte{3}, Iterations: 4096}},
}}

// TestGolden holds the format: a log written by today's program must be read by tomorrow's.
func TestGolden(t *testing.T) {
	golden := goldenFile(t, "testdata/batch.hex", AppendBatch(nil, goldenBatch))
	decoded, err := DecodeBatch(golden)
	if err != nil || !reflect.DeepEqual(decoded, goldenBatch) {
		t.Errorf("%+v %v", decoded, err)
	}
}

// TestGoldenSnapshot does the same for the image that most of these records lead to.
func TestGoldenSnapshot(t *testing.T) {
	records := slices.Clone(goldenBatch.Records)
	partition := *records[6].(*PartitionRecord)
	partition.Index = 0 // a topic's first
	records[6] = &partition
	records = append(slices.Delete(records, 5, 6), &TopicRecord{ID: UUID{7, 8}, Name: "empty"}) // nothing of it to remove yet,
	records = slices.Delete(records, 3, 4)                                                      // nor such a node
	image, _, err := NewImage().Apply(Batch{Records: records})
	if err != nil {
		t.Fatal(err)
	}
	golden := goldenFile(t, "testdata/snapshot.hex", AppendSnapshot(nil, image))
	decoded, err := DecodeSnapshot(golden)
	if err != nil || !reflect.DeepEqual(decoded, image) {
		t.Errorf("%+v %v", decoded, err)
	}
	for name, at := range map[string]int{"another format": 0, "another kind": 3, "another version of a record": 4} {
		b := bytes.Clone(golden)
		b[at] = 99
		if _, err := DecodeSnapshot(b); !errors.Is(err, ErrUnknown) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestGoldenOfTheFirstLayouts: what was written before records had more fields.
func TestGoldenOfTheFirstLayouts(t *testing.T) {
	old := goldenBatch
	old.Records = slices.Clone(old.Records[:10])
	broker, partition := *old.Records[1].(*BrokerRecord), *old.Records[6].(*PartitionRecord)
	broker.Broker.Features, partition.Partition.Adding, partition.Partition.Removing = nil, nil, nil
	old.Records[1], old.Records[6] = &broker, &partition
	decoded, err := DecodeBatch(goldenFile(t, "testdata/batch-0.hex", nil))
	if err != nil || !reflect.DeepEqual(decoded, old) {
		t.Errorf("%+v %v", decoded, err)
	}
}

// goldenFile returns a file's bytes, held against an encoding unless that is nil. With REWRITE set it is written anew.
func goldenFile(t *testing.T, file string, encoded []byte) []byte {
	t.Helper()
	if encoded != nil && os.Getenv("REWRITE") != "" {
		if err := os.WriteFile(file, []byte(hex.EncodeToString(encoded)+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	golden, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	if encoded != nil && !bytes.Equal(golden, encoded) {
		t.Errorf("encoded\n%x, golden\n%x", encoded, golden)
	}
	return golden
}

func TestDecodeRefuses(t *testing.T) {
	good := AppendBatch(nil, Batch{Records: []Record{&ProducerIDsRecord{Next: 3}}})
	change := func(at int, to byte) []byte {
		b := bytes.Clone(good)
		b[at] = to
		return b
	}
	for name, c := range map[string]struct {
		b    []byte
		want error
	}{
		"nothing":          {nil, ErrCorrupt},
		"short":            {good[:len(good)-1], ErrCorrupt},
		"long":             {append(bytes.Clone(good), 0), ErrCorrupt},
		"format":           {change(0, 3), ErrUnknown},
		"snapshot's":       {change(0, formatSnapshot), ErrUnknown},
		"too many records": {change(2, 100), ErrCorrupt},
		"kind":             {change(3, 99), ErrUnknown},
		"record version":   {change(4, 1), ErrUnknown},
		"record too long":  {change(5, 90), ErrCorrupt},
		"record too short": {change(5, 0), ErrCorrupt},
	} {
		if _, err := DecodeBatch(c.b); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

func FuzzDecodeBatch(f *testing.F) {
	f.Add(AppendBatch(nil, goldenBatch))
	f.Fuzz(func(t *testing.T, b []byte) {
		batch, err := DecodeBatch(b)
		if err != nil {
			return
		}
		again, err := DecodeBatch(AppendBatch(nil, batch))
		if err != nil || !reflect.DeepEqual(again, batch) {
			t.Fatalf("%+v\nagain %+v %v", batch, again, err)
		}
		NewImage().Apply(batch)
	})
}

func FuzzDecodeSnapshot(f *testing.F) {
	image, _, _ := NewImage().Apply(Batch{Records: []Record{&ClusterRecord{ClusterID: "c"}, &TopicRecord{ID: UUID{1}, Name: "t"}}})
	f.Add(AppendSnapshot(nil, image))
	f.Fuzz(func(t *testing.T, b []byte) {
		if image, err := DecodeSnapshot(b); err == nil {
			if _, err := DecodeSnapshot(AppendSnapshot(nil, image)); err != nil {
				t.Fatal(err)
			}
		}
	})
}
