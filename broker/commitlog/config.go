package commitlog

import (
	"log/slog"
	"math"

	"odradek/broker/record"
)

// Config is what a topic's configuration says of its logs; the comments give Kafka's names. It is replaced whole and live by
// SetConfig.
type Config struct {
	SegmentBytes                int64                // segment.bytes: a segment is not grown past it
	SegmentMs                   int64                // segment.ms: a segment does not span more, by its records' timestamps
	SegmentJitterMs             int64                // segment.jitter.ms: a random time up to this is taken off segment.ms
	Preallocate                 bool                 // preallocate: the file of the active segment has its full size
	IndexBytesMax               int64                // segment.index.bytes: of the offset index; a full index rolls the segment
	IndexIntervalBytes          int64                // index.interval.bytes: one index entry in so much log
	MaxMessageBytes             int64                // max.message.bytes: of a batch, as it is stored
	FlushMessages               int64                // flush.messages: applied by the caller, who calls Sync
	FlushMs                     int64                // flush.ms: likewise
	MessageTimestampType        record.TimestampType // message.timestamp.type
	MessageTimestampBeforeMaxMs int64                // message.timestamp.before.max.ms
	MessageTimestampAfterMaxMs  int64                // message.timestamp.after.max.ms
	ProducerIDExpirationMs      int64                // producer.id.expiration.ms
	FileDeleteDelayMs           int64                // file.delete.delay.ms: of the files of segments that retention drops
	VerifyTransactions          bool                 // transaction.partition.verification.enable: see Guard
	Compacted                   bool                 // cleanup.policy has compact: producers' records need keys
	Convert                     bool                 // compression.type is not "producer": batches of another codec become Compression
	Compression                 record.Compression   // compression.type, with its level
}

// DefaultConfig is Kafka's.
func DefaultConfig() Config {
	return Config{
		SegmentBytes:                1 << 30,
		SegmentMs:                   7 * 24 * 3_600_000,
		IndexBytesMax:               10 << 20,
		IndexIntervalBytes:          4 << 10,
		MaxMessageBytes:             1<<20 + record.LogOverhead,
		FlushMessages:               math.MaxInt64,
		FlushMs:                     math.MaxInt64,
		MessageTimestampType:        record.CreateTime,
		MessageTimestampBeforeMaxMs: math.MaxInt64,
		MessageTimestampAfterMaxMs:  3_600_000,
		ProducerIDExpirationMs:      86_400_000,
		FileDeleteDelayMs:           60_000,
		VerifyTransactions:          true,
	}
}

// Options are what a log needs of its process.
type Options struct {
	// Logger is told of recoveries and of what the background could not do. Nil discards.
	Logger *slog.Logger
	// Cut drops, after an fsync of this log has failed, what no fsync vouches for, instead of writing anew what can be read: for
	// a replica that gets it again from its leader. A log on which no fsync has failed is opened as always.
	Cut bool
	// Whole refuses a log of which recovery would cut something off, with ErrTorn and before it is touched: for a replica that
	// counts as having all it had.
	Whole bool
	// Failed, when set, is the failed log in this process that the new one takes the place of. It must be closed.
	Failed *Log
	// OnReadError, when set, is told when the bytes of a slice can't be read, by who reads them.
	OnReadError func(l *Log, err error)
	// Go runs f beside the caller: the flush of a segment that was rolled. Nil is a goroutine.
	Go func(f func())
	// Beside names a file in the log's directory that is not the log's, and that is to be durable before anything of the log is.
	// Empty is none.
	Beside string
	// Files bounds the files that the log keeps open, with those of all logs that share it. Nil is a bound of its own.
	Files *Files
	// SyncParent makes the entry of the log's directory durable. Nil syncs the directory above it; who opens many logs in one
	// lets a sync serve all that wait.
	SyncParent func() error
}

// filesMax is how many files of settled segments a log keeps open that does not share a bound.
const filesMax = 64

func (o Options) withDefaults() Options {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Go == nil {
		o.Go = func(f func()) { go f() }
	}
	if o.Files == nil {
		o.Files = NewFiles(filesMax)
	}
	return o
}
