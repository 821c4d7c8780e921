// Package sim goes from a seed to a verdict: it draws a plan, builds the universe that the plan describes (brokers and clients
// as guests on a simulated kernel, package host), takes it through its faults, and holds what happened against what a
// broker promises.
//
// A run has the phases of its plan. Brokers and a guest that makes the topics start at once; producers and consumers when
// the topics are there. When the fault phase ends, everything is undone and every broker is up. When the heal phase ends,
// clients stop; a last guest then reads every partition from its beginning, and at the end replicas are compared byte for byte.
//
// # What is held
//
// The clients' history, by package linearizability. What brokers tell of the metadata, at any time:
//
//	two-leaders       a leader epoch has two leaders
//	metadata-differs  two brokers tell differently of one partition epoch
//	bad-line          a broker tells of what cannot be
//	broker-died       a broker's process ended, and no fault or stop explains it. That its disk failed it, or its
//	                  memory, is an explanation
//	wrong-disk        a broker that was given another's disk went on with it
//
// And, of plans that have a heal and a read phase, at the end of the run:
//
//	no-progress       topics were not made, clients or the final reader came to no end, or nothing that was sent to a topic in
//	                  the second half of the heal phase was acknowledged, or something never had an answer
//	group-stuck       a group had not committed what had been acknowledged two seconds before producers stopped
//	stop-hangs        a broker was asked to stop and never did
//	isr-not-full      a partition lacks a leader or a replica in its ISR
//	metadata-behind   a broker does not know what another told of three seconds before
//	replica-twice     a node has a replica in two of its log directories
//	move-not-ended    a log is still on its way from one log directory to another
//	replicas-differ   two replicas in the ISR are not the same bytes; of a compacted log, not the same newest values by key
//
// Of a program of somebody's own (package app), which lives in a universe in place of the plan's clients:
//
//	always            an assertion that is always to be true was false
//	eventually        one that is to come true after the faults did not
//	app-died          an instance ended with an error, or panicked
//
// Beside what is held there is what is wanted: brokers tell of rare states that they reach (Probes), and a campaign names those
// that none of its universes reached. A large one fails over one that is required.
//
// A universe in which nothing was acknowledged or nothing was read is unknown at best.
//
// # What is not
//
// The high watermark is judged by what clients see: a record that was read or acknowledged must stay. Whether a consumer is
// told of a lower end than one before is not: a poll's high watermark is not in the history, and only the final reader asks
// ListOffsets. Progress is asked of topics, not of each partition, and not of transactions. The
// metadata is known by what brokers tell of partitions; brokers' registrations, configurations and raft's own log are not
// compared.
package sim
