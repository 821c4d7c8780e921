package record

import (
	"bytes"
	"encoding/hex"
	"os"
	"strings"
	"testing"
)

// readHex reads a golden file: hex digits in lines.
func readHex(t testing.TB, name string) []byte {
	t.Helper()
	text, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	content, err := hex.DecodeString(strings.ReplaceAll(string(text), "\n", ""))
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// kafkaRecords are what is in the golden batches, which Kafka 4.3.1's MemoryRecordsBuilder has written: base offset 42,
// leader epoch 5, producer 9000 with epoch 3 from sequence 7 on, transactional.
var kafkaRecords = []Record{
	{Offset: 42, Timestamp: 1_700_000_000_000, Key: []byte("key"), Value: []byte("value")},
	{Offset: 43, Timestamp: 1_700_000_000_005, Value: []byte("no key")},
	{Offset: 44, Timestamp: 1_700_000_000_002, Key: []byte("deleted"), Headers: []Header{{"h", []byte("x")}, {"null", nil}}},
	{Offset: 45, Timestamp: 1_700_000_000_003, Key: []byte("long"), Value: []byte(strings.Repeat("abcdefgh", 40))},
}

func kafkaBuilder() *Builder {
	b := NewBuilder()
	b.BaseOffset, b.PartitionLeaderEpoch, b.Transactional = 42, 5, true
	b.ProducerID, b.ProducerEpoch, b.BaseSequence = 9_000, 3, 7
	return b
}

// TestKafkasBatches reads a batch of each codec as Kafka wrote it; its snappy is xerial.
func TestKafkasBatches(t *testing.T) {
	for name, codec := range map[string]Codec{"none": None, "gzip": Gzip, "xerial": Snappy, "lz4": LZ4, "zstd": Zstd} {
		t.Run(name, func(t *testing.T) {
			batch, rest, err := Split(readHex(t, "kafka_"+name+".hex"))
			if err != nil || len(rest) > 0 {
				t.Fatal(err, len(rest))
			}
			if err := batch.Validate(); err != nil {
				t.Fatal(err)
			}
			if batch.Codec() != codec || batch.BaseOffset() != 42 || batch.PartitionLeaderEpoch() != 5 || batch.ProducerID() != 9_000 ||
				batch.ProducerEpoch() != 3 || batch.BaseSequence() != 7 || batch.LastSequence() != 10 || !batch.IsTransactional() ||
				batch.MaxTimestamp() != 1_700_000_000_005 {
				t.Errorf("header %x", batch[:HeaderSize])
			}
			records, err := collect(batch, 1<<20)
			if err != nil {
				t.Fatal(err)
			}
			equalRecords(t, records, kafkaRecords)
		})
	}
}

// TestBuilderWritesKafkasBytes: without compression, of which there is more than one right result, the bytes are the same.
func TestBuilderWritesKafkasBytes(t *testing.T) {
	got, want := build(t, kafkaBuilder(), kafkaRecords), readHex(t, "kafka_none.hex")
	if !bytes.Equal(got, want) {
		t.Errorf("built\n%x, Kafka has\n%x", got, want)
	}
}

// TestPlainSnappyVector reads what librdkafka and franz-go send: one block without framing. The vector is a literal of four bytes.
func TestPlainSnappyVector(t *testing.T) {
	got, err := Decompress(Snappy, []byte{4, 3 << 2, 'a', 'b', 'c', 'd'}, 100)
	if err != nil || string(got) != "abcd" {
		t.Errorf("%q, %v", got, err)
	}
}
