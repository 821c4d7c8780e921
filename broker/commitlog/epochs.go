package commitlog

import (
	"fmt"
	"strings"
)

// epochEntry says that the leader epoch starts at an offset.
type epochEntry struct {
	epoch int32
	start int64
}

// epochCache is the history of leader epochs of the log (KIP-101, KIP-279), as Kafka's LeaderEpochFileCache.
//
// Invariant: epochs rise strictly, starts rise strictly.
type epochCache struct {
	entries []epochEntry
	dirty   bool // the checkpoint file does not say what entries does
	// idle says that it lacks but the last entry, of which there is no record: an epoch in which nothing was appended is not worth
	// an fsync. A leader that comes back begins a new one anyway.
	idle bool
	// written says that there is a file.
	written bool
}

// last is the newest epoch, -1 when there is none.
func (c *epochCache) last() int32 {
	if len(c.entries) == 0 {
		return -1
	}
	return c.entries[len(c.entries)-1].epoch
}

// assign notes that epoch starts at start, unless it is the newest already and starts no later. Entries that contradict it
// are dropped: those of the same or newer epochs, and those that start there or later and so have no records.
func (c *epochCache) assign(epoch int32, start int64) {
	n := len(c.entries)
	if n > 0 && c.entries[n-1].epoch == epoch && c.entries[n-1].start <= start {
		return
	}
	for n > 0 && (c.entries[n-1].epoch >= epoch || c.entries[n-1].start >= start) {
		n--
	}
	onDisk := len(c.entries)
	if c.idle {
		onDisk--
	}
	c.dirty = c.dirty || n < onDisk
	c.entries = append(c.entries[:n], epochEntry{epoch, start})
	c.idle = true
}

// used says that a record was appended in the newest epoch.
func (c *epochCache) used() {
	if c.idle {
		c.idle, c.dirty = false, true
	}
}

// endOffset is the largest epoch known that is not larger than the one asked for, and where it ends: at the start of the
// next epoch, or at logEnd when it is the newest. An epoch older than all known ends where the oldest starts, and is itself
// what is found. An epoch newer than all known, or none (-1), has no answer: -1, -1.
func (c *epochCache) endOffset(epoch int32, logEnd int64) (found int32, end int64) {
	if epoch < 0 || epoch > c.last() {
		return -1, -1
	}
	if epoch == c.last() {
		return epoch, logEnd
	}
	i := floor(len(c.entries), func(i int) bool { return c.entries[i].epoch <= epoch })
	if i < 0 {
		return epoch, c.entries[0].start
	}
	return c.entries[i].epoch, c.entries[i+1].start
}

// at is the epoch that holds offset, -1 when none does.
func (c *epochCache) at(offset int64) int32 {
	i := floor(len(c.entries), func(i int) bool { return c.entries[i].start <= offset })
	if i < 0 {
		return -1
	}
	return c.entries[i].epoch
}

// truncateFromEnd drops the epochs that start at end or later.
func (c *epochCache) truncateFromEnd(end int64) {
	n := len(c.entries)
	for n > 0 && c.entries[n-1].start >= end {
		n--
	}
	c.dirty = c.dirty || n < len(c.entries)
	c.entries = c.entries[:n]
}

// truncateFromStart drops the epochs that end at start or before; the one that holds it starts there from now on.
func (c *epochCache) truncateFromStart(start int64) {
	i := floor(len(c.entries), func(i int) bool { return c.entries[i].start <= start })
	if i < 0 || i == 0 && c.entries[0].start == start {
		return
	}
	c.entries = append([]epochEntry(nil), c.entries[i:]...)
	c.entries[0].start = start
	c.dirty = true
}

const epochFileVersion = 0

// encode writes Kafka's text format: the version, the number of entries, and a line "epoch start" for each.
func (c *epochCache) encode() []byte {
	out := fmt.Appendf(nil, "%d\n%d\n", epochFileVersion, len(c.entries))
	for _, e := range c.entries {
		out = fmt.Appendf(out, "%d %d\n", e.epoch, e.start)
	}
	return out
}

// decodeEpochs reads what encode wrote.
func decodeEpochs(content []byte) ([]epochEntry, error) {
	lines := strings.Split(strings.TrimSuffix(string(content), "\n"), "\n")
	var version, count int
	if len(lines) < 2 || !scanLine(lines[0], "%d", &version) || !scanLine(lines[1], "%d", &count) {
		return nil, fmt.Errorf("%w: %s", errCheckpointDamaged, epochFile)
	}
	if version != epochFileVersion {
		return nil, fmt.Errorf("%w: %s has version %d", errCheckpointDamaged, epochFile, version)
	}
	lines = lines[2:]
	if count != len(lines) {
		return nil, fmt.Errorf("%w: %s has %d entries of %d", errCheckpointDamaged, epochFile, len(lines), count)
	}
	entries := make([]epochEntry, 0, count)
	last := epochEntry{-1, -1}
	for _, line := range lines {
		var e epochEntry
		if !scanLine(line, "%d %d", &e.epoch, &e.start) || e.epoch <= last.epoch || e.start <= last.start {
			return nil, fmt.Errorf("%w: %s at %q", errCheckpointDamaged, epochFile, line)
		}
		entries, last = append(entries, e), e
	}
	return entries, nil
}

// scanLine reads a whole line by format.
func scanLine(line, format string, into ...any) bool {
	n, err := fmt.Sscanf(line+"\n", format+"\n", into...)
	return err == nil && n == len(into)
}
