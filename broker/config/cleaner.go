package config

import (
	"time"
)

// Cleaner is what a node's compaction may use.
type Cleaner struct {
	Enabled           bool
	Threads           int32
	DedupeBytes       int64 // of all threads together
	LoadFactor        float64
	BufferBytes       int32 // of all threads together
	BytesPerSecondMax float64
	Backoff           time.Duration
}

func (r reader) cleaner() Cleaner {
	return Cleaner{
		Enabled:           r.bool("log.cleaner.enable"),
		Threads:           r.int32("log.cleaner.threads"),
		DedupeBytes:       r.int64("log.cleaner.dedupe.buffer.size"),
		LoadFactor:        r.float64("log.cleaner.io.buffer.load.factor"),
		BufferBytes:       r.int32("log.cleaner.io.buffer.size"),
		BytesPerSecondMax: r.float64("log.cleaner.io.max.bytes.per.second"),
		Backoff:           time.Duration(r.int64("log.cleaner.backoff.ms")) * time.Millisecond,
	}
}
