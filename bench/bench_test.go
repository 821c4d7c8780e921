package bench

import (
	"os"
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

func TestParseStat(t *testing.T) {
	stat := "4711 (a (b) c) S 1 2 3 4 5 6 7 8 9 10 150 50 13 14 20 0 5 0 100 123456 30 18446744073709551615 1 1"
	got, err := parseStat([]byte(stat), 4096)
	if want := (processes{2 * time.Second, 30 * 4096}); err != nil || got != want {
		t.Errorf("%v, %v, want %v", got, err, want)
	}
	for _, bad := range []string{"", "4711 (a", "4711 (a) S 1 2", "1 (a) S 1 2 3 4 5 6 7 8 9 10 x 50 13 14 20 0 5 0 100 123456 30 1"} {
		if _, err := parseStat([]byte(bad), 4096); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

func TestUsageOfThisProcess(t *testing.T) {
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		t.Skip("no /proc here")
	}
	before, err := usage([]int{os.Getpid()})
	if err != nil {
		t.Fatal(err)
	}
	for start := time.Now(); time.Since(start) < 50*time.Millisecond; {
	}
	after, err := usage([]int{os.Getpid(), os.Getpid()})
	if err != nil || before.rssBytes < 1<<20 || after.cpu <= 2*before.cpu || after.rssBytes < before.rssBytes*3/2 {
		t.Errorf("%v, then twice %v: %v", before, after, err)
	}
	if _, err := usage([]int{1 << 30}); err == nil {
		t.Error("a process that does not exist used something")
	}
}

func TestLine(t *testing.T) {
	latencies := hdrhistogram.New(1, time.Hour.Microseconds(), 3)
	for ms := int64(1); ms <= 1000; ms++ {
		if err := latencies.RecordValue(ms * 1000); err != nil {
			t.Fatal(err)
		}
	}
	r := Result{Bytes: 512 << 20, Records: 1000, Produce: 2 * time.Second, Consume: time.Second, LatencyUs: latencies}
	want := "produced_per_s=500 produced_mib_per_s=256.0 consumed_mib_per_s=512.0 p50_ms=500.2 p99_ms=990.2 p999_ms=999.4"
	if got := r.Line(); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	r.CPU, r.RSSBytes = 3*time.Second, 100<<20
	if got := r.Line(); got != want+" broker_cpu_s_per_gib=6.00 broker_rss_mib=100" {
		t.Error(got)
	}
}
