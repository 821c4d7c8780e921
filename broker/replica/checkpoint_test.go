package replica

import (
	"errors"
	"maps"
	"runtime"
	"testing"
	"time"

	"odradek/broker/env"
	"odradek/broker/env/memenv"
	"odradek/broker/metadata"
)

func TestCheckpointFormat(t *testing.T) {
	offsets := map[partitionName]int64{{"a.topic", 3}: 12}
	const golden = "0\n1\na.topic 3 12\n" // as Kafka's OffsetCheckpointFile writes it
	if got := string(formatCheckpoint(offsets)); got != golden {
		t.Errorf("wrote %q", got)
	}
	offsets[partitionName{"b", 0}] = 1 << 60
	back, err := parseCheckpoint(formatCheckpoint(offsets))
	if err != nil || !maps.Equal(back, offsets) {
		t.Errorf("read back %v, %v", back, err)
	}
}

func TestMalformedCheckpoints(t *testing.T) {
	for name, content := range map[string]string{
		"empty":           "",
		"other version":   "1\n0\n",
		"no count":        "0\n",
		"bad count":       "0\nx\n",
		"too few":         "0\n2\na 0 1\n",
		"too many":        "0\n0\na 0 1\n",
		"fields missing":  "0\n1\na 0\n",
		"bad partition":   "0\n1\na x 1\n",
		"negative offset": "0\n1\na 0 -1\n",
		"twice":           "0\n2\na 0 1\na 0 2\n",
	} {
		t.Run(name, func(t *testing.T) {
			if got, err := parseCheckpoint([]byte(content)); !errors.Is(err, errCheckpoint) {
				t.Errorf("read %v, %v", got, err)
			}
		})
	}
}

func FuzzCheckpoint(f *testing.F) {
	f.Add([]byte("0\n1\na 0 1\n"))
	f.Fuzz(func(t *testing.T, content []byte) {
		offsets, err := parseCheckpoint(content)
		if err != nil {
			return
		}
		back, err := parseCheckpoint(formatCheckpoint(offsets))
		if err != nil || !maps.Equal(back, offsets) {
			t.Errorf("%v became %v, %v", offsets, back, err)
		}
	})
}

// A damaged file costs nothing but the knowledge in it.
func TestDamagedCheckpointIsNoObstacle(t *testing.T) {
	disk := memenv.NewDisk()
	if err := disk.MkdirAll("data"); err != nil {
		t.Fatal(err)
	}
	if err := env.WriteFileAtomic(disk, "data/"+checkpointFile, []byte("rubbish")); err != nil {
		t.Fatal(err)
	}
	m, err := NewManager(ManagerConfig{Disk: disk, Dirs: []LogDir{{Path: "data"}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
}

// A partition takes its high watermark with its mutex held, while the file may be being written: neither waits for what the
// other holds.
func TestALogOpensWhileTheCheckpointIsWritten(t *testing.T) {
	disk := memenv.NewDisk()
	m, err := NewManager(ManagerConfig{Disk: disk, Dirs: []LogDir{{Path: "data"}}})
	if err != nil {
		t.Fatal(err)
	}
	p := m.host(&metadata.Topic{Name: "t"}, 0)
	p.mu.Lock() // as when its log was opened just now
	done := make(chan error)
	go func() { done <- m.dirs[0].checkpoint.write(false) }()
	for m.dirs[0].checkpoint.writing.TryLock() { // until the writer has begun, and so waits for p sooner or later
		m.dirs[0].checkpoint.writing.Unlock()
		runtime.Gosched()
	}
	taken := make(chan struct{})
	go func() {
		m.dirs[0].checkpoint.take(partitionName{"t", 0})
		close(taken)
	}()
	select {
	case <-taken:
	case <-time.After(20 * time.Second):
		t.Error("the partition waits for the writer, and the writer for the partition")
	}
	p.mu.Unlock()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
}
