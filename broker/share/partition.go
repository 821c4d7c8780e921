package share

import (
	"context"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"odradek/broker/env/sometimes"
	"odradek/broker/share/state"
)

// Partition is a share-partition at the leader of its partition, in one leader epoch.
//
// Its lock is held for moments, never across I/O. Reading the log is one fetch's at a time (BeginRead, EndRead): two would read the same
// records, of which each is given once.
type Partition struct {
	manager     *Manager
	key         state.Key
	leaderEpoch int32
	// origin is where to begin when nothing is remembered.
	origin func() (int64, error)

	mu     sync.Mutex
	status status
	failed *kerr.Error // once status is ended
	window *Window
	// stateEpoch is that of the remembered state; another's writes are refused.
	stateEpoch int32
	reading    bool
	readsAt    int64 // where, while somebody reads
	// watchers are fetches that wait for something to be acquired; refused are those of them that found another one reading.
	watchers map[chan struct{}]struct{}
	refused  map[chan struct{}]struct{}
	timer    *time.Timer // for the first lock that ends

	// changes wait for the write under way to end, and those who are to be told of them. persisted is the start that was written last.
	changes []state.Batch
	told    []func(*kerr.Error)
	writing bool
	// retiring says that the share-partition ends once all is written and nobody fetches, unless somebody begins to before.
	retiring  bool
	persisted int64
}

type status int8

const (
	loading status = iota
	ready
	ended
)

// load fetches what is remembered. It is run once, on a goroutine.
func (p *Partition) load() {
	ctx, cancel := context.WithTimeout(p.manager.ctx, p.manager.cfg.Timeout)
	defer cancel()
	remembered, err := p.manager.cfg.Persister.Read(ctx, p.key, p.leaderEpoch)
	if err == nil && remembered.StartOffset < 0 {
		remembered.StartOffset, err = p.origin()
	}
	if err != nil {
		p.end(errorOf(err))
		return
	}
	p.mu.Lock()
	if p.status == loading {
		p.status, p.stateEpoch, p.persisted = ready, remembered.StateEpoch, remembered.StartOffset
		p.window = NewWindow(remembered.StartOffset, remembered.Batches, p.manager.cfg.Limits(p.key.Group))
	}
	p.wake()
	p.mu.Unlock()
}

// errorOf is what a member is told when the share coordinator refuses. Who was fenced, by a later leader or because the share-partition begins
// anew, is not the leader of it any more; the member looks who is, which may be this node again.
func errorOf(err error) *kerr.Error {
	code, ok := err.(*kerr.Error)
	switch {
	case !ok:
		return kerr.CoordinatorNotAvailable
	case code == kerr.FencedLeaderEpoch, code == kerr.FencedStateEpoch:
		return kerr.NotLeaderForPartition
	}
	return code
}

// end gives the share-partition up: the next fetch begins it anew.
func (p *Partition) end(err *kerr.Error) {
	p.manager.forget(p)
	p.mu.Lock()
	told := p.told
	if p.status != ended {
		p.status, p.failed = ended, err
	}
	p.told, p.changes = nil, nil
	if p.timer != nil {
		p.timer.Stop()
	}
	p.wake()
	p.mu.Unlock()
	for _, done := range told {
		done(err)
	}
}

// retire ends the share-partition once all that changed is remembered: no member of the group is left here, and what it reads next may be
// something else by then (AlterShareGroupOffsets).
func (p *Partition) retire() {
	p.mu.Lock()
	p.retiring = true
	p.mu.Unlock()
	p.endIfRetired()
}

// endIfRetired ends a share-partition that retires when nothing holds it up any more.
func (p *Partition) endIfRetired() {
	p.mu.Lock()
	over := p.status != ended && p.retiring && !p.writing && len(p.watchers) == 0
	if over {
		p.status, p.failed = ended, kerr.UnknownMemberID // at once: nobody enters any more
	}
	p.mu.Unlock()
	if over {
		p.end(kerr.UnknownMemberID)
	}
}

// watch has ch receive when there may be something to acquire; false when the share-partition has ended.
func (p *Partition) watch(ch chan struct{}) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.status == ended {
		return false
	}
	p.watchers[ch], p.retiring = struct{}{}, false
	return true
}

// Leave ends a fetch (Manager.Enter).
func (p *Partition) Leave(ch chan struct{}) {
	p.mu.Lock()
	delete(p.watchers, ch)
	delete(p.refused, ch)
	p.mu.Unlock()
	p.endIfRetired()
}

// wake is called with the lock held.
func (p *Partition) wake() {
	for ch := range p.watchers {
		signal(ch)
	}
}

func signal(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}

// BeginRead says where a fetch reads for records to acquire. ok is false when that has to wait: for what is remembered, for another fetch
// that reads, or because too much is in flight. If it is true EndRead must follow.
func (p *Partition) BeginRead(ch chan struct{}) (offset int64, ok bool, err *kerr.Error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.status == ended:
		return 0, false, p.failed
	case p.reading:
		p.refused[ch] = struct{}{}
		return 0, false, nil
	case p.status == loading:
		return 0, false, nil
	}
	if offset, ok = p.window.Next(); ok {
		p.reading, p.readsAt = true, offset
	}
	return offset, ok, nil
}

// EndRead acquires, of the batches that were read, what is available (Window.Acquire). logStart is where the log begins, -1 when the reader
// did not learn it. again says that nothing was acquired, but that there is another offset to read at now: what was there is gone.
func (p *Partition) EndRead(member string, batches []Range, recordsMax int, strict bool, logStart int64) (given []Acquired, again bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.reading = false
	if p.status != ready {
		return nil, false
	}
	now := time.Now()
	p.window.TrimTo(logStart)
	given = p.window.Acquire(member, p.readsAt, batches, recordsMax, strict, now)
	if next, ok := p.window.Next(); len(given) == 0 && ok {
		again = next != p.readsAt
	}
	p.changed(nil, nil)
	p.arm(now)
	// Only those who were sent away: the others have looked, and will be told of what is new. This fetch itself would turn in circles.
	for ch := range p.refused {
		signal(ch)
	}
	clear(p.refused)
	return given, again
}

// Acknowledge takes over what a member says of its records, and calls done once it is remembered, or with an error.
func (p *Partition) Acknowledge(member string, acks []Ack, done func(*kerr.Error)) {
	p.mu.Lock()
	if p.status != ready {
		err := p.failed
		p.mu.Unlock()
		if err == nil {
			err = kerr.InvalidRecordState // nothing was acquired yet
		}
		done(err)
		return
	}
	before, room := p.window.Next()
	changes, err := p.window.Acknowledge(member, acks, time.Now())
	if err != nil {
		p.mu.Unlock()
		done(err)
		return
	}
	waits := p.changed(changes, done)
	if next, more := p.window.Next(); more && (!room || next < before) {
		p.wake()
	}
	p.mu.Unlock()
	if !waits {
		done(nil)
	}
}

// Release takes back what a member has acquired.
func (p *Partition) Release(member string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.status == ready {
		p.changed(p.window.Release(member), nil)
		p.wake()
	}
}

// TakeBack takes back what a member has acquired but will never see: its connection is gone.
func (p *Partition) TakeBack(member string, given []Acquired) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.status != ready {
		return
	}
	var changes []state.Batch
	for _, g := range given {
		changes = append(changes, p.window.TakeBack(member, g.Range)...)
	}
	p.changed(changes, nil)
	p.wake()
}

// expire is the timer's.
func (p *Partition) expire() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.status != ready {
		return
	}
	now := time.Now()
	if changes := p.window.Expire(now); len(changes) > 0 {
		sometimes.Reached(sometimes.ShareLockEnded)
		p.changed(changes, nil)
		p.wake()
	}
	p.arm(now)
}

// arm sets the timer for the first lock that ends. The lock is held.
func (p *Partition) arm(now time.Time) {
	first := p.window.Expires()
	if first.IsZero() {
		return
	}
	wait := max(first.Sub(now), 0)
	if p.timer == nil {
		p.timer = time.AfterFunc(wait, p.expire)
		return
	}
	p.timer.Reset(wait)
}

// changed has changes remembered; it says whether there is anything to wait for, and done, which may be nil, is called then. The lock is
// held.
func (p *Partition) changed(changes []state.Batch, done func(*kerr.Error)) (waits bool) {
	if len(changes) == 0 && p.window.Start() == p.persisted {
		return false
	}
	p.changes = append(p.changes, changes...)
	if done != nil {
		p.told = append(p.told, done)
	}
	if !p.writing {
		p.writing = p.manager.spawn(p.write)
	}
	return true
}

// write has all that changed remembered, until nothing is left.
func (p *Partition) write() {
	for {
		p.mu.Lock()
		start := int64(-1)
		if p.status == ready {
			start = p.window.Start()
		}
		if p.status != ready || len(p.changes) == 0 && len(p.told) == 0 && start == p.persisted {
			p.writing = false
			p.mu.Unlock()
			p.endIfRetired()
			return
		}
		told := p.told
		next := state.State{StateEpoch: p.stateEpoch, LeaderEpoch: p.leaderEpoch, StartOffset: start, DeliveryComplete: p.window.Complete(), Batches: p.changes}
		p.changes, p.told = nil, nil
		p.mu.Unlock()
		ctx, cancel := context.WithTimeout(p.manager.ctx, p.manager.cfg.Timeout)
		err := p.manager.cfg.Persister.Write(ctx, p.key, next)
		cancel()
		var code *kerr.Error
		if err != nil {
			code = errorOf(err)
			p.end(code)
		} else {
			p.mu.Lock()
			p.persisted = start
			p.mu.Unlock()
		}
		for _, done := range told {
			done(code)
		}
	}
}
