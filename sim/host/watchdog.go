package host

import (
	"fmt"
	"time"
)

// watched runs the loop and returns its outcome. A guest that runs for longer than Config.HangLimit of wall time is ended at
// its next host call; one that makes no host call can't be ended, and is left behind on its goroutine.
//
// This is the only place of the simulator that looks at the wall clock. It decides between a failed run and a hung one, and
// nothing else.
func (u *Universe) watched(loop func()) error {
	done := make(chan struct{})
	go func() {
		defer close(done)
		loop()
	}()
	if u.config.HangLimit <= 0 {
		<-done
		return u.failure
	}
	const looks = 4 // per limit
	ticker := time.NewTicker(u.config.HangLimit / looks)
	defer ticker.Stop()
	for seen, same := u.steps.Load(), 0; ; {
		select {
		case <-done:
			return u.failure
		case <-ticker.C:
		}
		if now := u.steps.Load(); now != seen {
			seen, same = now, 0
			continue
		}
		switch same++; {
		case same == looks:
			u.doomed.Store(true)
		case same > looks+1:
			u.failure = fmt.Errorf("%w: it made no host call for %v", ErrHang, u.config.HangLimit)
			return u.failure
		}
	}
}
