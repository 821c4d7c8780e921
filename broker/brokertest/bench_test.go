package brokertest_test

import (
	"testing"

	"odradek/broker/brokertest"
)

// BenchmarkStart is the time from nothing to brokers that lead, and to their end.
func BenchmarkStart(b *testing.B) {
	for name, options := range map[string][]brokertest.Option{
		"loopback":    nil,
		"topic":       {brokertest.Topic("t", 3)},
		"memory":      {brokertest.InMemory()},
		"three-nodes": {brokertest.Nodes(3)},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				c, err := brokertest.New(options...)
				if err != nil {
					b.Fatal(err)
				}
				b.StopTimer()
				if err := c.Close(); err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
			}
		})
	}
}
