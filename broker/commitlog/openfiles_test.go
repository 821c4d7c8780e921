package commitlog

import (
	"bytes"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"odradek/broker/env"

	"pgregory.net/rapid"
)

// countingDisk counts the segment files that are open, and how many ever were at once.
type countingDisk struct {
	env.Disk
	open, most atomic.Int64
}

func (d *countingDisk) Open(name string, flag int) (env.File, error) {
	f, err := d.Disk.Open(name, flag)
	if err == nil && strings.HasSuffix(name, logSuffix) {
		d.most.Store(max(d.most.Load(), d.open.Add(1)))
		f = &countedFile{File: f, disk: d}
	}
	return f, err
}

type countedFile struct {
	env.File
	disk *countingDisk
}

func (f *countedFile) Close() error {
	f.disk.open.Add(-1)
	return f.File.Close()
}

// However many segments logs have, of those that are settled only so many are open; and all of them can be read.
func TestOpenFilesAreBounded(t *testing.T) {
	const logs, segments, bound = 5, 40, 7
	disk := &countingDisk{Disk: newDisk()}
	cfg := DefaultConfig()
	cfg.SegmentBytes, cfg.VerifyTransactions = 100, false // one batch a segment
	opts := Options{Go: inline.Go, Files: NewFiles(bound)}
	var all []*Log
	var want [logs][]byte
	openAll := func() {
		t.Helper()
		all = nil
		for i := range logs {
			l, err := Open(disk, fmt.Sprintf("topic-%d", i), cfg, opts)
			must(t, err)
			all = append(all, l)
		}
	}
	check := func(when string) {
		t.Helper()
		// One more may be open in each of the logs while it is opened or written, and each appends to one.
		if open, most := disk.open.Load(), disk.most.Swap(0); open > bound+logs || most > bound+logs+1 {
			t.Errorf("%s: %d files of segments are open, up to %d were; the bound is %d and %d logs", when, open, most, bound, logs)
		}
	}
	openAll()
	for i, l := range all {
		for range segments {
			appendBatch(t, l, 1, 0)
		}
		want[i] = readAll(t, l, 0, 1<<20)
		if n := len(l.Segments()); n != segments {
			t.Fatalf("%d segments", n)
		}
	}
	check("written and read")
	for _, l := range all {
		must(t, l.Close())
	}
	if open := disk.open.Load(); open != 0 {
		t.Errorf("%d files of segments are open after all logs are closed", open)
	}
	disk.most.Store(0)
	openAll()
	for i, l := range all {
		if got := readAll(t, l, 0, 1<<20); !bytes.Equal(got, want[i]) {
			t.Errorf("log %d: %d bytes are read back, not %d", i, len(got), len(want[i]))
		}
	}
	check("opened again and read")
}

// A slice's bytes stay what they were, whatever becomes of a log whose files are closed whenever they can be.
func TestSlicesOutliveClosedFiles(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		disk := &countingDisk{Disk: newDisk()}
		cfg := DefaultConfig()
		cfg.SegmentBytes, cfg.VerifyTransactions, cfg.FileDeleteDelayMs = 200, false, 0
		l := openLog(t, disk, cfg)
		type held struct {
			slice Slice
			want  []byte
		}
		var out []held
		read := func() {
			if l.StartOffset() == l.EndOffset() {
				return
			}
			from := rapid.Int64Range(l.StartOffset(), l.EndOffset()-1).Draw(t, "from")
			s, err := l.Read(from, ReadLimits{MaxBytes: 1 << 20, EndOffset: l.EndOffset(), AtLeastOne: true})
			must(t, err)
			want := make([]byte, s.Len())
			must(t, s.ReadInto(want))
			out = append(out, held{s, want})
		}
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			switch rapid.SampledFrom([]string{"append", "append", "append", "read", "read", "truncate", "drop", "release"}).Draw(t, "step") {
			case "append":
				appendBatch(t, l, rapid.IntRange(1, 4).Draw(t, "records"), 0)
			case "read":
				read()
			case "truncate":
				must(t, l.TruncateTo(rapid.Int64Range(l.StartOffset(), l.EndOffset()).Draw(t, "to")))
			case "drop":
				must(t, l.AdvanceStart(rapid.Int64Range(l.StartOffset(), l.EndOffset()).Draw(t, "start")))
				_, err := l.DropHead()
				must(t, err)
			case "release":
				if len(out) > 0 {
					out[0].slice.Release()
					out = out[1:]
				}
			}
		}
		must(t, l.Delete())
		for _, each := range out {
			got := make([]byte, each.slice.Len())
			must(t, each.slice.ReadInto(got))
			if !bytes.Equal(got, each.want) {
				t.Fatalf("a slice of %s reads %s", offsets(t, each.want), offsets(t, got))
			}
			each.slice.Release()
		}
		if open := disk.open.Load(); open != 0 {
			t.Fatalf("%d files of segments stay open", open)
		}
	})
}

// A reader that has found its segment, and not yet read, is not left without the file when that gets another name or goes.
func TestReadersKeepFilesThatGo(t *testing.T) {
	for name, change := range map[string]func(l *Log) error{
		"head is dropped": func(l *Log) error {
			if err := l.AdvanceStart(l.EndOffset()); err != nil {
				return err
			}
			_, err := l.DropHead()
			return err
		},
		"truncation": func(l *Log) error { return l.TruncateTo(0) },
		"restart":    func(l *Log) error { return l.TruncateAndStartAt(1_000) },
		"deletion":   func(l *Log) error { return l.Delete() },
		"replacement": func(l *Log) error {
			segments := l.Segments()
			r, err := l.Replace(segments[0].Base, segments[2].Next, 1<<20)
			if err != nil {
				return err
			}
			if err := r.Each(r.Append); err != nil {
				return err
			}
			return r.Commit()
		},
	} {
		t.Run(name, func(t *testing.T) {
			l, _ := newLog(t, func(cfg *Config) { cfg.SegmentBytes, cfg.FileDeleteDelayMs = 100, 0 })
			for range 10 {
				appendBatch(t, l, 1, 0)
			}
			v, err := l.view(1, l.EndOffset())
			must(t, err)
			want, got := make([]byte, v.size), make([]byte, v.size)
			_, err = v.file.ReadAt(want, 0)
			must(t, err)
			if v.file.file != nil {
				t.Fatal("the file is open")
			}
			must(t, change(l))
			if _, err := v.file.ReadAt(got, 0); err != nil || !bytes.Equal(got, want) {
				t.Errorf("%v, or the bytes differ", err)
			}
			v.file.release()
		})
	}
}
