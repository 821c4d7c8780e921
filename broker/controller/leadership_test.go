package controller

import (
	"testing"
	"testing/synctest"
)

// TestRaftNeverWaitsForItsWordToBeTaken holds what broke a circle of waiting: raft gives its word while the active controller
// is still ending, and nobody looks at it yet.
func TestRaftNeverWaitsForItsWordToBeTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &Controller{notify: make(chan bool), leadership: newLeadership(), raftDown: make(chan struct{})}
		go c.hearRaft()
		first, _ := c.leadership.newest()
		for _, leader := range []bool{true, false, true, false, true} {
			select {
			case c.notify <- leader:
			case <-t.Context().Done():
				t.Fatal("raft waits")
			}
			synctest.Wait()
		}
		if first.Err() == nil {
			t.Error("an old word still allows an active controller")
		}
		if ctx, leader := c.leadership.newest(); !leader || ctx.Err() != nil {
			t.Errorf("the newest word is %v, %v", leader, ctx.Err())
		}
		close(c.raftDown)
	})
}
