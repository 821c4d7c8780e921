package replica

import (
	"errors"
	"maps"
	"testing"

	"odradek/broker/env"
	"odradek/broker/env/memenv"
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
	m, err := NewManager(ManagerConfig{Disk: disk, Dir: "data"})
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
}
