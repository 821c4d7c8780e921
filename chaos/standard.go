package chaos

import "time"

// Standard is the plan by which the simulator's speed is measured: three brokers, a topic of three replicas, and four clients that make
// operationsPerSecond together, in the faults that Draw draws for the seed. What drawn plans vary has here a value from the middle.
func Standard(seed uint64, total time.Duration) Plan {
	p := Plan{Version: PlanVersion, Seed: seed, Phases: phasesOf(max(total, RunMin))}
	topic := Topic{Name: "t0", Partitions: 3, ReplicationFactor: 3, Config: map[string]string{"min.insync.replicas": "2"}}
	p.Cluster = Cluster{Nodes: 3, Topics: []Topic{topic}, Config: map[string]string{
		"broker.session.timeout.ms":      "4000",
		"broker.heartbeat.interval.ms":   "1000",
		"replica.lag.time.max.ms":        "4000",
		"replica.fetch.wait.max.ms":      "300",
		"replica.fetch.backoff.ms":       "250",
		"auto.create.topics.enable":      "false",
		"unclean.leader.election.enable": "false",
	}}
	topics := []string{topic.Name}
	for range 2 {
		p.Producers = append(p.Producers, Producer{
			Topics: topics, Acks: "all", Idempotent: true, Linger: millis(5), BatchBytes: 1 << 14,
			RecordsPerSecond: operationsPerSecond * 0.8 / 2, ValueBytes: 200, MaxInFlight: 5,
		})
		p.Consumers = append(p.Consumers, Consumer{Topics: topics, MaxBytes: 1 << 20, MaxWait: millis(500)})
	}
	p.Schedule = drawSchedule(Stream(seed, "faults"), &p)
	return p
}
