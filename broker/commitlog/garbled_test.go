package commitlog

import (
	"strings"
	"testing"

	"odradek/broker/env"
)

// garblingDisk answers one read of a log's files wrongly: the nth.
type garblingDisk struct {
	env.Disk
	reads, nth int
}

func (d *garblingDisk) Open(name string, flag int) (env.File, error) {
	f, err := d.Disk.Open(name, flag)
	if err == nil && strings.HasSuffix(name, logSuffix) {
		f = &garblingFile{f, d}
	}
	return f, err
}

type garblingFile struct {
	env.File
	disk *garblingDisk
}

func (f *garblingFile) ReadAt(p []byte, off int64) (int, error) {
	n, err := f.File.ReadAt(p, off)
	if f.disk.reads++; n > 0 && f.disk.reads == f.disk.nth {
		p[n/2] ^= 1
	}
	return n, err
}

// A read that is wrong once must not cost what recovery would cut for it.
func TestRecoveryAsksTwiceBeforeItCuts(t *testing.T) {
	l, disk := newLog(t, nil)
	for range 10 {
		appendBatch(t, l, 2, 1)
	}
	garbling := &garblingDisk{Disk: disk.Kill(), nth: 1}
	again := openLog(t, garbling, l.configuration())
	if garbling.reads != 2 || again.EndOffset() != 20 {
		t.Errorf("after %d reads, the first of them garbled, the log ends at %d", garbling.reads, again.EndOffset())
	}
	must(t, again.Close())
}
