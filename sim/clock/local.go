package clock

import "time"

// Epoch is what every node's calendar showed when the universe began, in nanoseconds since 1970: the first of January 2026, UTC.
const Epoch = 1_767_225_600 * int64(time.Second)

// uptime is what a monotonic clock shows at the beginning. The Go runtime refuses a monotonic clock that reads zero.
const uptime = int64(time.Second)

// million is what a drift is counted in: parts per million.
const million = 1_000_000

// Local is the clock of one node: a monotonic reading that may drift from virtual time, and a calendar reading that may also
// be off and be stepped. The zero value is a perfect clock.
type Local struct {
	driftPPM int64
	since    Time  // when the present drift began
	gained   int64 // ns the clock had gained by then
	offset   int64 // ns by which the calendar is ahead
}

// Mono is the monotonic reading, in nanoseconds.
func (l *Local) Mono(now Time) int64 {
	m := uptime + int64(now) + l.gained
	if l.driftPPM != 0 {
		d := int64(now - l.since)
		m += d/million*l.driftPPM + d%million*l.driftPPM/million
	}
	return m
}

// Wall is the calendar reading, in nanoseconds since 1970.
func (l *Local) Wall(now Time) int64 { return Epoch - uptime + l.Mono(now) + l.offset }

// SetDrift makes the clock run driftPPM millionths too fast from now on, or too slow when it is negative. It is bounded to
// half the speed either way, beyond which no oscillator is.
func (l *Local) SetDrift(now Time, driftPPM int64) {
	l.gained = l.Mono(now) - uptime - int64(now)
	l.since = now
	l.driftPPM = min(max(driftPPM, -million/2), million/2)
}

// Step moves the calendar by d, as a correction by hand or by NTP does; the monotonic reading is left alone.
func (l *Local) Step(d time.Duration) { l.offset += int64(d) }

// Span is the virtual time in which the monotonic reading moves by at least local nanoseconds.
func (l *Local) Span(local uint64) time.Duration {
	const longest = uint64(1) << 60 // 36 years: any longer wait is the same wait
	d := int64(min(local, longest))
	if l.driftPPM == 0 {
		return time.Duration(d)
	}
	rate := million + l.driftPPM
	whole, rest := d/rate, d%rate
	return time.Duration(whole*million + (rest*million+rate-1)/rate + 1) // 1 for what Mono rounds down
}
