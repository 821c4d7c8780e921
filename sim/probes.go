package sim

import (
	"fmt"
	"io"
	"strings"
)

// A Probe is a rare state of the broker that universes report when they reach it (broker/env/sometimes says what each means).
type Probe struct {
	Name string
	// Required probes are those that a campaign of RequiredSeeds drawn seeds has to reach, or it tested less than it says.
	Required bool
}

// RequiredSeeds is how many seeds a campaign has from which on it fails when a required probe was never reached.
const RequiredSeeds = 200

// Probes are the broker's, in its own order.
var Probes = []Probe{
	{"isr-of-one", true},
	{"append-outlived-isr", true},
	{"elr-election", true},
	{"last-leader-election", false},
	{"stale-decision", false},
	{"snapshot-restored", true},
	{"truncated", true},
	{"started-over", true},
	{"replica-lost", true},
	{"tail-cut", true},
	{"swap-completed", false},
	{"compaction-raced", false},
	{"retry-recognised", true},
	{"coordinator-reloaded", true},
	{"transaction-timed-out", true},
	{"producer-fenced", false},
	{"markers-sent-again", true},
	{"member-timed-out", true},
	{"static-member-replaced", true},
	{"share-lock-ended", true},
	{"fetch-session-refused", false},
	{"fetch-session-evicted", false},
	{"read-at-follower", true},
	{"replica-moved", true},
	{"move-resumed", false},
	{"directory-failed", true},
}

// reachedOf lists the probes of a universe that were reached, in their own order.
func reachedOf(times map[string]int) []string {
	var reached []string
	for _, p := range Probes {
		if times[p.Name] > 0 {
			reached = append(reached, p.Name)
		}
	}
	return reached
}

// Missed lists the required probes that no universe reached; nothing, as long as the campaign is too small to be held to that.
func (t *Tally) Missed() []string {
	var missed []string
	for _, p := range Probes {
		if p.Required && t.Reached[p.Name] == 0 && t.Seeds() >= RequiredSeeds {
			missed = append(missed, p.Name)
		}
	}
	return missed
}

// PrintProbes says in how many seeds each probe was reached, and names those that never were.
func (t *Tally) PrintProbes(w io.Writer) {
	var reached, never []string
	for _, p := range Probes {
		if n := t.Reached[p.Name]; n > 0 {
			reached = append(reached, fmt.Sprintf("%s %d", p.Name, n))
		} else {
			never = append(never, p.Name)
		}
	}
	if len(reached) > 0 {
		fmt.Fprintf(w, "sometimes: %s\n", strings.Join(reached, ", "))
	}
	if len(never) > 0 {
		fmt.Fprintf(w, "never: %s\n", strings.Join(never, ", "))
	}
	if missed := t.Missed(); len(missed) > 0 {
		fmt.Fprintf(w, "required and never reached: %s\n", strings.Join(missed, ", "))
	}
}
