//go:build !linux

package bench

import "time"

// sleep is the runtime's own.
func sleep(d time.Duration) { time.Sleep(d) }
