package bench

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// clockTick is the unit of times in /proc: USER_HZ, which is 100 on every architecture that Go runs on.
const clockTick = time.Second / 100

// Usage is what some processes have used together.
type Usage struct {
	CPUSeconds float64 `json:"cpu_s"`
	RSSBytes   int64   `json:"rss_bytes"` // what they hold
	// ReadCalls and WriteCalls are system calls of that kind (sendfile is one of each), MovedIn and MovedOut the bytes that went
	// through them, files' and connections' alike; DiskReadBytes and WrittenBytes are what they caused to be read from the disk
	// and written to it. Switches is how often a thread began to wait, Preemptions how often one had to make room. 0 where the
	// system does not tell.
	ReadCalls     int64 `json:"read_calls"`
	WriteCalls    int64 `json:"write_calls"`
	MovedIn       int64 `json:"moved_in_bytes"`
	MovedOut      int64 `json:"moved_out_bytes"`
	DiskReadBytes int64 `json:"disk_read_bytes"`
	WrittenBytes  int64 `json:"written_bytes"`
	Switches      int64 `json:"switches"`
	Preemptions   int64 `json:"preemptions"`
}

// Process is what one process has used.
type Process struct {
	PID int `json:"pid"`
	Usage
}

// since is what was used after before was measured.
func (u Usage) since(before Usage) Usage {
	return Usage{
		u.CPUSeconds - before.CPUSeconds, u.RSSBytes, u.ReadCalls - before.ReadCalls, u.WriteCalls - before.WriteCalls,
		u.MovedIn - before.MovedIn, u.MovedOut - before.MovedOut, u.DiskReadBytes - before.DiskReadBytes,
		u.WrittenBytes - before.WrittenBytes, u.Switches - before.Switches, u.Preemptions - before.Preemptions,
	}
}

// plus is what two have used together.
func (u Usage) plus(v Usage) Usage {
	return Usage{
		u.CPUSeconds + v.CPUSeconds, u.RSSBytes + v.RSSBytes, u.ReadCalls + v.ReadCalls, u.WriteCalls + v.WriteCalls,
		u.MovedIn + v.MovedIn, u.MovedOut + v.MovedOut, u.DiskReadBytes + v.DiskReadBytes,
		u.WrittenBytes + v.WrittenBytes, u.Switches + v.Switches, u.Preemptions + v.Preemptions,
	}
}

// sum is what processes have used together.
func sum(processes []Process) (all Usage) {
	for _, each := range processes {
		all = all.plus(each.Usage)
	}
	return all
}

// UsageOf reads /proc; it fails where there is none, and when a process is gone.
func UsageOf(pids []int) (Usage, error) {
	processes, err := usagesOf(pids)
	return sum(processes), err
}

// usagesOf is UsageOf for each.
func usagesOf(pids []int) ([]Process, error) {
	var all []Process
	for _, pid := range pids {
		usage, err := usageOf(pid)
		if err != nil {
			return nil, fmt.Errorf("pid %d: %w", pid, err)
		}
		all = append(all, Process{pid, usage})
	}
	return all, nil
}

func usageOf(pid int) (u Usage, err error) {
	dir := fmt.Sprintf("/proc/%d/", pid)
	stat, err := os.ReadFile(dir + "stat")
	if err != nil {
		return u, err
	}
	cpu, rssBytes, err := parseStat(stat, os.Getpagesize())
	if err != nil {
		return u, err
	}
	u.CPUSeconds, u.RSSBytes = cpu.Seconds(), rssBytes
	// What follows is another user's business, and then not told.
	if io, err := os.ReadFile(dir + "io"); err == nil {
		u.ReadCalls, u.WriteCalls = field(io, "syscr:"), field(io, "syscw:")
		u.MovedIn, u.MovedOut = field(io, "rchar:"), field(io, "wchar:")
		u.DiskReadBytes, u.WrittenBytes = field(io, "read_bytes:"), field(io, "write_bytes:")
	}
	threads, _ := filepath.Glob(dir + "task/*/status") // the pattern is right
	for _, each := range threads {
		status, err := os.ReadFile(each)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			continue
		}
		u.Switches += field(status, "voluntary_ctxt_switches:")
		u.Preemptions += field(status, "nonvoluntary_ctxt_switches:")
	}
	return u, nil
}

// field is the number behind a name at the begin of a line, in whatever unit; 0 when there is none.
func field(text []byte, name string) int64 {
	for line := range bytes.Lines(text) {
		if rest, ok := bytes.CutPrefix(line, []byte(name)); ok {
			number, _, _ := bytes.Cut(bytes.TrimSpace(rest), []byte(" "))
			n, _ := strconv.ParseInt(string(number), 10, 64)
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
