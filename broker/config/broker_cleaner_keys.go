package config

// brokerCleanerKeys are the broker's keys for what runs beside the logs: retention's timer and the cleaner.
var brokerCleanerKeys = []Key{
	{Name: "log.cleaner.backoff.ms", Type: Long, Default: "15000", Rule: atLeast(0), Importance: Medium, Dynamic: true,
		Doc: "Pause of the cleaner when no log was dirty enough."},
	{Name: "log.cleaner.dedupe.buffer.size", Type: Long, Default: "134217728", Importance: Medium, Dynamic: true,
		Doc: "Bytes of the maps from key to offset, of all cleaner threads together; a key takes 24. A log with more dirty keys is cleaned in several rounds."},
	{Name: "log.cleaner.enable", Type: Boolean, Default: "true", Importance: Medium,
		Doc: "Whether compacted topics are compacted."},
	{Name: "log.cleaner.io.buffer.load.factor", Type: Double, Default: "0.9", Rule: between(0, 1), Importance: Medium, Dynamic: true,
		Doc: "Share of the cleaner's map that may be taken before a round ends."},
	{Name: "log.cleaner.io.buffer.size", Type: Int, Default: "524288", Rule: atLeast(0), Importance: Medium, Dynamic: true,
		Doc: "Bytes that are collected before they are written, of all cleaner threads together."},
	{Name: "log.cleaner.io.max.bytes.per.second", Type: Double, Default: "1.7976931348623157E308", Importance: Medium, Dynamic: true,
		Doc: "Bytes a second that the cleaner reads and writes at most, on average."},
	{Name: "log.cleaner.threads", Type: Int, Default: "1", Rule: atLeast(0), Importance: Medium, Dynamic: true,
		Doc: "Logs that are compacted at a time."},
	{Name: "log.retention.check.interval.ms", Type: Long, Default: "300000", Rule: atLeast(1), Importance: Medium,
		Doc: "Time between two looks for segments that retention no longer keeps."},
}
