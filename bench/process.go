package bench

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"time"
)

// clockTick is the unit of times in /proc: USER_HZ, which is 100 on every architecture that Go runs on.
const clockTick = time.Second / 100

// processes is what some processes have used together.
type processes struct {
	cpu      time.Duration
	rssBytes int64
}

// usage reads /proc; it fails where there is none, and when a process is gone.
func usage(pids []int) (processes, error) {
	var sum processes
	for _, pid := range pids {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			return sum, fmt.Errorf("pid %d: %w", pid, err)
		}
		one, err := parseStat(stat, os.Getpagesize())
		if err != nil {
			return sum, fmt.Errorf("pid %d: %w", pid, err)
		}
		sum.cpu += one.cpu
		sum.rssBytes += one.rssBytes
	}
	return sum, nil
}

// parseStat reads utime, stime and rss (proc_pid_stat(5), fields 14, 15 and 24). The name in field 2 may hold anything, so
// fields are counted from behind its closing parenthesis.
func parseStat(stat []byte, pageBytes int) (processes, error) {
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	const utime, stime, rss = 14 - 3, 15 - 3, 24 - 3
	if len(fields) <= rss {
		return processes{}, fmt.Errorf("%d fields of /proc/PID/stat", len(fields))
	}
	var values [3]int64
	for i, field := range []int{utime, stime, rss} {
		value, err := strconv.ParseInt(string(fields[field]), 10, 64)
		if err != nil {
			return processes{}, err
		}
		values[i] = value
	}
	return processes{time.Duration(values[0]+values[1]) * clockTick, values[2] * int64(pageBytes)}, nil
}
