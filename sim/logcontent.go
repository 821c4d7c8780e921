package sim

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Places in a record batch's header.
const (
	batchPrefix  = 12 // base offset and length
	controlFlag  = 1 << 5
	codecMask    = 7
	batchMagicV2 = 2
)

// cut takes the first batch off a log; ok is false when what is left is none.
func cut(log []byte) (base int64, batch, rest []byte, ok bool) {
	if len(log) < batchPrefix {
		return 0, nil, nil, false
	}
	size := batchPrefix + int(int32(binary.BigEndian.Uint32(log[8:])))
	if size <= batchPrefix || size > len(log) {
		return 0, nil, nil, false
	}
	return int64(binary.BigEndian.Uint64(log)), log[:size], log[size:], true
}

// fromCommonStart leaves off what some replica has dropped from its head.
func fromCommonStart(replicas []replica) []replica {
	start := int64(0)
	for _, r := range replicas {
		if base, _, _, ok := cut(r.log); ok {
			start = max(start, base)
		}
	}
	out := slices.Clone(replicas)
	for i := range out {
		for {
			base, _, rest, ok := cut(out[i].log)
			if !ok || base >= start {
				break
			}
			out[i].log = rest
		}
	}
	return out
}

// newest is the latest record of a key in a log.
type newest struct {
	offset    int64
	value     string
	tombstone bool
}

// contents are the keys of a log and where it ends.
type contents struct {
	keys       map[string]newest
	order      []string // the keys, by their first record
	start, end int64
}

// readContents decodes a log's batches, of which each must be whole.
func readContents(log []byte) (contents, error) {
	c := contents{keys: map[string]newest{}, start: -1}
	decompressor := kgo.DefaultDecompressor()
	for len(log) > 0 {
		base, raw, rest, ok := cut(log)
		if !ok {
			return c, fmt.Errorf("there is no batch after offset %d", c.end)
		}
		if c.start < 0 {
			c.start = base
		}
		log = rest
		var batch kmsg.RecordBatch
		if err := batch.ReadFrom(raw); err != nil || batch.Magic != batchMagicV2 {
			return c, fmt.Errorf("the batch at offset %d is of magic %d, or not whole: %w", base, batch.Magic, err)
		}
		c.end = base + int64(batch.LastOffsetDelta) + 1
		if batch.Attributes&controlFlag != 0 {
			continue
		}
		records, err := decompressor.Decompress(batch.Records, kgo.CompressionCodecType(batch.Attributes&codecMask))
		if err != nil {
			return c, fmt.Errorf("the batch at offset %d: %w", base, err)
		}
		for range batch.NumRecords {
			length, n := binary.Varint(records)
			if n <= 0 || length < 0 || int(length) > len(records)-n {
				return c, fmt.Errorf("the batch at offset %d has fewer records than it says", base)
			}
			var record kmsg.Record
			if err := record.ReadFrom(records[:n+int(length)]); err != nil {
				return c, fmt.Errorf("the batch at offset %d: %w", base, err)
			}
			records = records[n+int(length):]
			if _, known := c.keys[string(record.Key)]; !known {
				c.order = append(c.order, string(record.Key))
			}
			c.keys[string(record.Key)] = newest{base + int64(record.OffsetDelta), string(record.Value), record.Value == nil}
		}
	}
	return c, nil
}

// differentKeys compares the newest record of each key. A tombstone is as good as none. Where heads are dropped as well, what is
// before the last of the logs' beginnings is left out.
func differentKeys(replicas []replica, trimmed bool) string {
	var all []contents
	start := int64(0)
	for _, r := range replicas {
		c, err := readContents(r.log)
		if err != nil {
			return fmt.Sprintf("the log of %s: %v", r.node, err)
		}
		all = append(all, c)
		start = max(start, c.start)
	}
	if !trimmed {
		start = 0
	}
	for i := 1; i < len(all); i++ {
		if all[i].end != all[0].end {
			return fmt.Sprintf("the logs of %s and %s end at offsets %d and %d", replicas[0].node, replicas[i].node, all[0].end, all[i].end)
		}
		for _, pair := range [][2]int{{0, i}, {i, 0}} {
			if words := lacks(all[pair[0]], all[pair[1]], start); words != "" {
				return fmt.Sprintf("%s has %s, and %s does not", replicas[pair[0]].node, words, replicas[pair[1]].node)
			}
		}
	}
	return ""
}

// lacks names a key whose newest value the other log doesn't have; of several, the one whose first record comes first.
func lacks(one, other contents, start int64) string {
	for _, key := range one.order {
		r := one.keys[key]
		if found := other.keys[key]; !r.tombstone && r.offset >= start && found != r {
			return fmt.Sprintf("the newest value of key %q at offset %d", key, r.offset)
		}
	}
	return ""
}
