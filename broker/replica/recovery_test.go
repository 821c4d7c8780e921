package replica

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"odradek/broker/env/memenv"
)

// startReads watches what a node reads of logs' files while it starts.
type startReads struct {
	mu    sync.Mutex
	bytes map[string]int64    // read of records, by log
	busy  map[string]struct{} // logs that are read at present, as every read takes a while
	most  map[string]int      // of them at a time, by data directory
}

func watchStart(disk *memenv.Disk) *startReads {
	o := &startReads{bytes: map[string]int64{}, busy: map[string]struct{}{}, most: map[string]int{}}
	disk.SetHook(func(op memenv.Op) error {
		if op.Kind != memenv.OpRead || !strings.HasSuffix(op.Name, ".log") {
			return nil
		}
		log := op.Name[:strings.LastIndexByte(op.Name, '/')]
		home := op.Name[:strings.IndexByte(op.Name, '/')]
		o.mu.Lock()
		o.bytes[log] += int64(op.Length)
		o.busy[log] = struct{}{}
		n := 0
		for other := range o.busy {
			if strings.HasPrefix(other, home+"/") {
				n++
			}
		}
		o.most[home] = max(o.most[home], n)
		o.mu.Unlock()
		time.Sleep(time.Millisecond)
		o.mu.Lock()
		defer o.mu.Unlock()
		delete(o.busy, log)
		return nil
	})
	return o
}

// A node that stopped uncleanly reads, of each log, what no recovery point vouches for, and not the gigabytes before it; as many logs
// at a time in each directory as num.recovery.threads.per.data.dir says.
func TestRecoveryReadsOnlyWhatItMust(t *testing.T) {
	const topics, threads = 24, 3
	testCluster(t, 1, func(c *cluster) {
		c.parallel = threads
		c.settings.Log.SegmentBytes = 100_000
		c.withDirs(threeDirs...)
		c.topics(topics)
		value := strings.Repeat("x", 900)
		for topic := range topics {
			for range 30 { // four segments and a half
				c.writeTo(1, topic, -1, value, 16).want(t, nil)
			}
		}
		synctest.Wait()
		n := c.nodes[1]
		unsettled := map[string]int64{}
		for topic := range topics {
			p := c.of(1, topic)
			for _, s := range p.Log().Segments() {
				if !s.Settled {
					unsettled[p.dir] += s.Size
				}
			}
			if size := p.Log().Size(); size < 400_000 || unsettled[p.dir] > size/3 {
				t.Fatalf("%s: %d bytes, %d of them not settled: nothing is tried", p, size, unsettled[p.dir])
			}
		}
		n.crash(false)
		n.disk.SetHook(nil)
		reads := watchStart(n.disk)
		n.start()
		c.settle()
		time.Sleep(10 * time.Second)
		for topic := range topics {
			p := c.of(1, topic)
			if log := p.Log(); log == nil || log.EndOffset() != 30*16 {
				t.Fatalf("%s is %v", p, log)
			}
			const perSegment = 4 << 10 // the first header, to know its time
			if read, most := reads.bytes[p.dir], unsettled[p.dir]+5*perSegment; read > most || read < unsettled[p.dir] {
				t.Errorf("%s: %d bytes were read, %d had to be", p, read, unsettled[p.dir])
			}
		}
		for _, d := range threeDirs {
			if got := reads.most[d.Path]; got != threads {
				t.Errorf("%s: %d logs at a time, want %d", d.Path, got, threads)
			}
		}
		// After a clean stop no record is read but the first headers.
		n.stop()
		reads = watchStart(n.disk)
		n.start()
		c.settle()
		time.Sleep(10 * time.Second)
		total := int64(0)
		for _, bytes := range reads.bytes {
			total += bytes
		}
		if most := int64(topics * 6 * 4 << 10); total > most {
			t.Errorf("%d bytes were read after a clean stop, %s at most", total, fmt.Sprint(most))
		}
		n.disk.SetHook(nil)
	})
}
