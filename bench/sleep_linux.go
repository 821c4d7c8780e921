package bench

import (
	"time"

	"golang.org/x/sys/unix"
)

// sleep lets its thread sleep, which the kernel ends some 50 microseconds late. The runtime's timers wait in epoll, by whole
// milliseconds: at 2,000 records a second that would be most of what a latency is.
func sleep(d time.Duration) {
	left := unix.NsecToTimespec(d.Nanoseconds())
	_ = unix.Nanosleep(&left, &left) // a signal ends it early, and its caller looks at the clock again
}
