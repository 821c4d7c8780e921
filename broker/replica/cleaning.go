package replica

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"sync"
	"time"

	"odradek/broker/commitlog"
	"odradek/broker/commitlog/cleaner"
	"odradek/broker/env"
	"odradek/broker/record"
)

// CleanerConfig says what compaction may use; the comments give Kafka's names. Zero values take Kafka's defaults.
type CleanerConfig struct {
	Disabled       bool          // not log.cleaner.enable
	Threads        int           // log.cleaner.threads: logs that are cleaned at a time
	DedupeBytes    int64         // log.cleaner.dedupe.buffer.size, of all threads together
	LoadFactor     float64       // log.cleaner.io.buffer.load.factor
	BufferBytes    int           // log.cleaner.io.buffer.size, of all threads together
	BytesPerSecond float64       // log.cleaner.io.max.bytes.per.second, read and written, of all threads together
	Backoff        time.Duration // log.cleaner.backoff.ms: the pause when no log was dirty enough
}

func (c CleanerConfig) withDefaults() CleanerConfig {
	setDefault(&c.Threads, 1)
	setDefault(&c.DedupeBytes, 128<<20)
	setDefault(&c.LoadFactor, 0.9)
	setDefault(&c.BufferBytes, 512<<10)
	setDefault(&c.BytesPerSecond, math.MaxFloat64)
	setDefault(&c.Backoff, 15*time.Second)
	return c
}

// cleanerFile remembers, in Kafka's format, how far logs are clean.
const cleanerFile = "cleaner-offset-checkpoint"

// cleaning compacts the logs of compacted topics, the dirtiest first. Every replica cleans its own log. While there is no such
// topic, no timer runs.
type cleaning struct {
	manager  *Manager
	throttle throttle

	mu  sync.Mutex
	cfg CleanerConfig
	// loaded holds what the file said of partitions that were not opened yet.
	loaded  map[partitionName]int64
	timer   *time.Timer // nil while none is armed
	workers int
	stopped bool

	writing sync.Mutex // of the file
}

// load reads a directory's file.
func (c *cleaning) load(d *logDir) error {
	loaded, err := readCheckpoint(c.manager.cfg.Disk, d.path+"/"+cleanerFile)
	if c.loaded == nil {
		c.loaded = make(map[partitionName]int64)
	}
	maps.Copy(c.loaded, loaded)
	return err
}

// take returns how far a log is clean, by the file, and forgets it: from now on the partition knows.
func (c *cleaning) take(name partitionName) int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	offset := c.loaded[name]
	delete(c.loaded, name)
	return offset
}

// write writes a directory's file.
func (c *cleaning) write(d *logDir) error {
	c.writing.Lock()
	defer c.writing.Unlock()
	c.mu.Lock()
	offsets := maps.Clone(c.loaded) // whoever has not been opened yet may be of this directory
	c.mu.Unlock()
	for _, p := range c.manager.Partitions() {
		p.mu.Lock()
		if p.log != nil && p.home == d && p.firstDirty > 0 {
			offsets[partitionName{p.topic, p.index}] = p.firstDirty
		}
		p.mu.Unlock()
	}
	return env.WriteFileAtomic(c.manager.cfg.Disk, d.path+"/"+cleanerFile, formatCheckpoint(offsets))
}

// arm has the logs looked at in a while, unless that is so already.
func (c *cleaning) arm() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.timer == nil && c.workers == 0 && !c.stopped && !c.cfg.Disabled {
		c.timer = time.AfterFunc(c.cfg.Backoff, c.begin)
	}
}

func (c *cleaning) stop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stopped = true
	if c.timer != nil {
		c.timer.Stop()
	}
}

// SetCleaner has compaction go on with other means; rounds under way end with those they began with.
func (m *Manager) SetCleaner(cfg CleanerConfig) {
	c := &m.cleaning
	cfg = cfg.withDefaults()
	c.mu.Lock()
	c.cfg = cfg
	c.mu.Unlock()
	c.throttle.limit(cfg.BytesPerSecond)
	c.arm() // it may have been off; where nothing is to be compacted it looks once
}

// begin starts the workers.
func (c *cleaning) begin() {
	c.mu.Lock()
	c.timer = nil
	threads := c.cfg.Threads
	if c.cfg.Disabled {
		threads = 0 // since the timer was set
	}
	c.workers = threads
	c.mu.Unlock()
	for range threads {
		if !c.manager.spawn(c.work) {
			return
		}
	}
}

// work cleans logs while one is dirty enough.
func (c *cleaning) work() {
	again := false
	for c.manager.ctx.Err() == nil {
		p, plan, any := c.choose()
		again = again || any
		if p == nil {
			break
		}
		p.clean(plan)
	}
	c.mu.Lock()
	c.workers--
	last := c.workers == 0
	c.mu.Unlock()
	if last && again {
		c.arm()
	}
}

// choose takes the dirtiest log that is due; any says that there are compacted logs at all.
func (c *cleaning) choose() (chosen *Partition, best cleaner.Plan, any bool) {
	partitions := c.manager.Partitions()
	slices.SortFunc(partitions, byName)
	now := time.Now()
	for _, p := range partitions {
		plan, due, compacted := p.considerCleaning(now)
		any = any || compacted
		if due && (chosen == nil || plan.DirtyRatio() > best.DirtyRatio()) {
			chosen, best = p, plan
		}
	}
	if chosen == nil || !chosen.beginCleaning() {
		return nil, best, any
	}
	return chosen, best, any
}

// armCleaning has a compacted log looked at. p.mu is held.
func (p *Partition) armCleaning() {
	if p.settings.Log.Compacted {
		p.manager.cleaning.arm()
	}
}

// considerCleaning plans a round. due says that the log wants it.
func (p *Partition) considerCleaning(now time.Time) (plan cleaner.Plan, due, compacted bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.state != online || !p.settings.Log.Compacted || p.uncleanable {
		return plan, false, false
	}
	policy := p.settings.Retention.Compaction
	plan = cleaner.Consider(p.log.Segments(), p.firstDirty, p.log.StartOffset(), p.lastStableOffset(), policy, now.UnixMilli())
	return plan, !p.cleaning && plan.Due(policy), true
}

func (p *Partition) beginCleaning() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.state != online || p.cleaning {
		return false
	}
	p.cleaning = true
	return true
}

// clean runs one round on the log. finish waits for it.
func (p *Partition) clean(plan cleaner.Plan) {
	c := &p.manager.cleaning
	p.cleanTurn.Lock()
	defer p.cleanTurn.Unlock()
	ctx, cancel := context.WithCancel(p.manager.ctx)
	defer cancel()
	p.mu.Lock()
	log, policy, gone := p.log, p.settings.Retention.Compaction, p.state != online
	policy.SegmentBytes = p.settings.Log.SegmentBytes
	p.stopCleaning = cancel
	p.mu.Unlock()
	if gone {
		return
	}
	c.mu.Lock()
	cfg := c.cfg
	c.mu.Unlock()
	result, err := cleaner.Clean(ctx, log, plan, policy, cleaner.Options{
		MapBytes: cfg.DedupeBytes / int64(cfg.Threads), LoadFactor: cfg.LoadFactor,
		BufferBytes: cfg.BufferBytes / cfg.Threads, Throttle: c.throttle.wait, NowMs: time.Now().UnixMilli(),
	})
	p.cleaned(log, plan, result, err)
	if err == nil && result.NextDirty > plan.FirstDirty {
		if err := c.write(p.home); err != nil {
			p.manager.cfg.Logger.Warn("how far logs are clean is not remembered", "error", err)
		}
	}
}

// cleaned follows up on a round.
func (p *Partition) cleaned(log *commitlog.Log, plan cleaner.Plan, result cleaner.Result, err error) {
	logger := p.manager.cfg.Logger
	p.mu.Lock()
	defer p.unlock()
	p.cleaning = false
	switch {
	case err == nil && result.NextDirty <= plan.FirstDirty:
		err = fmt.Errorf("%w: nothing in %d to %d could be cleaned", record.ErrInvalid, plan.FirstDirty, plan.End)
	case err == nil:
		// A truncation may have made less clean meanwhile.
		p.firstDirty = min(result.NextDirty, p.log.EndOffset())
		logger.Info("cleaned", "partition", p.String(), "to", p.firstDirty, "keys", result.Keys, "recordsGone", result.RecordsGone,
			"bytesBefore", result.BytesBefore, "bytesAfter", result.BytesAfter, "mapExhausted", result.MapExhausted)
		return
	case errors.Is(err, context.Canceled), errors.Is(err, commitlog.ErrClosed), errors.Is(err, commitlog.ErrChanged),
		errors.Is(err, commitlog.ErrOffsetOutOfRange):
		return
	}
	logger.Error("log can't be cleaned", "partition", p.String(), "error", err)
	if _, fatal := answerFor(err); fatal {
		p.failedLog(log, err)
		return
	}
	// A full disk passes. Batches that can't be read don't: the log is left alone until the next start.
	p.uncleanable = !errors.Is(err, env.ErrNoSpace)
}

// throttle spreads I/O over time.
type throttle struct {
	mu             sync.Mutex
	bytesPerSecond float64
	free           time.Time // when all that was asked for may have been done
}

// limit sets how much may be done in a second.
func (t *throttle) limit(bytesPerSecond float64) {
	t.mu.Lock()
	t.bytesPerSecond = bytesPerSecond
	t.mu.Unlock()
}

// throttleSlack is how far the I/O may be ahead: shorter pauses than it are not made.
const throttleSlack = 100 * time.Millisecond

// wait accounts for bytes, and returns when more may be done.
func (t *throttle) wait(ctx context.Context, bytes int) error {
	t.mu.Lock()
	if t.bytesPerSecond >= math.MaxInt64 {
		t.mu.Unlock()
		return nil
	}
	now := time.Now()
	t.free = later(t.free, now).Add(time.Duration(float64(bytes) / t.bytesPerSecond * float64(time.Second)))
	ahead := t.free.Sub(now)
	t.mu.Unlock()
	if ahead < throttleSlack {
		return nil
	}
	timer := time.NewTimer(ahead)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
