package bench

import (
	"sync"
	"time"
)

// watchEvery is how often progress is told.
const watchEvery = 500 * time.Millisecond

// watch notes every second of a run in result, and tells of its progress, until the function that it returns is called.
func (r *run) watch(result *Result) (stop func()) {
	done := make(chan struct{})
	var running sync.WaitGroup
	running.Go(func() {
		ticker := time.NewTicker(watchEvery)
		defer ticker.Stop()
		began := time.Now()
		second := began
		var newest Second
		var produced, consumed int64
		for {
			select {
			case <-done:
				return
			case now := <-ticker.C:
				if now.Sub(second) >= time.Second {
					second = now
					newest = Second{At: now.Sub(began).Seconds()}
					newest.Produced, newest.Produce = r.produced.turn(&produced)
					newest.Consumed, newest.EndToEnd = r.consumed.turn(&consumed)
					result.Series = append(result.Series, newest)
				}
				if r.Progress != nil {
					r.Progress(r.progress(now.Sub(began), newest))
				}
			}
		}
	})
	return sync.OnceFunc(func() { close(done); running.Wait() })
}

func (r *run) progress(took time.Duration, newest Second) Progress {
	p := Progress{Doing: "produce", Took: took, Of: r.Records, Second: newest, Records: float64(newest.Produced)}
	p.Done, _ = r.produced.counts()
	if consumed, _ := r.consumed.counts(); consumed > 0 && r.Read == readAfter {
		p.Doing, p.Of, p.Done, p.Records = "consume", p.Done, consumed, float64(newest.Consumed)
	}
	switch {
	case p.Of > 0 && p.Done > 0 && p.Records > 0:
		p.Left = duration(float64(p.Of-p.Done) / p.Records)
	case p.Doing == "produce" && r.Seconds > 0:
		p.Left = max(duration(r.Seconds)-took, 0)
	}
	return p
}
