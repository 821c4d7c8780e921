package vectors

// produceConverted produces to topics with a compression.type of their own, and reads what was stored.
func produceConverted(p *player) {
	stored := []string{"producer", "uncompressed", "gzip", "snappy", "lz4", "zstd"}
	for _, to := range stored {
		name := "converted-" + to
		p.do("make "+name, 7, creation(topic(name, 1, 1, "retention.ms", "-1", "compression.type", to)))
		p.settle(name, 1)
	}
	sent := []string{"", "gzip", "snappy", "xerial", "lz4", "zstd"}
	for _, to := range stored {
		for i, codec := range sent {
			b := batch{records: 3, producer: int64(70 + i), codec: codec, valueBytes: 100}
			p.do("from "+codec, 9, p.producing(-1, part{"converted-" + to, 0, b.bytes()}))
			p.do("repeated from "+codec, 9, p.producing(-1, part{"converted-" + to, 0, b.bytes()}))
		}
		p.do("converted", 12, p.fetching(0, -1, want{"converted-" + to, 0, 0}))
		p.do("converted, from the middle of a batch", 12, p.fetching(0, -1, want{"converted-" + to, 0, 4}))
	}
	for v := int16(4); v <= 10; v++ {
		p.do("converted to zstd, read by old clients", v, p.fetching(0, -1, want{"converted-zstd", 0, 0}, want{"converted-gzip", 0, 0}))
	}
	p.zstdOfOldClients()
	p.grows()
	for _, to := range []string{"uncompressed", "zstd"} {
		for _, codec := range sent[1:] {
			if codec == to {
				continue // the reference looks inside all the same
			}
			damaged := batch{records: 3, producer: -1, epoch: -1, sequence: -1, codec: codec, valueBytes: 100, damaged: true}
			p.do("damaged "+codec, 9, p.producing(-1, part{"converted-" + to, 0, damaged.bytes()}))
		}
		p.do("more records than it says", 9, p.producing(-1, part{"converted-" + to, 0, batch{records: 3, producer: -1, epoch: -1, sequence: -1, codec: "gzip", hidden: 1}.bytes()}))
		p.do("fewer records than it says", 9, p.producing(-1, part{"converted-" + to, 0, batch{records: 3, producer: -1, epoch: -1, sequence: -1, codec: "gzip", hidden: -1}.bytes()}))
	}
}

// zstdOfOldClients produces with zstd in versions that did not have it yet, to topics that keep it and that convert it.
func (p *player) zstdOfOldClients() {
	b := batch{records: 1, producer: -1, epoch: -1, sequence: -1, codec: "zstd"}
	for v := int16(3); v <= 7; v++ {
		p.do("zstd", v, p.producing(-1, part{"converted-producer", 0, b.bytes()}))
		p.do("zstd, to be converted", v, p.producing(-1, part{"converted-gzip", 0, b.bytes()}))
		p.do("to be converted to zstd", v, p.producing(-1, part{"converted-zstd", 0, plain(1).bytes()}))
	}
}

// grows produces what is small enough as it is sent, but not as it is stored.
func (p *player) grows() {
	p.do("make", 7, creation(topic("converted-small", 1, 1, "retention.ms", "-1", "compression.type", "uncompressed", "max.message.bytes", "1000")))
	p.settle("converted-small", 1)
	b := batch{records: 2, producer: -1, epoch: -1, sequence: -1, codec: "gzip", valueBytes: 2000}
	p.do("larger than max.message.bytes once converted", 9, p.producing(-1, part{"converted-small", 0, b.bytes()}))
	b.valueBytes = 200
	p.do("small enough", 9, p.producing(-1, part{"converted-small", 0, b.bytes()}))
}

// produceTimestamps produces records that are too old or too new for their topic, by their producers' clocks.
func produceTimestamps(p *player) {
	p.do("make", 7, creation(
		topic("times-before", 1, 1, "retention.ms", "-1", "message.timestamp.before.max.ms", "86400000"),
		topic("times-after", 1, 1, "retention.ms", "-1", "message.timestamp.after.max.ms", "60000"),
		topic("times-append", 1, 1, "retention.ms", "-1", "message.timestamp.type", "LogAppendTime", "message.timestamp.before.max.ms", "1000"),
	))
	for _, name := range []string{"times-before", "times-after", "times-append"} {
		p.settle(name, 1)
	}
	const century = 100 * 365 * 86_400_000
	for v := int16(3); v <= 13; v++ {
		for _, codec := range []string{"", "gzip"} {
			old := batch{records: 2, producer: -1, epoch: -1, sequence: -1, codec: codec}
			late := old
			late.later = century
			p.do("old, not allowed", v, p.producing(-1, part{"times-before", 0, old.bytes()}))
			p.do("old, allowed", v, p.producing(-1, part{"times-after", 0, old.bytes()}))
			p.do("of the future, not allowed", v, p.producing(-1, part{"times-after", 0, late.bytes()}))
			p.do("stamped by the leader", v, p.producing(-1, part{"times-append", 0, old.bytes()}))
		}
		stamped := batch{records: 1, producer: -1, epoch: -1, sequence: -1, attributes: 1 << 3}
		p.do("stamped by the producer as if by the leader", v, p.producing(-1, part{"times-after", 0, stamped.bytes()}))
		p.do("stamped by the leader, as the producer says", v, p.producing(-1, part{"times-append", 0, stamped.bytes()}))
	}
}
