// Package sim goes from a seed to a verdict: it draws a plan, builds the universe that the plan describes (brokers and clients
// as guests on a simulated kernel, package host), takes it through its faults, and holds what happened against what a
// broker promises.
//
// A run has the phases of its plan. Brokers and a guest that makes the topics start at once; producers and consumers when
// the topics are there. When the fault phase ends, everything is undone and every broker is up. When the heal phase ends,
// clients stop; a last guest then reads every partition from its beginning, and at the end replicas are compared byte for byte.
package sim
