// Package chaos describes what a universe is put through, as data: a [Plan] says which cluster, which clients and for how
// long, and its [Schedule] is the list of timed faults. A plan is drawn from a seed by [Draw] or read from a file by
// [ReadPlan]. The package knows neither the simulator nor the broker; whoever can act out faults implements [Target], and
// a [Runner] drives it, by virtual or by real time alike.
//
// # A plan as a file
//
// JSON, version 1, with every unknown field, kind and nonsense value refused by an error that says what is allowed:
//
//	{
//	  "odradek_plan": 1,
//	  "seed": 7,
//	  "phases": {"calm": "5s", "faults": "35s", "heal": "10s", "read": "10s"},
//	  "cluster": {
//	    "nodes": 3,
//	    "config": {"broker.session.timeout.ms": "3000"},
//	    "topics": [{"name": "t0", "partitions": 2, "replication_factor": 3, "config": {"min.insync.replicas": "2"}}]
//	  },
//	  "producers": [{"topics": ["t0"], "acks": "all", "idempotent": true, "linger": "5ms", "batch_bytes": 16384,
//	                 "records_per_second": 20, "value_bytes": 100, "keys": 0, "max_in_flight": 5}],
//	  "consumers": [{"topics": ["t0"], "max_bytes": 65536, "max_wait": "500ms"}],
//	  "schedule": [
//	    {"at": "7.5s", "for": "3s", "kind": "isolate", "target": "leader/t0/1", "params": {"clients": true}},
//	    {"at": "12s", "for": "2s", "kind": "crash", "target": "node/2"},
//	    {"at": "14s", "kind": "reset", "target": "all"},
//	    {"at": "39s", "stays": true, "kind": "crash", "target": "node/3"}
//	  ],
//	  "reassignments": [{"at": "9s", "topic": "t0", "partition": 1, "replicas": [3, 1]}, {"at": "10s", "topic": "t0", "partition": 1}]
//	}
//
// Durations are written as Go writes them ("1.5s", "20ms"). Nodes are numbered from 1, as node.id is. Keys under "config"
// are Kafka's own and are handed to the broker as they are; this package reads only those that decide what a run promises.
//
// # Phases
//
// In the calm phase the cluster forms, topics are made and clients start; in the fault phase the schedule acts; at its end
// every fault is undone but what stays (core.go). In the heal phase producers still write and the cluster must come back whole. In the read phase
// producers have stopped, and a final reader goes through each partition from its beginning to its end.
//
// # What a schedule may do
//
// Any subset of a valid schedule's faults is a valid schedule, so a shrinking search needs to know nothing else. Durability
// has limits, though: a schedule that destroys every copy of a record proves nothing against the broker. The rules are in
// durability.go ("The atlas"): [Draw] stays within them, and [Plan.Promises] tells the checkers what a hand-written plan
// that goes beyond them may lose.
package chaos
