package bench

import (
	"bytes"
	"os"
	"runtime"
	"strconv"
)

// Machine is where a run was made. What the system does not tell is empty or 0.
type Machine struct {
	Cores       int     `json:"cores"`
	CPU         string  `json:"cpu,omitempty"` // its model
	MemoryBytes int64   `json:"memory_bytes,omitempty"`
	System      string  `json:"system"`         // kernel and version, or the operating system
	Load        float64 `json:"load,omitempty"` // over a minute, when the run began: what else there was to do
}

func thisMachine() Machine {
	m := Machine{Cores: runtime.NumCPU(), System: runtime.GOOS + "/" + runtime.GOARCH}
	read := func(name string) []byte {
		text, _ := os.ReadFile(name) // not there: not told
		return text
	}
	if release := bytes.TrimSpace(read("/proc/sys/kernel/osrelease")); len(release) > 0 {
		m.System = "Linux " + string(release)
	}
	m.CPU = words(read("/proc/cpuinfo"), "model name")
	m.MemoryBytes = field(read("/proc/meminfo"), "MemTotal:") * 1024
	load, _, _ := bytes.Cut(read("/proc/loadavg"), []byte(" "))
	m.Load, _ = strconv.ParseFloat(string(load), 64)
	return m
}

// words are what stands behind a name and a colon at the begin of a line.
func words(text []byte, name string) string {
	for line := range bytes.Lines(text) {
		if rest, ok := bytes.CutPrefix(line, []byte(name)); ok {
			return string(bytes.Trim(rest, " \t:\n"))
		}
	}
	return ""
}
