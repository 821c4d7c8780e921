package controller

import (
	"errors"
	"os"
	"reflect"
	"strings"
	"testing"

	"odradek/broker/env"
	"odradek/broker/env/memenv"
	"odradek/broker/metadata"
)

// golden holds a file of a disk against testdata/file, whose text it returns. With REWRITE set it is written anew.
func golden(t *testing.T, disk env.Disk, name, file string) string {
	t.Helper()
	got, err := env.ReadFile(disk, name, identityBytesMax)
	if err != nil {
		t.Fatal(err)
	}
	if os.Getenv("REWRITE") != "" {
		if err := os.WriteFile("testdata/"+file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Errorf("%s is\n%s\nwant\n%s", name, got, want)
	}
	return string(want)
}

func holding(t *testing.T, name, content string) *memenv.Disk {
	t.Helper()
	disk := memenv.NewDisk()
	if err := env.WriteFileAtomic(disk, name, []byte(content)); err != nil {
		t.Fatal(err)
	}
	return disk
}

var directory = metadata.UUID{1, 2, 3, 15: 255}

func TestMetaPropertiesGolden(t *testing.T) {
	disk := memenv.NewDisk()
	id := &identity{disk: disk, name: metaPropertiesName, nodeID: 7, directoryID: directory}
	if err := id.join("cluster"); err != nil {
		t.Fatal(err)
	}
	text := golden(t, disk, metaPropertiesName, "meta.properties_v1")
	back, err := openIdentity(holding(t, metaPropertiesName, text), ".", 7, "cluster")
	if err != nil || back.nodeID != 7 || back.clusterID != "cluster" || back.directoryID != directory {
		t.Errorf("%+v, %v", back, err)
	}
	for what, bad := range map[string]string{
		"another version": strings.Replace(text, "version=1", "version=2", 1), "no version": strings.Replace(text, "version=1", "", 1),
		"no node": strings.Replace(text, "node.id=7", "", 1), "no directory": strings.Replace(text, "directory.id=", "directory.id=x", 1), "empty": "",
	} {
		if _, err := openIdentity(holding(t, metaPropertiesName, bad), ".", 7, ""); !errors.Is(err, ErrWrongDisk) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// A data directory of another version is left as it is: what else is in it may be of another format.
func TestNothingIsOpenedOfAnotherVersion(t *testing.T) {
	disk := holding(t, metaPropertiesName, "version=2\nnode.id=1\n")
	if _, err := Open(Config{NodeID: 1, Disk: disk, Net: memenv.NewNet(), Dir: ".", Listen: "h:1"}); !errors.Is(err, ErrWrongDisk) || !strings.Contains(err.Error(), `version "2"`) {
		t.Errorf("%v", err)
	}
	if names, err := disk.List("."); err != nil || len(names) != 1 {
		t.Errorf("left %v, %v", names, err)
	}
}

func TestBrokerStateGolden(t *testing.T) {
	disk := memenv.NewDisk()
	s, err := openBrokerState(disk, ".", metadata.UUID{9}, []metadata.UUID{directory})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.registered(12), s.stoppedCleanly()); err != nil {
		t.Fatal(err)
	}
	text := golden(t, disk, brokerStateName, "broker.state_v1")
	back, err := openBrokerState(holding(t, brokerStateName, text), ".", metadata.UUID{10}, []metadata.UUID{directory})
	if err != nil || !back.intact || back.BrokerEpoch != 12 || !reflect.DeepEqual(back.Incarnations, []metadata.UUID{{9}, {10}}) {
		t.Errorf("%+v, %v", back, err)
	}
	// Another version's says nothing: the node is taken for one that may have lost something.
	other := strings.Replace(text, `"version":1`, `"version":2`, 1)
	back, err = openBrokerState(holding(t, brokerStateName, other), ".", metadata.UUID{10}, []metadata.UUID{directory})
	if err != nil || back.intact || back.BrokerEpoch != -1 {
		t.Errorf("of another version: %+v, %v", back, err)
	}
}

func FuzzMetaProperties(f *testing.F) {
	f.Add("version=1\nnode.id=7\ndirectory.id=01020300-0000-0000-0000-0000000000ff\ncluster.id=cluster\n")
	f.Fuzz(func(t *testing.T, text string) {
		id := &identity{name: metaPropertiesName}
		if id.parse(text) != nil {
			return
		}
		disk := memenv.NewDisk()
		id.disk = disk
		if err := id.save(); err != nil {
			t.Fatal(err)
		}
		back, err := openIdentity(disk, ".", id.nodeID, id.clusterID)
		if err != nil || back.clusterID != id.clusterID || back.directoryID != id.directoryID {
			t.Errorf("%+v comes back as %+v, %v", id, back, err)
		}
	})
}

func FuzzBrokerState(f *testing.F) {
	f.Add([]byte(`{"version":1,"broker_epoch":12,"incarnations":["09000000-0000-0000-0000-000000000000"],"boot_id":"","clean":true,"directories":null}`))
	f.Fuzz(func(t *testing.T, content []byte) {
		s, err := openBrokerState(holding(t, brokerStateName, string(content)), ".", metadata.UUID{10}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if n := len(s.Incarnations); n == 0 || s.Incarnations[n-1] != (metadata.UUID{10}) || s.Version != 1 {
			t.Errorf("%+v", s)
		}
	})
}
