package replica

import (
	"testing"

	"odradek/broker/env/memenv"
	"odradek/broker/metadata"
)

// lone returns a partition that its node leads alone.
func lone(b *testing.B, replicas ...int32) *Partition {
	m, err := NewManager(ManagerConfig{
		NodeID: 1, Disk: memenv.NewDisk(), Dirs: []LogDir{{Path: "data"}}, Net: memenv.NewNet(),
		TopicSettings: func(*metadata.Image, string) TopicSettings { return defaultSettings() },
	})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { m.Close() })
	topic := &metadata.Topic{ID: topicID, Name: "t", Partitions: []*metadata.Partition{{Replicas: replicas, ISR: replicas, Leader: 1}}}
	img := &metadata.Image{
		Topics: map[string]*metadata.Topic{"t": topic}, TopicsByID: map[metadata.UUID]*metadata.Topic{topicID: topic},
		Brokers: map[int32]*metadata.Broker{1: {ID: 1, Epoch: 1}, 2: {ID: 2, Epoch: 2}, 3: {ID: 3, Epoch: 3}},
	}
	m.Apply(img, nil)
	<-m.Ready()
	p, err := m.Partition(topicID, 0)
	if err != nil {
		b.Fatal(err)
	}
	return p
}

// One append that is acknowledged at once, in the path of a produce with acks=all to a single replica.
func BenchmarkAppend(b *testing.B) {
	p := lone(b, 1)
	records := batch("value", 100)
	done := func(r AppendResult) {
		if r.Err != nil {
			b.Fatal(r.Err)
		}
	}
	b.SetBytes(int64(len(records)))
	b.ReportAllocs()
	for b.Loop() {
		p.Append(records, -1, done)
	}
}

// One append, and the fetches by which two followers get and confirm it.
func BenchmarkReplicatedAppend(b *testing.B) {
	p := lone(b, 1, 2, 3)
	records := batch("value", 100)
	acked := 0
	done := func(AppendResult) { acked++ }
	fetch := FetchRequest{CurrentLeaderEpoch: 0, LastFetchedEpoch: 0, MaxBytes: 1 << 20, AtLeastOne: true, Isolation: LogEnd}
	b.SetBytes(int64(len(records)))
	b.ReportAllocs()
	for b.Loop() {
		p.Append(records, -1, done)
		for id := int32(2); id <= 3; id++ {
			fetch.ReplicaID, fetch.ReplicaEpoch = id, int64(id)
			if r := p.Fetch(fetch); r.Slice != nil {
				r.Slice.Release()
			}
		}
		fetch.Offset += 100
	}
	if acked < b.N-1 {
		b.Fatalf("%d of %d acknowledged", acked, b.N)
	}
}

// A follower's or consumer's fetch of a partition that has nothing new.
func BenchmarkIdleFetch(b *testing.B) {
	p := lone(b, 1, 2, 3)
	fetch := FetchRequest{CurrentLeaderEpoch: 0, LastFetchedEpoch: -1, MaxBytes: 1 << 20, Isolation: LogEnd, ReplicaID: 2, ReplicaEpoch: 2}
	b.ReportAllocs()
	for b.Loop() {
		p.Fetch(fetch)
	}
}
