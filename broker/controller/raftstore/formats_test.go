package raftstore

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"hash/crc32"
	"io"
	"os"
	"testing"
	"time"

	"github.com/hashicorp/raft"

	"odradek/broker/env/memenv"
)

// golden holds a file's bytes against testdata/name, in hex, and returns those. With REWRITE set it writes them anew.
func golden(t testing.TB, name string, got []byte) []byte {
	t.Helper()
	if os.Getenv("REWRITE") != "" {
		if err := os.WriteFile("testdata/"+name, []byte(hex.EncodeToString(got)+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	want, err := hex.DecodeString(string(bytes.TrimSpace(text)))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is\n%x\nwant\n%x", name, got, want)
	}
	return want
}

// content is a file's bytes.
func content(t testing.TB, disk *memenv.Disk, name string) []byte {
	t.Helper()
	file, err := disk.Open(name, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	b, err := io.ReadAll(io.NewSectionReader(file, 0, 1<<20))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// holding is a disk with one file.
func holding(t testing.TB, dir, name string, content []byte) *memenv.Disk {
	t.Helper()
	disk := memenv.NewDisk()
	if err := disk.MkdirAll(dir); err != nil {
		t.Fatal(err)
	}
	file, err := disk.Open(dir+"/"+name, os.O_CREATE)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, err := file.WriteAt(content, 0); err != nil {
		t.Fatal(err)
	}
	return disk
}

func TestSegmentGolden(t *testing.T) {
	disk := memenv.NewDisk()
	l := must(OpenLog(disk, "log"))(t)
	if err := l.StoreLogs([]*raft.Log{
		{Index: 7, Term: 2, Type: raft.LogCommand, Data: []byte("data"), AppendedAt: time.Unix(1, 5)},
		{Index: 8, Term: 3, Type: raft.LogNoop, Extensions: []byte("ext")},
	}); err != nil {
		t.Fatal(err)
	}
	want := golden(t, "segment.hex", content(t, disk, segmentName("log", 7)))
	l = must(OpenLog(holding(t, "log", "00000000000000000007.log", want), "log"))(t)
	var back raft.Log
	if err := l.GetLog(7, &back); err != nil || !back.AppendedAt.Equal(time.Unix(1, 5)) || string(back.Data) != "data" {
		t.Errorf("%+v %v", back, err)
	}
	if err := l.GetLog(8, &back); err != nil || string(back.Extensions) != "ext" || len(back.Data) != 0 || back.Type != raft.LogNoop {
		t.Errorf("%+v %v", back, err)
	}
}

func TestStableGolden(t *testing.T) {
	disk := memenv.NewDisk()
	s := must(OpenStable(disk, "stable"))(t)
	for _, err := range []error{s.SetUint64([]byte("CurrentTerm"), 3), s.Set([]byte("LastVoteCand"), []byte("a:1")), s.SetUint64([]byte("CurrentTerm"), 4)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	want := golden(t, "stable.hex", content(t, disk, "stable"))
	s = must(OpenStable(holding(t, ".", "stable", want), "stable"))(t)
	term, err := s.GetUint64([]byte("CurrentTerm"))
	vote, _ := s.Get([]byte("LastVoteCand"))
	if err != nil || term != 4 || string(vote) != "a:1" {
		t.Errorf("term %d, vote %q, %v", term, vote, err)
	}
}

func TestSnapshotGolden(t *testing.T) {
	disk := memenv.NewDisk()
	s := must(OpenSnapshots(disk, "snapshots"))(t)
	if err := writeSnapshot(s, 7, "the state"); err != nil {
		t.Fatal(err)
	}
	id := must(s.List())(t)[0].ID
	want := golden(t, "snapshot_v1.hex", content(t, disk, "snapshots/"+id+snapshotSuffix))
	s = must(OpenSnapshots(holding(t, "snapshots", id+snapshotSuffix, want), "snapshots"))(t)
	meta, r, err := s.Open(id)
	if err != nil {
		t.Fatal(err)
	}
	state := must(io.ReadAll(r))(t)
	if string(state) != "the state" || meta.Index != 7 || meta.Term != 1 || meta.Configuration.Servers[0].Address != "b" {
		t.Errorf("%q of %+v", state, meta)
	}
}

// A snapshot that a newer program wrote is not passed over for an older one, as one that rotted is: the log that led to it is gone.
func TestSnapshotOfAnotherVersion(t *testing.T) {
	disk := memenv.NewDisk()
	s := must(OpenSnapshots(disk, "snapshots"))(t)
	for index := range uint64(2) {
		if err := writeSnapshot(s, 7+index, "the state"); err != nil {
			t.Fatal(err)
		}
	}
	id := must(s.List())(t)[0].ID
	b := content(t, disk, "snapshots/"+id+snapshotSuffix)
	b = bytes.Replace(b, []byte(`"Version":1`), []byte(`"Version":2`), 1)
	seal(b, len("the state"))
	file := must(disk.Open("snapshots/"+id+snapshotSuffix, 0))(t)
	file.WriteAt(b, 0)
	file.Close()
	if _, _, err := s.Open(id); !errors.Is(err, ErrVersion) {
		t.Errorf("opened: %v", err)
	}
	if metas, err := s.List(); !errors.Is(err, ErrVersion) {
		t.Errorf("listed %+v, %v", metas, err)
	}
}

// seal makes the CRC of a snapshot's meta right, which begins at a position.
func seal(b []byte, meta int) {
	binary.BigEndian.PutUint32(b[len(b)-4:], crc32.Checksum(b[meta:len(b)-4], castagnoli))
}

// FuzzSnapshot opens any bytes as a snapshot: what is given out has the length and the CRC that its meta says.
func FuzzSnapshot(f *testing.F) {
	disk := memenv.NewDisk()
	s, err := OpenSnapshots(disk, "snapshots")
	if err != nil {
		f.Fatal(err)
	}
	if err := writeSnapshot(s, 7, "the state"); err != nil {
		f.Fatal(err)
	}
	metas, err := s.List()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(content(f, disk, "snapshots/"+metas[0].ID+snapshotSuffix))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) >= snapshotFooter { // or the CRC would end most runs at once
			if length := int(binary.BigEndian.Uint32(b[len(b)-8:])); length <= len(b)-snapshotFooter {
				seal(b, len(b)-snapshotFooter-length)
			}
		}
		s := must(OpenSnapshots(holding(t, "snapshots", "x"+snapshotSuffix, b), "snapshots"))(t)
		meta, r, err := s.Open("x")
		if err != nil {
			return
		}
		if state := must(io.ReadAll(r))(t); int64(len(state)) != meta.Size || meta.Version != 1 {
			t.Errorf("%d bytes of %+v", len(state), meta)
		}
	})
}
