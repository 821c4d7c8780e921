package bench

import (
	"sync"
	"time"
)

// phases counts what clients got before the first fault, until the last was undone, and after. It knows records by their sequence numbers,
// for a group whose members change reads some twice.
type phases struct {
	mu          sync.Mutex
	began       time.Time
	first, last time.Time // when the trouble began, and when it was over; zero until then
	stop        time.Time // when writing ends; zero until it is known
	wrote, got  [3]tally
	lastWrite   map[int32]time.Time
	lastRead    map[int32]time.Time
	seen        []uint64 // a bit for each record that was read
	repeated    int64    // reads of what was read before
	blows       []blow
	ended       time.Time
}

// tally is what was done in a phase.
type tally struct {
	latencies Histogram
	records   int64
	gap       time.Duration
}

func newPhases(began time.Time) *phases {
	p := &phases{began: began, lastWrite: map[int32]time.Time{}, lastRead: map[int32]time.Time{}}
	for i := range p.wrote {
		p.wrote[i].latencies, p.got[i].latencies = newHistogram(), newHistogram()
	}
	return p
}

// of is which phase a time is in.
func (p *phases) of(at time.Time) int {
	switch {
	case p.first.IsZero() || at.Before(p.first):
		return 0
	case p.last.IsZero() || at.Before(p.last):
		return 1
	}
	return 2
}

// written counts an acknowledgement. A nil phases counts nothing.
func (p *phases) written(partition int32, intended, now time.Time) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.count(&p.wrote, p.lastWrite, partition, intended, now)
}

// read counts a record that a consumer got; it is false when it was got before.
func (p *phases) read(partition int32, sequence uint64, intended, now time.Time) (fresh bool) {
	if p == nil {
		return true
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for uint64(len(p.seen)) <= sequence/64 {
		p.seen = append(p.seen, 0)
	}
	if p.seen[sequence/64]&(1<<(sequence%64)) != 0 {
		p.repeated++
		return false
	}
	p.seen[sequence/64] |= 1 << (sequence % 64)
	p.count(&p.got, p.lastRead, partition, intended, now)
	return true
}

func (p *phases) count(to *[3]tally, last map[int32]time.Time, partition int32, intended, now time.Time) {
	to[p.of(intended)].latencies.observe(now.Sub(intended))
	t := &to[p.of(now)]
	t.records++
	if before, ok := last[partition]; ok {
		t.gap = max(t.gap, now.Sub(before))
	}
	last[partition] = now
	p.ended = later(p.ended, now)
}

// begin and end are told of the trouble.
func (p *phases) begin(now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.first.IsZero() {
		p.first = now
	}
}

func (p *phases) end(now time.Time, after time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last, p.stop = now, now.Add(after)
}

// over says whether writing is to end.
func (p *phases) over(at time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return !p.stop.IsZero() && !at.Before(p.stop)
}

// blow is something that was done, in words and from when to when.
type blow struct {
	words    string
	from, to time.Time
}

func (p *phases) strike(b blow) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.blows = append(p.blows, b)
}

// result is what there is to tell, once all is over, of a run that started then.
func (p *phases) result(started time.Time) (all []Phase, struck []Struck) {
	p.mu.Lock()
	defer p.mu.Unlock()
	bounds := [4]time.Time{p.began, p.first, p.last, p.ended}
	for i, name := range phaseNames {
		wrote, got := p.wrote[i], p.got[i]
		all = append(all, Phase{
			Name: name, Seconds: bounds[i+1].Sub(bounds[i]).Seconds(), Written: wrote.records, Read: got.records,
			WriteGapMs: float64(wrote.gap.Microseconds()) / 1000, ReadGapMs: float64(got.gap.Microseconds()) / 1000,
			Produce: wrote.latencies.Percentiles(), EndToEnd: got.latencies.Percentiles(),
		})
	}
	for _, b := range p.blows {
		struck = append(struck, Struck{b.words, b.from.Sub(started).Seconds(), b.to.Sub(started).Seconds()})
	}
	return all, struck
}
