package host_test

import (
	"bytes"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"odradek/sim/host"
	"odradek/sim/trace"
)

// troubled is a universe in which much happens: three servers that sync, two clients with several goroutines each, crashes,
// power loss, a partition, a pause, slow disks, drifting clocks, short reads. It returns what two runs must agree on.
func troubled(t testing.TB, seed uint64, change func(*host.Config)) (hash uint64, lines []string) {
	w := newWorld(t, seed, func(c *host.Config) {
		c.TCP.ShortReadPPM, c.TCP.ShortSendPPM = 100_000, 100_000
		c.OnStderr = nil
		if change != nil {
			change(c)
		}
	})
	servers := []*host.Node{w.start("s1", "server", ":9092"), w.start("s2", "server", ":9092"), w.start("s3", "server", ":9092")}
	for _, name := range []string{"c1", "c2"} {
		w.start(name, "client", "4500", "s1:9092", "10.0.0.2:9092", "s3:9092")
	}
	faults := w.Generator("faults")
	restart := func(n *host.Node, after time.Duration) {
		w.After(after, func() { w.restart(n) })
	}
	for at := 500 * time.Millisecond; at < 4500*time.Millisecond; at += 250 * time.Millisecond {
		w.After(at, func() {
			n, other := servers[faults.IntN(3)], servers[faults.IntN(3)]
			client := w.Node("c1")
			switch faults.IntN(5) {
			case 0:
				if n.Running() {
					n.Crash()
					restart(n, 100*time.Millisecond)
				}
			case 1:
				if n.Running() {
					n.PowerLoss()
					restart(n, 300*time.Millisecond)
				}
			case 2:
				w.Network().Block(client.Host(), n.Host())
				w.After(400*time.Millisecond, func() { w.Network().Unblock(client.Host(), n.Host()) })
			case 3:
				n.Pause(200 * time.Millisecond)
				other.Clock().SetDrift(w.Now(), 1000)
			case 4:
				w.Network().ResetLink(client.Host(), n.Host())
			}
		})
	}
	w.run(5 * time.Second)
	if len(w.said("acked")) < 100 {
		t.Errorf("hardly anything happened: %d acknowledgements; %q", len(w.said("acked")), w.exits)
	}
	if err := w.Close(); err != nil { // writes out the trace
		t.Error(err)
	}
	return w.Hash(), w.lines
}

func TestSameSeedSameHash(t *testing.T) {
	hash, lines := troubled(t, 1, nil)
	for _, threads := range []int{1, 2, 4} {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(threads))
		again, linesAgain := troubled(t, 1, nil)
		if again != hash {
			t.Errorf("with %d threads the hash is %016x, before it was %016x", threads, again, hash)
		}
		if strings.Join(lines, "\n") != strings.Join(linesAgain, "\n") {
			t.Errorf("with %d threads other lines were said", threads)
		}
	}
	if other, _ := troubled(t, 2, nil); other == hash {
		t.Errorf("two seeds have the hash %016x", hash)
	}
}

// Universes run beside each other without touching each other.
func TestUniversesSideBySide(t *testing.T) {
	want, _ := troubled(t, 3, nil)
	var all sync.WaitGroup
	for range 3 {
		all.Go(func() {
			if got, _ := troubled(t, 3, nil); got != want {
				t.Errorf("beside others the hash is %016x, alone it is %016x", got, want)
			}
		})
	}
	all.Wait()
}

// The text of a trace changes nothing, and tells all: of two seeds' traces the first difference is found, of one seed's none.
func TestTraceTextAgreesWithHash(t *testing.T) {
	want, _ := troubled(t, 4, nil)
	var texts [3]bytes.Buffer
	for i, seed := range []uint64{4, 4, 5} {
		got, _ := troubled(t, seed, func(c *host.Config) { c.Trace = &texts[i] })
		if (got == want) != (seed == 4) {
			t.Errorf("seed %d with a trace: hash %016x; seed 4 without: %016x", seed, got, want)
		}
	}
	if d, err := trace.Diff(bytes.NewReader(texts[0].Bytes()), &texts[1]); d != nil || err != nil {
		t.Errorf("two traces of a seed: %v\n%v", err, d)
	}
	if d, err := trace.Diff(&texts[0], &texts[2]); d == nil || err != nil {
		t.Errorf("the traces of two seeds don't differ: %v", err)
	}
}
