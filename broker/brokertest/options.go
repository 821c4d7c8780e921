package brokertest

import (
	"log/slog"
	"strings"

	"odradek/broker/config"
)

// Option is a choice that Start and New are given.
type Option func(*options)

type options struct {
	nodes      int
	inMemory   bool
	topics     []topic
	properties []config.Property
	logger     *slog.Logger
}

type topic struct {
	name       string
	partitions int
	configs    []string
}

// defaults are the settings in which a cluster for a test differs from Kafka's defaults: nobody waits for members or nodes
// that could come later, and a silent node is missed sooner.
var defaults = []string{
	"group.initial.rebalance.delay.ms=0",
	"offsets.topic.num.partitions=1",
	"broker.session.timeout.ms=2000",
	"broker.heartbeat.interval.ms=200",
}

// Nodes has n brokers form the cluster, numbered from 1; one is the default.
func Nodes(n int) Option { return func(o *options) { o.nodes = n } }

// InMemory has the brokers listen on a network inside the process, reached by Cluster.Dial, instead of on loopback.
func InMemory() Option { return func(o *options) { o.inMemory = true } }

// Topic creates a topic before Start returns. It is replicated to all nodes, at most three. configs are "key=value".
func Topic(name string, partitions int, configs ...string) Option {
	return func(o *options) { o.topics = append(o.topics, topic{name, partitions, configs}) }
}

// Set sets a broker's property on every node, by Kafka's own name: Set("auto.create.topics.enable", "false").
func Set(key, value string) Option {
	return func(o *options) {
		o.properties = append(o.properties, config.Property{Key: key, Value: value, Origin: "brokertest.Set"})
	}
}

// Logger has the brokers log; by default they are silent.
func Logger(logger *slog.Logger) Option { return func(o *options) { o.logger = logger } }

func newOptions(choices []Option) options {
	o := options{nodes: 1, logger: slog.New(slog.DiscardHandler)}
	for _, each := range defaults {
		key, value, _ := strings.Cut(each, "=")
		o.properties = append(o.properties, config.Property{Key: key, Value: value, Origin: "brokertest"})
	}
	for _, choose := range choices {
		choose(&o)
	}
	return o
}
