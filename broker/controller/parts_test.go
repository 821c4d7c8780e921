package controller

import (
	"bytes"
	"context"
	"errors"
	"net"
	"reflect"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/hashicorp/raft"
	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/env/memenv"
	"odradek/broker/metadata"
)

func TestNextStep(t *testing.T) {
	d := func(n byte) metadata.UUID { return metadata.UUID{n} }
	voter := func(n byte, address string) raft.Server {
		return raft.Server{Suffrage: raft.Voter, ID: serverID(d(n)), Address: raft.ServerAddress(address)}
	}
	observer := func(n byte, address string) raft.Server {
		return raft.Server{Suffrage: raft.Nonvoter, ID: serverID(d(n)), Address: raft.ServerAddress(address)}
	}
	broker := func(id int32, directory byte, address string, fenced bool) *metadata.Broker {
		return &metadata.Broker{ID: id, DirectoryID: d(directory), ControllerAddress: address, Fenced: fenced}
	}
	controllers := map[int32]string{1: "a:1", 2: "b:1"}
	step := func(what string, n byte, address string) *memberStep {
		return &memberStep{what, serverID(d(n)), raft.ServerAddress(address)}
	}
	for name, c := range map[string]struct {
		servers []raft.Server
		brokers []*metadata.Broker
		want    *memberStep
	}{
		"all there":                  {[]raft.Server{voter(1, "a:1"), voter(2, "b:1")}, []*metadata.Broker{broker(1, 1, "a:1", false), broker(2, 2, "b:1", true)}, nil},
		"a voter not registered yet": {[]raft.Server{voter(1, "a:1"), voter(2, "b:1")}, []*metadata.Broker{broker(1, 1, "a:1", false)}, nil},
		"a new node":                 {[]raft.Server{voter(1, "a:1")}, []*metadata.Broker{broker(1, 1, "a:1", false), broker(3, 3, "c:1", true)}, step(addNonvoter, 3, "c:1")},
		"a new node stays voteless":  {[]raft.Server{voter(1, "a:1"), observer(3, "c:1")}, []*metadata.Broker{broker(1, 1, "a:1", false), broker(3, 3, "c:1", false)}, nil},
		"a lost disk":                {[]raft.Server{voter(1, "a:1"), voter(2, "b:1")}, []*metadata.Broker{broker(1, 1, "a:1", false), broker(2, 9, "b:1", true)}, step(removeMember, 2, "b:1")},
		"then its node":              {[]raft.Server{voter(1, "a:1")}, []*metadata.Broker{broker(1, 1, "a:1", false), broker(2, 9, "b:1", true)}, step(addNonvoter, 9, "b:1")},
		"not before it caught up":    {[]raft.Server{voter(1, "a:1"), observer(9, "b:1")}, []*metadata.Broker{broker(1, 1, "a:1", false), broker(2, 9, "b:1", true)}, nil},
		"then its vote":              {[]raft.Server{voter(1, "a:1"), observer(9, "b:1")}, []*metadata.Broker{broker(1, 1, "a:1", false), broker(2, 9, "b:1", false)}, step(addVoter, 9, "b:1")},
		"a lost disk and address":    {[]raft.Server{voter(1, "a:1"), voter(2, "b:1")}, []*metadata.Broker{broker(1, 1, "a:1", false), broker(2, 9, "z:1", true)}, step(removeMember, 2, "b:1")},
		"another address":            {[]raft.Server{voter(1, "a:1"), voter(2, "b:1")}, []*metadata.Broker{broker(1, 1, "a:1", false), broker(2, 2, "z:1", true)}, step(addVoter, 2, "z:1")},
		"an observer elsewhere":      {[]raft.Server{voter(1, "a:1"), observer(3, "c:1")}, []*metadata.Broker{broker(1, 1, "a:1", false), broker(3, 3, "z:1", true)}, step(addNonvoter, 3, "z:1")},
		"unregistered":               {[]raft.Server{voter(1, "a:1"), observer(3, "c:1")}, []*metadata.Broker{broker(1, 1, "a:1", false)}, step(removeMember, 3, "c:1")},
	} {
		image := metadata.NewImage()
		for _, b := range c.brokers {
			image.Brokers[b.ID] = b
		}
		if got := nextStep(c.servers, image, controllers); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}

func TestSessions(t *testing.T) {
	start := time.Unix(1000, 0)
	at := func(s int) time.Time { return start.Add(time.Duration(s) * time.Second) }
	image := metadata.NewImage()
	image.Brokers[1] = &metadata.Broker{ID: 1, Epoch: 5}
	image.Brokers[2] = &metadata.Broker{ID: 2, Epoch: 6}
	image.Brokers[3] = &metadata.Broker{ID: 3, Epoch: 7, Fenced: true}
	s := newSessions(9*time.Second, image, at(0))
	conn := &serverConn{}
	s.touch(1, 5, 0, 0, conn, at(4))
	if ended, next := s.expired(image, at(8)); len(ended) != 0 || !next.Equal(at(9)) {
		t.Errorf("%v %v", ended, next)
	}
	if ended, next := s.expired(image, at(9)); !reflect.DeepEqual(ended, []int32{2}) || !next.Equal(at(13)) {
		t.Errorf("%v %v", ended, next)
	}
	if nodes := s.carriedBy(conn); !reflect.DeepEqual(nodes, []int32{1}) {
		t.Error(nodes)
	}
	// Registered anew: a session of its own.
	image.Brokers[2] = &metadata.Broker{ID: 2, Epoch: 60}
	if ended, _ := s.expired(image, at(10)); len(ended) != 0 {
		t.Error(ended)
	}
}

func TestIdentity(t *testing.T) {
	disk := memenv.NewDisk()
	id, err := openIdentity(disk, ".", 1, "")
	if err != nil {
		t.Fatal(err)
	}
	if err := id.join("cluster"); err != nil {
		t.Fatal(err)
	}
	again, err := openIdentity(disk.PowerLoss(memenv.Loss{}), ".", 1, "cluster")
	if err != nil || again.directoryID != id.directoryID || again.cluster() != "cluster" {
		t.Fatalf("%+v %v", again, err)
	}
	disk = again.disk.(*memenv.Disk)
	if _, err := openIdentity(disk, ".", 2, ""); !errors.Is(err, ErrWrongDisk) {
		t.Errorf("another node's disk: %v", err)
	}
	if _, err := openIdentity(disk, ".", 1, "other"); !errors.Is(err, ErrWrongDisk) {
		t.Errorf("another cluster's disk: %v", err)
	}
	if err := again.join("other"); !errors.Is(err, ErrWrongDisk) {
		t.Errorf("joined another cluster: %v", err)
	}
	if _, err := Open(Config{NodeID: 1, Disk: disk, Net: memenv.NewNet(), Dir: ".", Listen: "h:1"}); !errors.Is(err, ErrWrongDisk) {
		t.Errorf("a disk that names a cluster but lost the quorum's log: %v", err)
	}
}

// A node that comes back without one of its data directories may lack records, however well it stopped. What it knew of itself is
// good again when the directory is, unless it was registered without.
func TestBrokerStateWithoutADirectory(t *testing.T) {
	both, more, other := []metadata.UUID{{1}, {2}}, []metadata.UUID{{1}, {2}, {9}}, []metadata.UUID{{1}, {3}}
	stop := func(t *testing.T, s *brokerState) {
		if err := s.stoppedCleanly(); err != nil {
			t.Fatal(err)
		}
	}
	kill := func(*testing.T, *brokerState) {}
	register := func(t *testing.T, s *brokerState) {
		if err := s.registered(8); err != nil {
			t.Fatal(err)
		}
	}
	type life struct {
		has   []metadata.UUID
		epoch int64 // that it claims
		ends  func(*testing.T, *brokerState)
		dark  bool // then the power is lost
	}
	for name, lives := range map[string][]life{
		"all are there":               {{both, -1, register, false}, {both, 8, kill, false}},
		"one more":                    {{both, -1, register, false}, {more, 8, kill, false}},
		"another":                     {{both, -1, register, false}, {other, -1, kill, false}},
		"one less":                    {{both, -1, register, false}, {both[:1], -1, kill, false}},
		"back again":                  {{both, -1, register, false}, {both[:1], -1, kill, false}, {both, 8, kill, false}},
		"back after a clean stop":     {{both, -1, register, false}, {both[:1], -1, stop, false}, {both, 8, kill, false}},
		"back in the dark":            {{both, -1, register, false}, {both[:1], -1, kill, true}, {both, -1, kill, false}},
		"back, the stop was not all":  {{both, -1, register, false}, {both[:1], -1, stop, true}, {both, -1, kill, false}},
		"back, both stops were clean": {{both, -1, register, false}, {both, 8, stop, false}, {both[:1], -1, stop, true}, {both, 8, kill, false}},
		"registered without":          {{both, -1, register, false}, {both[:1], -1, register, false}, {both[:1], 8, kill, false}, {both, 8, kill, false}},
	} {
		t.Run(name, func(t *testing.T) {
			disk := memenv.NewDisk()
			for i, l := range lives {
				s, err := openBrokerState(disk, ".", uuid.New(), l.has)
				if err != nil {
					t.Fatal(err)
				}
				if epoch, _ := s.claims(); epoch != l.epoch {
					t.Fatalf("life %d claims epoch %d, want %d", i, epoch, l.epoch)
				}
				if l.ends(t, s); l.dark {
					disk = disk.PowerLoss(memenv.Loss{})
				} else {
					disk = disk.Kill()
				}
			}
		})
	}
}

func TestBrokerState(t *testing.T) {
	open := func(disk *memenv.Disk) *brokerState {
		s, err := openBrokerState(disk, ".", uuid.New(), nil)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	for name, c := range map[string]struct {
		stop  func(*memenv.Disk, *brokerState) *memenv.Disk
		epoch int64
		known int
	}{
		"killed":     {func(d *memenv.Disk, _ *brokerState) *memenv.Disk { return d.Kill() }, 7, 2},
		"power lost": {func(d *memenv.Disk, _ *brokerState) *memenv.Disk { return d.PowerLoss(memenv.Loss{}) }, -1, 1},
		"closed, power lost": {func(d *memenv.Disk, s *brokerState) *memenv.Disk {
			s.stoppedCleanly()
			return d.PowerLoss(memenv.Loss{})
		}, 7, 2},
		"killed twice": {func(d *memenv.Disk, _ *brokerState) *memenv.Disk {
			d = d.Kill()
			open(d)
			return d.Kill()
		}, 7, 3},
		"closed, then power lost while starting": {func(d *memenv.Disk, s *brokerState) *memenv.Disk {
			s.stoppedCleanly()
			d = d.Kill()
			open(d)
			return d.PowerLoss(memenv.Loss{})
		}, -1, 1},
	} {
		disk := memenv.NewDisk()
		s := open(disk)
		if err := s.registered(7); err != nil {
			t.Fatal(err)
		}
		next := open(c.stop(disk, s))
		if next.BrokerEpoch != c.epoch || len(next.Incarnations) != c.known || next.Clean {
			t.Errorf("%s: %+v, want epoch %d and %d incarnations", name, next, c.epoch, c.known)
		}
	}
}

// TestConnectionsNameTheirMember: raft's connection for another directory at this address is refused.
func TestConnectionsNameTheirMember(t *testing.T) {
	c := newCluster(t)
	n := c.start(1, nil)
	c.waitAlive(5 * time.Second)
	for _, id := range []metadata.UUID{n.DirectoryID(), uuid.New()} {
		conn, err := n.listener.Dial(memberAddress(serverID(id), raft.ServerAddress(address(1))), time.Second)
		if err != nil {
			t.Fatal(err)
		}
		conn.SetReadDeadline(time.Now().Add(30 * time.Millisecond))
		_, err = conn.Read(make([]byte, 1))
		var timeout net.Error
		if served := errors.As(err, &timeout) && timeout.Timeout(); served != (id == n.DirectoryID()) {
			t.Errorf("served %v for %s of %s: %v", served, id, n.DirectoryID(), err)
		}
		conn.Close()
	}
}

func TestMalformedFramesEndTheConnectionOnly(t *testing.T) {
	c := newCluster(t)
	n := c.start(1, nil)
	c.waitAlive(5 * time.Second)
	for name, b := range map[string][]byte{
		"unknown stream":  {'X', 1, 2, 3},
		"huge frame":      {streamRequests, 0xff, 0xff, 0xff, 0xff},
		"short request":   {streamRequests, 0, 0, 0, 1, 9},
		"bad body":        append([]byte{streamRequests}, (&requestFrame{key: int16(kmsg.CreateTopics), version: 7, body: []byte{0xff, 0xff}}).append(nil)...),
		"half a preamble": {streamRaft, 1, 2},
	} {
		conn, err := c.net.Dial(context.Background(), address(1))
		if err != nil {
			t.Fatal(err)
		}
		conn.Write(b)
		if name == "half a preamble" {
			conn.Close()
			continue
		}
		conn.SetReadDeadline(time.Now().Add(5 * time.Second))
		if _, err := conn.Read(make([]byte, 1)); err == nil {
			t.Errorf("%s: answered", name)
		} else if timeout, ok := err.(net.Error); ok && timeout.Timeout() {
			t.Errorf("%s: kept open", name)
		}
		conn.Close()
	}
	p, err := dialPeer(context.Background(), c.net, address(1), nil)
	if err != nil {
		t.Fatal(err)
	}
	if f, err := p.call(context.Background(), int16(kmsg.Produce), 3, nil); err != nil || f.status != statusUnsupported {
		t.Errorf("a request that is not the controller's: %+v %v", f, err)
	}
	createTopic(t, n, "still-there", 1, 1)
}

// TestSnapshotCarriesAJoiner: a node that joins after the log was compacted gets the image as a snapshot, and a restart starts
// from it.
func TestSnapshotCarriesAJoiner(t *testing.T) {
	c := newCluster(t, 1)
	n := c.start(1, nil)
	c.waitAlive(5 * time.Second)
	for _, name := range []string{"a", "b", "c"} {
		createTopic(t, n, name, 2, 1)
	}
	if err := n.raft.ReloadConfig(raft.ReloadableConfig{
		TrailingLogs: 0, SnapshotInterval: time.Hour, SnapshotThreshold: 1, HeartbeatTimeout: n.cfg.ElectionTimeout, ElectionTimeout: n.cfg.ElectionTimeout,
	}); err != nil {
		t.Fatal(err)
	}
	if err := n.raft.Snapshot().Error(); err != nil {
		t.Fatal(err)
	}
	var deltas []*metadata.Delta
	joiner := c.start(2, nil)
	joiner.Subscribe(func(_ *metadata.Image, d *metadata.Delta) { deltas = append(deltas, d) })
	c.waitAlive(10 * time.Second)
	c.sameImages()
	if len(joiner.Image().Topics) != 3 {
		t.Errorf("%v", joiner.Image().Topics)
	}
	c.start(1, c.kill(1))
	c.waitAlive(10 * time.Second)
	c.sameImages()
}

func TestSubscribersSeeEachImageOnce(t *testing.T) {
	c := newCluster(t)
	n := c.start(1, nil)
	c.waitAlive(5 * time.Second)
	type seen struct {
		version uint64
		full    bool
	}
	got := make(chan seen, 100)
	n.Subscribe(func(i *metadata.Image, d *metadata.Delta) {
		if d.Version != i.Version {
			t.Errorf("delta to %d with image %d", d.Version, i.Version)
		}
		got <- seen{i.Version, d.Full}
	})
	first := <-got
	if !first.full {
		t.Errorf("%+v", first)
	}
	createTopic(t, n, "a", 1, 1)
	createTopic(t, n, "b", 1, 1)
	for i := range uint64(2) {
		if next := <-got; next != (seen{first.version + i + 1, false}) {
			t.Errorf("%+v after %+v", next, first)
		}
	}
}

func TestRequestEndsWithItsContext(t *testing.T) {
	c := newCluster(t, 1, 2, 3)
	n := c.start(1, nil) // alone of three: no cluster can form
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if _, err := n.Request(ctx, kmsg.NewPtrCreateTopicsRequest()); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
	if _, err := n.Request(context.Background(), kmsg.NewPtrFetchRequest()); err == nil {
		t.Error("a fetch was taken for a controller's request")
	}
}

func FuzzFrames(f *testing.F) {
	f.Add((&requestFrame{key: int16(kmsg.BrokerHeartbeat), version: 1, body: kmsg.NewPtrBrokerHeartbeatRequest().AppendTo(nil)}).append(nil)[4:])
	f.Add((&responseFrame{leader: "a:1", body: []byte("x")}).append(nil)[4:])
	f.Add((&hello{clusterID: "c"}).append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		if r, err := parseRequest(b); err == nil {
			if !bytes.Equal(r.append(nil)[4:], b) {
				t.Fatal("request")
			}
			decodeRequest(r)
		}
		if r, err := parseResponse(b); err == nil && !bytes.Equal(r.append(nil)[4:], b) {
			t.Fatal("response")
		}
		parseHello(b)
	})
}
