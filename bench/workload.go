package bench

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Workload is how much is written and read, and how. Its JSON form, in these names, is a workload file.
type Workload struct {
	Name string `json:"name"`

	// Topics are made for the run and deleted after it.
	Topics            int               `json:"topics"`
	Partitions        int32             `json:"partitions"`         // of each topic
	ReplicationFactor int16             `json:"replication_factor"` // -1: the cluster's default
	TopicConfigs      map[string]string `json:"topic_configs,omitempty"`

	// RecordBytes is the size of a record's value; with RecordBytesMax above it, sizes are spread evenly between the two. RecordSizes,
	// in place of both, gives each of some sizes its share.
	RecordBytes    int         `json:"record_bytes"`
	RecordBytesMax int         `json:"record_bytes_max,omitempty"`
	RecordSizes    []SizeShare `json:"record_sizes,omitempty"`

	Keys    int     `json:"keys,omitempty"`     // how many different keys; 0: records have none
	KeySkew float64 `json:"key_skew,omitempty"` // the n-th key is taken in proportion to n to the power of minus this (Zipf); 0: evenly

	Compressible float64 `json:"compressible,omitempty"` // the part of a value that is zeros, 0 to 1
	Compression  string  `json:"compression,omitempty"`  // none, gzip, snappy, lz4 or zstd
	Acks         string  `json:"acks,omitempty"`         // all, 1 or 0
	BatchBytes   int32   `json:"batch_bytes,omitempty"`  // the most of a batch
	LingerMs     int     `json:"linger_ms,omitempty"`    // how long a batch is waited for
	Client       string  `json:"client,omitempty"`       // records or batches
	InFlight     int     `json:"in_flight,omitempty"`    // of client batches: how many each producer has under way at each broker
	Producers    int     `json:"producers,omitempty"`    // each has connections of its own
	// TransactionRecords is how many records a producer commits at a time; its consumers then read what is committed. 0: no transactions.
	TransactionRecords int `json:"transaction_records,omitempty"`

	Consumers int    `json:"consumers,omitempty"` // likewise, and members of each group if there are groups
	Groups    int    `json:"groups,omitempty"`    // each reads everything; 0: the consumers share the partitions among them
	Read      string `json:"read,omitempty"`      // after: the backlog, when all is written; beside: as it is written; no
	// BacklogSeconds is how long what is written is not read, of reading beside: then the consumers begin, and must catch up.
	BacklogSeconds float64 `json:"backlog_seconds,omitempty"`
	MaxFetchBytes  int32   `json:"max_fetch_bytes,omitempty"` // of one answer to a consumer

	Rate          int     `json:"rate,omitempty"`           // records a second, all producers together; 0: as many as go
	Records       int64   `json:"records,omitempty"`        // to write; 0: until Seconds have passed
	Seconds       float64 `json:"seconds,omitempty"`        // how long is written, at most
	WarmupSeconds float64 `json:"warmup_seconds,omitempty"` // of the same, on topics of its own, not measured
}

// SizeShare is a size of values, and the part of all records that have it: shares count in proportion to their sum.
type SizeShare struct {
	Bytes int     `json:"bytes"`
	Share float64 `json:"share"`
}

// withDefaults fills in what a workload leaves out.
func (w Workload) withDefaults() Workload {
	w.Topics, w.Partitions = max(w.Topics, 1), max(w.Partitions, 1)
	w.Producers, w.Consumers, w.InFlight = max(w.Producers, 1), max(w.Consumers, 1), max(w.InFlight, 1)
	if w.ReplicationFactor == 0 {
		w.ReplicationFactor = -1
	}
	for _, each := range []struct {
		field   *string
		initial string
	}{{&w.Compression, "none"}, {&w.Acks, "all"}, {&w.Client, clientRecords}, {&w.Read, readAfter}} {
		if *each.field == "" {
			*each.field = each.initial
		}
	}
	if w.BatchBytes == 0 {
		w.BatchBytes = batchBytes
	}
	if w.MaxFetchBytes == 0 {
		w.MaxFetchBytes = fetchBytes
	}
	return w
}

const (
	clientRecords, clientBatches = "records", "batches"
	readAfter, readBeside        = "after", "beside"
	readNone                     = "no"

	batchBytes = 1_000_000
	fetchBytes = 8 << 20
)

// compressions and acknowledgments are the client's names.
var (
	compressions = map[string]kgo.CompressionCodec{
		"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(), "lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression(),
	}
	acknowledgments = map[string]kgo.Acks{"all": kgo.AllISRAcks(), "1": kgo.LeaderAck(), "0": kgo.NoAck()}
)

// check says what can't be run.
func (w Workload) check() error {
	oneOf := func(field, value string, of ...string) error {
		if slices.Contains(of, value) {
			return nil
		}
		return fmt.Errorf("%s %q: one of %s is needed", field, value, strings.Join(of, ", "))
	}
	for _, err := range []error{
		oneOf("client", w.Client, clientRecords, clientBatches),
		oneOf("read", w.Read, readAfter, readBeside, readNone),
		oneOf("acks", w.Acks, "all", "1", "0"),
		oneOf("compression", w.Compression, "none", "gzip", "snappy", "lz4", "zstd"),
	} {
		if err != nil {
			return err
		}
	}
	switch {
	case w.Records <= 0 && w.Seconds <= 0:
		return fmt.Errorf("records %d, seconds %v: one of them must be more than 0", w.Records, w.Seconds)
	case w.RecordBytes < 0 || w.RecordBytesMax != 0 && w.RecordBytesMax < w.RecordBytes:
		return fmt.Errorf("record_bytes %d, record_bytes_max %d: neither may be negative, nor the second smaller", w.RecordBytes, w.RecordBytesMax)
	case len(w.RecordSizes) > 0 && (w.RecordBytes != 0 || w.RecordBytesMax != 0):
		return fmt.Errorf("record_sizes stand in place of record_bytes and record_bytes_max")
	case slices.ContainsFunc(w.RecordSizes, func(s SizeShare) bool { return s.Bytes < 0 || !(s.Share > 0) }):
		return fmt.Errorf("record_sizes: no size may be negative, and each share must be above 0")
	case w.Compressible < 0 || w.Compressible > 1:
		return fmt.Errorf("compressible %v: 0 to 1 is allowed", w.Compressible)
	case w.Rate < 0 || w.WarmupSeconds < 0 || w.Keys < 0 || w.LingerMs < 0 || w.KeySkew < 0 || w.Groups < 0 || w.TransactionRecords < 0 || w.BacklogSeconds < 0:
		return fmt.Errorf("rate, warmup_seconds, keys, key_skew, linger_ms, groups, transaction_records, backlog_seconds: none may be negative")
	case w.KeySkew > 0 && w.Keys == 0:
		return fmt.Errorf("key_skew %v: keys is needed for it", w.KeySkew)
	case w.TransactionRecords > 0 && w.Acks != "all":
		return fmt.Errorf("transaction_records %d: acks must be all", w.TransactionRecords)
	case w.BacklogSeconds > 0 && (w.Read != readBeside || w.Seconds > 0 && w.BacklogSeconds >= w.Seconds):
		return fmt.Errorf("backlog_seconds %v: read must be beside, and it must be less than seconds", w.BacklogSeconds)
	case w.Client == clientBatches && (w.Compression != "none" || w.Keys > 0 || w.RecordBytesMax > 0 || len(w.RecordSizes) > 0 || w.Groups > 0 ||
		w.TransactionRecords > 0 || w.Read == readBeside || w.Rate > 0):
		return fmt.Errorf("client batches knows no compression, keys, spread of sizes, groups, transactions, rate or reading beside")
	case w.Acks == "0" && w.Client == clientBatches:
		return fmt.Errorf("client batches counts what is acknowledged: acks 0 tells it nothing")
	}
	return nil
}

// ParseWorkload reads a workload file. A field that is not known is an error.
func ParseWorkload(text []byte) (Workload, error) {
	var w Workload
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&w); err != nil {
		return w, fmt.Errorf("workload: %w", err)
	}
	return w, w.withDefaults().check()
}

// duration is a workload's seconds.
func duration(seconds float64) time.Duration { return time.Duration(seconds * float64(time.Second)) }
