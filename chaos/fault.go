package chaos

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// A Fault is one entry of a schedule.
type Fault struct {
	At     Duration `json:"at"`              // since the universe began
	For    Duration `json:"for,omitzero"`    // until it is undone; zero for the kinds that happen at once, and for what stays
	Stays  bool     `json:"stays,omitempty"` // it is never undone: the others have to go on without its target (see core.go)
	Kind   Kind     `json:"kind"`            // what happens
	Target Selector `json:"target"`          // to whom
	Params Params   `json:"params,omitzero"` // how; which fields a kind takes is in the catalogue of kinds
}

// Lasts is true of a fault that has to be undone, or never is; the others happen at once.
func (f Fault) Lasts() bool { return f.For > 0 || f.Stays }

// End is when the fault is undone, should it ever be.
func (f Fault) End() Duration { return f.At + f.For }

// String is a line for people: "7.5s isolate leader/t0/1 for 3s (clients=true)".
func (f Fault) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s %s", f.At, f.Kind, f.Target)
	if f.For > 0 {
		fmt.Fprintf(&b, " for %s", f.For)
	}
	if f.Stays {
		b.WriteString(" for good")
	}
	if words := f.Params.words(); len(words) > 0 {
		fmt.Fprintf(&b, " (%s)", strings.Join(words, ", "))
	}
	return b.String()
}

// Params are the sizes of a fault. A zero field is an absent one.
type Params struct {
	Clients        bool    `json:"clients,omitempty"`          // links to clients are hit as well
	Direction      string  `json:"direction,omitempty"`        // "in" or "out", seen from the targets
	Delay          *Delay  `json:"delay,omitempty"`            // one way, added to the link's own
	BytesPerSecond int64   `json:"bytes_per_second,omitempty"` // each way
	Call           int64   `json:"call,omitempty"`             // counted from 1 at the fault's start
	Point          string  `json:"point,omitempty"`            // one of Points
	Nth            int64   `json:"nth,omitempty"`              // counted from 1 at the fault's start; absent means 1
	Factor         float64 `json:"factor,omitempty"`           // times as long
	Op             string  `json:"op,omitempty"`               // one of Ops
	Share          float64 `json:"share,omitempty"`            // of all such calls, up to 1
	Bytes          int64   `json:"bytes,omitempty"`            // of room on a disk or in memory

	Every  Duration `json:"every,omitzero"`   // of a life
	Step   Duration `json:"step,omitzero"`    // of a calendar; may be negative
	Refuse bool     `json:"refuse,omitempty"` // connects, instead of no answer
	PPM    int64    `json:"ppm,omitempty"`    // of a clock's speed; may be negative
	Dir    int      `json:"dir,omitempty"`    // counted from 1
}

// A Delay is a distribution of delays: "constant" (Mean always), "exponential" (of mean Mean) or "bimodal" (Slow for a
// share of SlowShare, otherwise Mean).
type Delay struct {
	Distribution string   `json:"distribution"`
	Mean         Duration `json:"mean"`
	Slow         Duration `json:"slow,omitzero"`
	SlowShare    float64  `json:"slow_share,omitempty"`
}

// Limits of a fault's parameters: beyond them a run only waits.
const (
	delayMax          = time.Minute
	bytesPerSecondMin = 1 << 10
	callMax           = 1 << 40
	factorMax         = 10_000
	stepMax           = 366 * 24 * time.Hour
	ppmMax            = 500_000 // half as fast again
	faultsMax         = 10_000
)

// Sample turns u and v, both uniform in [0,1), into a delay. It is a pure function, so that a target draws from its own stream.
func (d Delay) Sample(u, v float64) time.Duration {
	switch d.Distribution {
	case "exponential":
		// Cut at ten means: one connection that waits for the tail of the distribution is a fault of another kind.
		return time.Duration(float64(d.Mean) * min(-math.Log1p(-u), 10))
	case "bimodal":
		if v < d.SlowShare {
			return d.Slow.D()
		}
	}
	return d.Mean.D()
}

func (d Delay) check() error {
	inRange := func(v Duration) bool { return v > 0 && v.D() <= delayMax }
	if !slices.Contains([]string{"constant", "exponential", "bimodal"}, d.Distribution) {
		return fmt.Errorf("delay distribution %q: allowed are constant, exponential, bimodal", d.Distribution)
	}
	if !inRange(d.Mean) {
		return fmt.Errorf("delay mean %s: allowed is more than 0 and at most %s", d.Mean, delayMax)
	}
	if d.Distribution != "bimodal" {
		if d.Slow != 0 || d.SlowShare != 0 {
			return fmt.Errorf("delay slow and slow_share: allowed for bimodal only")
		}
		return nil
	}
	if !inRange(d.Slow) || !(d.SlowShare > 0 && d.SlowShare < 1) {
		return fmt.Errorf("delay slow %s, slow_share %v: allowed are more than 0 and at most %s, and a share between 0 and 1",
			d.Slow, d.SlowShare, delayMax)
	}
	return nil
}

// present says which fields are set.
func (p Params) present() param {
	var set param
	for _, field := range []struct {
		is  bool
		bit param
	}{
		{p.Clients, pClients}, {p.Direction != "", pDirection}, {p.Delay != nil, pDelay}, {p.BytesPerSecond != 0, pBandwidth},
		{p.Call != 0, pCall}, {p.Point != "", pPoint}, {p.Nth != 0, pNth}, {p.Factor != 0, pFactor},
		{p.Op != "", pOp}, {p.Share != 0, pShare}, {p.Bytes != 0, pBytes},
		{p.Every != 0, pEvery}, {p.Step != 0, pStep}, {p.Refuse, pRefuse}, {p.PPM != 0, pPPM}, {p.Dir != 0, pDir},
	} {
		if field.is {
			set |= field.bit
		}
	}
	return set
}

// paramNames follows the bits of param.
var paramNames = []string{"clients", "direction", "delay", "bytes_per_second", "call", "point", "nth", "factor", "op", "share", "bytes", "every", "step",
	"refuse", "ppm", "dir"}

func (set param) names() string {
	var names []string
	for i, name := range paramNames {
		if set&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	if names == nil {
		return "none"
	}
	return strings.Join(names, ", ")
}

func (p Params) words() []string {
	var out []string
	add := func(is bool, name string, value any) {
		if is {
			out = append(out, fmt.Sprintf("%s=%v", name, value))
		}
	}
	add(p.Clients, "clients", true)
	add(p.Direction != "", "direction", p.Direction)
	if p.Delay != nil {
		add(true, "delay", p.Delay.Distribution+" "+p.Delay.Mean.String())
	}
	add(p.BytesPerSecond != 0, "bytes_per_second", p.BytesPerSecond)
	add(p.Call != 0, "call", p.Call)
	add(p.Point != "", "point", p.Point)
	add(p.Nth != 0, "nth", p.Nth)
	add(p.Factor != 0, "factor", p.Factor)
	add(p.Op != "", "op", p.Op)
	add(p.Share != 0, "share", p.Share)
	add(p.Bytes != 0, "bytes", p.Bytes)
	add(p.Every != 0, "every", p.Every)
	add(p.Step != 0, "step", p.Step)
	add(p.Refuse, "refuse", true)
	add(p.PPM != 0, "ppm", p.PPM)
	add(p.Dir != 0, "dir", p.Dir)
	return out
}

// check holds the values of the fields that are set against their ranges.
func (p Params) check() error {
	switch {
	case p.Direction != "" && p.Direction != "in" && p.Direction != "out":
		return fmt.Errorf("direction %q: allowed are in, out", p.Direction)
	case p.BytesPerSecond != 0 && p.BytesPerSecond < bytesPerSecondMin:
		return fmt.Errorf("bytes_per_second %d: allowed is %d or more", p.BytesPerSecond, bytesPerSecondMin)
	case p.Call < 0 || p.Call > callMax:
		return fmt.Errorf("call %d: allowed are 1 to %d", p.Call, int64(callMax))
	case p.Point != "" && !slices.Contains(Points, p.Point):
		return fmt.Errorf("point %q: allowed are %s", p.Point, strings.Join(Points, ", "))
	case p.Nth < 0 || p.Nth > callMax:
		return fmt.Errorf("nth %d: allowed are 1 to %d", p.Nth, int64(callMax))
	case p.Op != "" && !slices.Contains(Ops, p.Op):
		return fmt.Errorf("op %q: allowed are %s", p.Op, strings.Join(Ops, ", "))
	case p.Share != 0 && !(p.Share > 0 && p.Share <= 1):
		return fmt.Errorf("share %v: allowed is more than 0 and at most 1", p.Share)
	case p.Bytes < 0:
		return fmt.Errorf("bytes %d: allowed are 0 and above", p.Bytes)
	case p.Every < 0 || p.Every.D() > delayMax:
		return fmt.Errorf("every %s: allowed are more than 0 and at most %s", p.Every, delayMax)
	case p.Step.D() > stepMax || p.Step.D() < -stepMax:
		return fmt.Errorf("step %s: allowed is up to %s either way", p.Step, stepMax)
	case p.PPM > ppmMax || p.PPM < -ppmMax:
		return fmt.Errorf("ppm %d: allowed are up to %d either way", p.PPM, int64(ppmMax))
	case p.Factor != 0 && !(p.Factor > 1 && p.Factor <= factorMax):
		return fmt.Errorf("factor %v: allowed is more than 1 and at most %d", p.Factor, factorMax)
	}
	if p.Delay != nil {
		return p.Delay.check()
	}
	return nil
}

// check says what is wrong with a fault on this cluster.
func (f Fault) check(cluster *Cluster) error {
	spec := f.Kind.spec()
	if spec == nil {
		return fmt.Errorf("kind %q: allowed are %s", string(f.Kind), kindNames())
	}
	set := f.Params.present()
	if extra := set &^ spec.params; extra != 0 {
		return fmt.Errorf("%s does not take %s: allowed are %s", f.Kind, extra.names(), spec.params.names())
	}
	if missing := spec.required &^ set; missing != 0 {
		return fmt.Errorf("%s needs %s", f.Kind, missing.names())
	}
	if f.Kind == SlowLink && set&(pDelay|pBandwidth) == 0 {
		return fmt.Errorf("%s needs delay or bytes_per_second", f.Kind)
	}
	if err := f.Params.check(); err != nil {
		return err
	}
	if err := f.checkTimes(spec); err != nil {
		return err
	}
	if cluster.Nodes < spec.minNodes {
		return fmt.Errorf("%s needs at least %d nodes; the cluster has %d", f.Kind, spec.minNodes, cluster.Nodes)
	}
	c, err := f.Target.parse()
	if err != nil {
		return err
	}
	if dirs := max(cluster.Dirs, 1); f.Kind == FailedDir && (f.Params.Dir < 1 || f.Params.Dir > dirs) {
		return fmt.Errorf("%s of dir %d: allowed are 1 to %d", f.Kind, f.Params.Dir, dirs)
	}
	if f.Stays && (!slices.Contains(mayStay, f.Kind) || len(c.nodes) != 1) {
		return fmt.Errorf("%s of %s cannot stay: allowed are %s of one node by its number", f.Kind, f.Target, joinKinds(mayStay))
	}
	if f.Kind == Ring && !c.all {
		return fmt.Errorf("%s: allowed target is all", f.Kind)
	}
	if f.Kind == Bridge && (c.all || len(c.nodes) > 1) {
		return fmt.Errorf("%s: allowed is a target of one node", f.Kind)
	}
	if f.Kind == SwapDisks && len(c.nodes) != 2 {
		return fmt.Errorf("%s: allowed is a target of two nodes by number", f.Kind)
	}
	if (f.Kind == WipeDisk || f.Kind == OldDisk) && len(c.nodes) != 1 {
		return fmt.Errorf("%s: allowed is a target of one node by number", f.Kind)
	}
	return c.check(f.Target, cluster)
}

func (f Fault) checkTimes(spec *kindSpec) error {
	switch {
	case f.At < 0:
		return fmt.Errorf("at %s: allowed is 0 or later", f.At)
	case f.Stays && f.For != 0:
		return fmt.Errorf("for %s: what stays is not undone", f.For)
	case f.Stays:
		return nil
	case spec.instant && f.For != 0:
		return fmt.Errorf("%s happens at once: for is not allowed", f.Kind)
	case !spec.instant && f.For <= 0:
		return fmt.Errorf("for %s: %s needs a time after which it is undone", f.For, f.Kind)
	}
	return nil
}
