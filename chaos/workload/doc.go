// Package workload holds the clients of a run: producers, consumers, copiers and the final reader of a [chaos.Plan], on franz-go, as any
// user would write them. They run as guests of the simulator and against real clusters alike, and tell what they do as
// events of a history.
//
// A record's value is unique in the run: the producer's name, a dash and a number, followed by a space and padding. The
// history holds the part before the space. A tombstone, which has no value, has that in a header.
package workload
