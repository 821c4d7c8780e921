package bench

import (
	"os"
	"runtime"
	"time"
)

// Part is one part of a run: what was done in how long, and what it cost. CPU times are in seconds.
type Part struct {
	Records int64   `json:"records"`
	Bytes   int64   `json:"bytes"`
	Seconds float64 `json:"seconds"`
	// Broker is what the brokers' processes used together, Processes what each did.
	Broker    Usage     `json:"broker"`
	Processes []Process `json:"processes,omitempty"`
	Wire      Wire      `json:"wire"` // of all clients
	Client    float64   `json:"client_cpu_s"`
	// Busy is the part of all cores' time that was used, by whomever, 0 to 1.
	Busy  float64 `json:"busy"`
	Cores int     `json:"cores"`
	// Bound is what kept it from being faster (see bound).
	Bound string `json:"bound"`
}

// saturated is the part of all cores' time from which on a run is taken to be bound by the CPU.
const saturated = 0.85

// bound says what was the limit: "rate", when that was given and kept; while the cores were saturated the largest user of them,
// "client", "broker" or "others"; otherwise "waiting": for a disk, a replica, or an answer.
func (p *Part) bound(rate int) string {
	others := max(p.Busy*p.Seconds*float64(p.Cores)-p.Client-p.Broker.CPUSeconds, 0)
	switch {
	case rate > 0 && float64(p.Records) > 0.98*float64(rate)*p.Seconds:
		return "rate"
	case p.Busy < saturated:
		return "waiting"
	case p.Client >= max(others, p.Broker.CPUSeconds):
		return "client"
	case p.Broker.CPUSeconds >= others:
		return "broker"
	default:
		return "others"
	}
}

// MiBPerSecond is the rate of values written or read.
func (p *Part) MiBPerSecond() float64 { return ratio(float64(p.Bytes)/mib, p.Seconds) }

// PerSecond is the rate of records.
func (p *Part) PerSecond() float64 { return ratio(float64(p.Records), p.Seconds) }

// BrokerCPUPerGiB is in seconds.
func (p *Part) BrokerCPUPerGiB() float64 { return ratio(p.Broker.CPUSeconds, float64(p.Bytes)/gib) }

// ratio is 0 where there is nothing to divide by.
func ratio(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}

const (
	mib = 1 << 20
	gib = 1 << 30
)

// gauge measures a part of a run.
type gauge struct {
	pids               []int
	began              time.Time
	broker             []Process
	client             Usage
	machine, machineNo time.Duration
	wire               *wire
	carried            Wire
}

func newGauge(pids []int, carrier *wire) (g gauge, err error) {
	g.pids, g.wire, g.carried = pids, carrier, carrier.since(Wire{})
	if g.broker, err = usagesOf(pids); err != nil {
		return g, err
	}
	g.client, _ = UsageOf([]int{os.Getpid()})
	g.machine, g.machineNo = machineTime()
	g.began = time.Now()
	return g, nil
}

// read ends the part at a time.
func (g *gauge) read(r *recorder, rate int) (Part, error) {
	processes, err := usagesOf(g.pids)
	if err != nil {
		return Part{}, err
	}
	for i := range processes {
		processes[i].Usage = processes[i].since(g.broker[i].Usage)
	}
	client, _ := UsageOf([]int{os.Getpid()})
	busy, idle := machineTime()
	p := Part{Broker: sum(processes), Processes: processes, Wire: g.wire.since(g.carried), Client: client.since(g.client).CPUSeconds, Cores: runtime.NumCPU()}
	p.Busy = ratio((busy - g.machine).Seconds(), (busy - g.machine + idle - g.machineNo).Seconds())
	p.Records, p.Bytes = r.counts()
	p.Seconds = max(r.end().Sub(g.began).Seconds(), 0)
	p.Bound = p.bound(rate)
	return p, nil
}
