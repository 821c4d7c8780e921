package api

import (
	"context"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	"odradek/broker/api/vectors"
	"odradek/broker/commitlog"
	"odradek/broker/config"
	"odradek/broker/controller"
	"odradek/broker/env"
	"odradek/broker/env/memenv"
	"odradek/broker/metadata"
	"odradek/broker/record"
	"odradek/broker/replica"
	"odradek/broker/server"
)

// TestVectors replays what the reference was asked, against handlers over the real replicas and the real controller of a
// cluster of one in memory.
func TestVectors(t *testing.T) {
	dial := startNode(t)
	report, err := vectors.Run(t.Context(), dial, os.DirFS("testdata/vectors"))
	for _, difference := range report.Differences {
		t.Error(difference)
	}
	if err != nil {
		t.Fatal(err)
	}
	if report.Steps < 1000 {
		t.Errorf("only %d answers were compared", report.Steps)
	}
}

// startNode runs a node without its lifecycle: what package broker wires, in the least form that serves.
func startNode(t *testing.T) vectors.Dialer {
	world := env.Env{Net: memenv.NewNet(), Disk: memenv.NewDisk()}
	static, _, err := config.Load([]config.Property{{Key: "node.id", Value: "1"}, {Key: "min.insync.replicas", Value: "1"}})
	if err != nil {
		t.Fatal(err)
	}
	ready := make(chan struct{})
	c, err := controller.Open(controller.Config{
		NodeID: 1, Net: world.Net, Disk: world.Disk, Dir: "data", Listen: "node:9093", Host: "node", Port: 9092, Ready: ready,
		Static: static.Values(), Logger: nil,
	})
	if err != nil {
		t.Fatal(err)
	}
	replicas, err := replica.NewManager(replica.ManagerConfig{
		NodeID: 1, Disk: world.Disk, Dir: "data/logs", Net: world.Net, Controller: c,
		TopicSettings: func(img *metadata.Image, topic string) replica.TopicSettings { return settingsOf(static, img, topic) },
	})
	if err != nil {
		t.Fatal(err)
	}
	h := New(Config{NodeID: 1, Static: static, Controller: c, Replicas: ReplicasOf(replicas)})
	s, err := server.Open(server.Config{Net: world.Net, Address: "node:9092", ListenerName: "PLAINTEXT", Handler: h, Versions: Versions(), PanicIsFatal: true, PoisonFrames: true})
	if err != nil {
		t.Fatal(err)
	}
	alive, once := make(chan struct{}), sync.Once{}
	c.Subscribe(replicas.Apply)
	c.Subscribe(func(img *metadata.Image, _ *metadata.Delta) {
		if img.Alive(1) {
			once.Do(func() { close(alive) })
		}
	})
	c.Start()
	s.Start()
	close(ready)
	t.Cleanup(func() {
		s.Close()
		h.Close()
		c.Close(false)
		replicas.Close()
	})
	select {
	case <-alive:
	case <-time.After(10 * time.Second):
		t.Fatal("the node is not unfenced")
	}
	return func(ctx context.Context) (net.Conn, error) { return world.Net.Dial(ctx, "node:9092") }
}

func settingsOf(static *config.Static, img *metadata.Image, topic string) replica.TopicSettings {
	layers := static.Layers(img.Configs[metadata.ConfigResource{Type: metadata.ResourceBroker}], nil)
	t := layers.Topic(img.Configs[metadata.ConfigResource{Type: metadata.ResourceTopic, Name: topic}])
	log := commitlog.DefaultConfig()
	log.SegmentBytes, log.SegmentMs = int64(t.SegmentBytes), t.SegmentMs
	log.MaxMessageBytes = int64(t.MessageBytesMax)
	log.MessageTimestampType = record.CreateTime
	return replica.TopicSettings{Log: log, MinInsyncReplicas: int(t.MinInsyncReplicas)}
}
