package bench

import (
	"sync"
	"time"
)

// watchEvery is how often progress is told.
const watchEvery = 500 * time.Millisecond

// secondMin is the least that is told as a second of a run: what is left over at its end may be nothing.
const secondMin = 200 * time.Millisecond

// watch notes every second of a run in result, and tells of its progress, until the function that it returns is called.
func (r *run) watch(result *Result) (stop func()) {
	done := make(chan struct{})
	var running sync.WaitGroup
	running.Go(func() {
		ticks, seconds := time.NewTicker(watchEvery), time.NewTicker(time.Second)
		defer ticks.Stop()
		defer seconds.Stop()
		s := series{run: r, result: result, began: r.started}
		s.last = s.began
		for {
			select {
			case <-done:
				s.turn(time.Now())
				return
			case now := <-seconds.C:
				s.turn(now)
			case now := <-ticks.C:
				written, _ := r.produced.counts()
				read, _ := r.consumed.counts()
				r.catching.look(written*int64(r.readers()), read, now)
				if r.Progress != nil {
					r.Progress(r.progress(now.Sub(s.began), s.newest))
				}
			}
		}
	})
	return sync.OnceFunc(func() { close(done); running.Wait() })
}

// series cuts a run into its seconds.
type series struct {
	run                *run
	result             *Result
	began, last        time.Time
	newest             Second
	produced, consumed int64
}

// turn ends the second under way. How long it was is noted, for a busy machine is not punctual.
func (s *series) turn(now time.Time) {
	if now.Sub(s.last) < secondMin {
		return
	}
	s.newest = Second{At: now.Sub(s.began).Seconds(), Long: now.Sub(s.last).Seconds()}
	s.newest.Produced, s.newest.Produce = s.run.produced.turn(&s.produced)
	s.newest.Consumed, s.newest.EndToEnd = s.run.consumed.turn(&s.consumed)
	s.result.Series = append(s.result.Series, s.newest)
	s.last = now
}

func (r *run) progress(took time.Duration, newest Second) Progress {
	p := Progress{Doing: "produce", Took: took, Of: r.Records, Second: newest, Records: ratio(float64(newest.Produced), newest.Long)}
	p.Done, _ = r.produced.counts()
	if consumed, _ := r.consumed.counts(); consumed > 0 && r.Read == readAfter {
		p.Doing, p.Of, p.Done, p.Records = "consume", p.Done, consumed, ratio(float64(newest.Consumed), newest.Long)
	}
	switch {
	case p.Of > 0 && p.Done > 0 && p.Records > 0:
		p.Left = duration(float64(p.Of-p.Done) / p.Records)
	case p.Doing == "produce" && r.Seconds > 0:
		p.Left = max(duration(r.Seconds)-took, 0)
	}
	return p
}
