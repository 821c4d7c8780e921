//go:build wasip1

package main

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"os"
	"runtime/debug"
	"slices"
	"time"

	"odradek/broker"
	"odradek/broker/config"
	"odradek/broker/env"
	"odradek/broker/env/buggify"
	"odradek/broker/env/sometimes"
	"odradek/broker/metadata"
	"odradek/sim/guest"
)

func dialer(world env.Env) func(ctx context.Context, network, address string) (net.Conn, error) {
	return func(ctx context.Context, _, address string) (net.Conn, error) { return world.Net.Dial(ctx, address) }
}

// serve runs a broker until the end of standard input, which is how a universe says SIGTERM.
func serve(task guest.Task, world env.Env) error {
	var settings []config.Property
	for key, value := range task.Settings {
		settings = append(settings, config.Property{Key: key, Value: value, Origin: "task"})
	}
	slices.SortFunc(settings, func(a, b config.Property) int {
		if a.Key < b.Key {
			return -1
		}
		return 1
	})
	static, _, err := config.Load(settings)
	if err != nil {
		return err
	}
	logger := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{ReplaceAttr: withoutTime}))
	if chosen := task.Cluster.Buggify; chosen != nil {
		var points []buggify.Point
		for _, point := range chosen.Points {
			points = append(points, buggify.Point(point))
		}
		buggify.Start(points, chosen.Share, task.Seed, func(p buggify.Point) {
			tell(guest.Line{Event: guest.EventBuggify, Point: string(p), Leader: -1})
		})
	}
	sometimes.Start(func(p sometimes.Probe) { tell(guest.Line{Event: guest.EventProbe, Point: string(p), Leader: -1}) })
	b, err := broker.Start(broker.Options{Env: world, Static: static, Logger: logger, PanicIsFatal: true})
	if err != nil {
		return err
	}
	tell(guest.Line{Event: guest.EventServing})
	b.Controller().Subscribe(teller(b))
	untilAsked(os.Stdin)
	time.AfterFunc(stopMax, func() {
		debug.SetTraceback("all")
		panic("the broker does not stop")
	})
	ctx, cancel := context.WithTimeout(context.Background(), handOverMax)
	defer cancel()
	return b.Shutdown(ctx)
}

// A broker gives its leaderships away for handOverMax at the most, as `odradek serve` does; one that has not stopped after
// stopMax hangs, and shows where.
const (
	handOverMax = 10 * time.Second
	stopMax     = 20 * time.Second
)

// untilAsked waits for the end of stdin, by which a node is asked to stop. What comes before it is guest.FaultsOver.
func untilAsked(stdin io.Reader) {
	word := make([]byte, len(guest.FaultsOver))
	for {
		if _, err := io.ReadFull(stdin, word); err != nil {
			return
		}
		buggify.Stop()
	}
}

// withoutTime leaves the time to the host, which knows the universe's.
func withoutTime(groups []string, a slog.Attr) slog.Attr {
	if len(groups) == 0 && a.Key == slog.TimeKey {
		return slog.Attr{}
	}
	return a
}

// teller tells the host of each partition that changes and of each new controller.
func teller(b *broker.Broker) func(*metadata.Image, *metadata.Delta) {
	controller := int32(-1)
	return func(img *metadata.Image, d *metadata.Delta) {
		if now, ok := b.Controller().Leader(); ok && now != controller {
			controller = now
			tell(guest.Line{Event: guest.EventController, Leader: now})
		}
		for _, changed := range d.Topics {
			topic := img.TopicsByID[changed.ID]
			for _, index := range changed.Partitions {
				p := topic.Partition(index)
				tell(guest.Line{
					Event: guest.EventPartition, Topic: topic.Name, Partition: index, Leader: p.Leader, LeaderEpoch: p.LeaderEpoch,
					PartitionEpoch: p.PartitionEpoch, Replicas: p.Replicas, ISR: p.ISR,
				})
			}
		}
	}
}

func tell(line guest.Line) {
	text, err := json.Marshal(line)
	if err != nil {
		panic(err)
	}
	os.Stdout.Write(append(text, '\n'))
}
