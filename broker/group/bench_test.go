package group

import (
	"fmt"
	"testing"
)

// BenchmarkReplay is what each committed offset costs a coordinator that is loaded: 100,000 of them are a failover's work.
func BenchmarkReplay(b *testing.B) {
	m := New(&newWorld().cfg)
	record := offsetRecord("some-group", "some-topic", 0, offset{offset: 12345, leaderEpoch: 7, metadata: "", committedMs: 1700000000000, expiresMs: -1})
	keys := make([][]byte, 1000)
	for i := range keys {
		keys[i] = offsetKey(fmt.Sprint("some-group-", i%100), "some-topic", int32(i/100))
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		record.Key = keys[i%len(keys)]
		if err := m.Replay(record); err != nil {
			b.Fatal(err)
		}
	}
}
