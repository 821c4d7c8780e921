package cleaner

import "odradek/broker/commitlog"

// Retention is what a topic keeps: retention.ms and retention.bytes, negative for no limit.
type Retention struct {
	Ms    int64
	Bytes int64
}

// NewStart is the offset at which a log of these segments is to start: after the segments whose records are all older than Ms, and
// after those beyond which Bytes are left. No segment goes that has records at highWatermark or later. The active one may
// be among them, if it holds anything. startOffset, the log's own, is the least that is answered.
func (r Retention) NewStart(segments []commitlog.SegmentInfo, startOffset, highWatermark, nowMs int64) int64 {
	goes := func(s commitlog.SegmentInfo) bool { return s.Next <= highWatermark && s.Size > 0 }
	start := startOffset
	if r.Ms >= 0 {
		for len(segments) > 0 && goes(segments[0]) && nowMs-segments[0].NewestMs > r.Ms {
			start = max(start, segments[0].Next)
			segments = segments[1:]
		}
	}
	if r.Bytes < 0 {
		return start
	}
	var size int64
	for _, s := range segments {
		size += s.Size
	}
	for len(segments) > 0 && goes(segments[0]) && size-segments[0].Size >= r.Bytes {
		size -= segments[0].Size
		start = max(start, segments[0].Next)
		segments = segments[1:]
	}
	return start
}
