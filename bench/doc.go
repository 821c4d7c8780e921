// Package bench drives a cluster over its protocol and measures what comes of it: rates, latencies, and what the brokers'
// processes used. It knows nothing of whose brokers they are, so that two can be measured by the same client.
//
// A Workload says what is written and read. It has two kinds of client: "records", franz-go's producer and consumer as an
// application uses them, and "batches", which sends batches that were made before and looks into few of those it gets, so that
// the client costs little and it is the broker that is measured. Broker and client share a machine: what a part of a run says
// of the CPU (Part) tells which of them was the limit.
package bench
