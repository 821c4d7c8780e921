package replica

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"odradek/broker/env"
)

const (
	checkpointFile = "replication-offset-checkpoint"
	// checkpointBytesMax bounds what is read back: a million partitions with the longest topic names.
	checkpointBytesMax = 300 << 20
)

// errCheckpoint says that a checkpoint file is not what was written.
var errCheckpoint = errors.New("malformed checkpoint")

// partitionName names a partition where no topic id is at hand, as in Kafka's files.
type partitionName struct {
	topic string
	index int32
}

// formatCheckpoint writes offsets in Kafka's format: a version, the number of entries, and a line an entry with topic,
// partition and offset.
func formatCheckpoint(offsets map[partitionName]int64) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "0\n%d\n", len(offsets))
	for name, offset := range offsets {
		fmt.Fprintf(&b, "%s %d %d\n", name.topic, name.index, offset)
	}
	return b.Bytes()
}

func parseCheckpoint(content []byte) (map[partitionName]int64, error) {
	lines := bufio.NewScanner(bytes.NewReader(content))
	if !lines.Scan() || lines.Text() != "0" {
		return nil, fmt.Errorf("%w: version %q", errCheckpoint, lines.Text())
	}
	if !lines.Scan() {
		return nil, fmt.Errorf("%w: no count", errCheckpoint)
	}
	count, err := strconv.Atoi(lines.Text())
	if err != nil {
		return nil, fmt.Errorf("%w: count %q", errCheckpoint, lines.Text())
	}
	offsets := make(map[partitionName]int64)
	for lines.Scan() {
		fields := strings.Split(lines.Text(), " ")
		if len(fields) != 3 {
			return nil, fmt.Errorf("%w: line %q", errCheckpoint, lines.Text())
		}
		index, indexErr := strconv.ParseInt(fields[1], 10, 32)
		offset, offsetErr := strconv.ParseInt(fields[2], 10, 64)
		if indexErr != nil || offsetErr != nil || index < 0 || offset < 0 {
			return nil, fmt.Errorf("%w: line %q", errCheckpoint, lines.Text())
		}
		offsets[partitionName{fields[0], int32(index)}] = offset
	}
	if lines.Err() != nil || len(offsets) != count {
		return nil, fmt.Errorf("%w: %d entries, not %d", errCheckpoint, len(offsets), count)
	}
	return offsets, nil
}

// checkpointer keeps the high watermarks of a directory's partitions in a file. A high watermark that is read back may be old, which
// is safe: a leader confirms the rest with its followers.
type checkpointer struct {
	home *logDir
	// dirty says that the timer runs.
	dirty atomic.Bool

	mu sync.Mutex
	// loaded holds what the file said of partitions that were not opened yet. A partition takes its own with its mutex held, so mu
	// must not be held while a partition's is waited for.
	loaded map[partitionName]int64

	writing sync.Mutex // of the file
	stopped bool       // guarded by writing
}

// load reads the file.
func (c *checkpointer) load() error {
	var err error
	c.loaded, err = readCheckpoint(c.home.manager.cfg.Disk, c.path())
	return err
}

func (c *checkpointer) path() string { return c.home.path + "/" + checkpointFile }

// take returns what the file said of a partition, 0 when nothing, and forgets it: from now on the partition knows.
func (c *checkpointer) take(name partitionName) int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	offset := c.loaded[name]
	delete(c.loaded, name)
	return offset
}

// markDirty has the file written in a while.
func (c *checkpointer) markDirty() {
	if c.dirty.CompareAndSwap(false, true) {
		time.AfterFunc(c.home.manager.cfg.CheckpointInterval, c.tick)
	}
}

func (c *checkpointer) tick() {
	c.dirty.Store(false)
	if err := c.write(false); err != nil {
		c.home.manager.cfg.Logger.Warn("high watermarks are not checkpointed", "dir", c.home.path, "error", err)
		c.home.probe(err)
		c.markDirty()
	}
}

// write writes the file; last refuses all later writes.
func (c *checkpointer) write(last bool) error {
	c.writing.Lock()
	defer c.writing.Unlock()
	if c.stopped || c.home.failed() != nil {
		return nil
	}
	c.stopped = last
	// First what was loaded: a partition that takes its own meanwhile has it when it is asked.
	c.mu.Lock()
	offsets := maps.Clone(c.loaded)
	c.mu.Unlock()
	if offsets == nil {
		offsets = make(map[partitionName]int64)
	}
	for _, p := range c.home.manager.Partitions() {
		if mark, ok := p.checkpointed(c.home); ok {
			offsets[partitionName{p.topic, p.index}] = mark
		}
	}
	return env.WriteFileAtomic(c.home.manager.cfg.Disk, c.path(), formatCheckpoint(offsets))
}

// checkpointed returns the high watermark to remember in a directory; ok is false while the log is not open, or elsewhere.
func (p *Partition) checkpointed(in *logDir) (mark int64, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.highWatermark, p.log != nil && p.home == in
}

// readCheckpoint reads a file of offsets by partition; a missing one is empty.
func readCheckpoint(disk env.Disk, path string) (map[partitionName]int64, error) {
	content, err := env.ReadFile(disk, path, checkpointBytesMax)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return parseCheckpoint(content)
}
