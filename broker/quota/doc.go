// Package quota decides who has to wait: it keeps the rates at which clients produce, fetch, take processor time, change topics and
// connect, and at which replicas are copied, holds them against the limits in the metadata, and says for how long a client is to be left unheard. It does no I/O
// and reads no clock; every call brings the time.
//
// The arithmetic is Kafka's. A rate is counted in windows (quota.window.num of quota.window.size.seconds): what came in them, by
// the time since the oldest began, which counts as at least all but one. Who was over a limit B with a rate O waits (O-B)/B times
// that time, after which the average is B. Changes of topics spend from a bucket of tokens instead, since they come in bursts
// (KIP-599).
//
// Whose limit applies is said by the first of these that is set, and who shares it by what it names:
//
//	user and client id          user and any client id      user
//	any user and client id      any user and any client id  any user
//	client id                   any client id
//
// A limit is each node's own, as in Kafka: a client of three nodes has it three times.
package quota
