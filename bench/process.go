package bench

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"time"
)

// clockTick is the unit of times in /proc: USER_HZ, which is 100 on every architecture that Go runs on.
const clockTick = time.Second / 100

// Usage is what some processes have used together.
type Usage struct {
	CPUSeconds float64 `json:"cpu_s"`
	RSSBytes   int64   `json:"rss_bytes"` // what they hold
	// ReadCalls and WriteCalls are system calls of that kind (sendfile is one of each), WrittenBytes what they caused to be
	// written to the disk, Switches how often a thread began to wait. 0 where the system does not tell.
	ReadCalls    int64 `json:"read_calls"`
	WriteCalls   int64 `json:"write_calls"`
	WrittenBytes int64 `json:"written_bytes"`
	Switches     int64 `json:"switches"`
}

// since is what was used after before was measured.
func (u Usage) since(before Usage) Usage {
	return Usage{
		u.CPUSeconds - before.CPUSeconds, u.RSSBytes, u.ReadCalls - before.ReadCalls, u.WriteCalls - before.WriteCalls,
		u.WrittenBytes - before.WrittenBytes, u.Switches - before.Switches,
	}
}

// UsageOf reads /proc; it fails where there is none, and when a process is gone.
func UsageOf(pids []int) (Usage, error) {
	var sum Usage
	for _, pid := range pids {
		if err := sum.add(pid); err != nil {
			return sum, fmt.Errorf("pid %d: %w", pid, err)
		}
	}
	return sum, nil
}

func (u *Usage) add(pid int) error {
	dir := fmt.Sprintf("/proc/%d/", pid)
	stat, err := os.ReadFile(dir + "stat")
	if err != nil {
		return err
	}
	cpu, rssBytes, err := parseStat(stat, os.Getpagesize())
	if err != nil {
		return err
	}
	u.CPUSeconds += cpu.Seconds()
	u.RSSBytes += rssBytes
	// What follows is another user's business, and then not told.
	if io, err := os.ReadFile(dir + "io"); err == nil {
		u.ReadCalls += field(io, "syscr:")
		u.WriteCalls += field(io, "syscw:")
		u.WrittenBytes += field(io, "write_bytes:")
	}
	threads, _ := filepath.Glob(dir + "task/*/status") // the pattern is right
	for _, each := range threads {
		status, err := os.ReadFile(each)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			continue
		}
		u.Switches += field(status, "voluntary_ctxt_switches:")
	}
	return nil
}

// field is the number behind a name at the begin of a line, 0 when there is none.
func field(text []byte, name string) int64 {
	for line := range bytes.Lines(text) {
		if rest, ok := bytes.CutPrefix(line, []byte(name)); ok {
			n, _ := strconv.ParseInt(string(bytes.TrimSpace(rest)), 10, 64)
			return n
		}
	}
	return 0
}

// parseStat reads utime, stime and rss (proc_pid_stat(5), fields 14, 15 and 24). The name in field 2 may hold anything, so
// fields are counted from behind its closing parenthesis.
func parseStat(stat []byte, pageBytes int) (cpu time.Duration, rssBytes int64, err error) {
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	const utime, stime, rss = 14 - 3, 15 - 3, 24 - 3
	if len(fields) <= rss {
		return 0, 0, fmt.Errorf("%d fields of /proc/PID/stat", len(fields))
	}
	var values [3]int64
	for i, at := range []int{utime, stime, rss} {
		if values[i], err = strconv.ParseInt(string(fields[at]), 10, 64); err != nil {
			return 0, 0, err
		}
	}
	return time.Duration(values[0]+values[1]) * clockTick, values[2] * int64(pageBytes), nil
}

// machineTime is how long all cores together were busy since the machine's start, and how long idle; 0 where there is no /proc.
func machineTime() (busy, idle time.Duration) {
	stat, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, 0
	}
	return parseMachine(stat)
}

// parseMachine reads the first line of /proc/stat: user, nice, system, idle, iowait, irq, softirq, steal; the rest is in user.
func parseMachine(stat []byte) (busy, idle time.Duration) {
	line, _, _ := bytes.Cut(stat, []byte("\n"))
	for i, each := range bytes.Fields(line) {
		ticks, err := strconv.ParseInt(string(each), 10, 64)
		switch {
		case err != nil || i > 8:
		case i == 4 || i == 5:
			idle += time.Duration(ticks) * clockTick
		default:
			busy += time.Duration(ticks) * clockTick
		}
	}
	return busy, idle
}

// Part is one part of a run: what was done in how long, and what it cost. CPU times are in seconds.
type Part struct {
	Records int64   `json:"records"`
	Bytes   int64   `json:"bytes"`
	Seconds float64 `json:"seconds"`
	Broker  Usage   `json:"broker"` // of the processes that --pid names
	Client  float64 `json:"client_cpu_s"`
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
	broker, client     Usage
	machine, machineNo time.Duration
}

func newGauge(pids []int) (g gauge, err error) {
	g.pids = pids
	if g.broker, err = UsageOf(pids); err != nil {
		return g, err
	}
	g.client, _ = UsageOf([]int{os.Getpid()})
	g.machine, g.machineNo = machineTime()
	g.began = time.Now()
	return g, nil
}

// read ends the part at a time.
func (g *gauge) read(r *recorder, rate int) (Part, error) {
	broker, err := UsageOf(g.pids)
	if err != nil {
		return Part{}, err
	}
	client, _ := UsageOf([]int{os.Getpid()})
	busy, idle := machineTime()
	p := Part{Broker: broker.since(g.broker), Client: client.since(g.client).CPUSeconds, Cores: runtime.NumCPU()}
	p.Busy = ratio((busy - g.machine).Seconds(), (busy - g.machine + idle - g.machineNo).Seconds())
	p.Records, p.Bytes = r.counts()
	p.Seconds = max(r.end().Sub(g.began).Seconds(), 0)
	p.Bound = p.bound(rate)
	return p, nil
}
