// Package vectors holds a broker against the reference: scripts of requests, in every version served, whose answers were
// recorded from Apache Kafka, and a comparison of another broker's answers with the recorded ones, field by field.
//
// A script is code, because later requests need what earlier answers brought (topic ids, producer ids, fetch sessions). A
// recording is a JSON file a script, a list of steps with the request and the response as trees of fields. What is bound to
// differ from one cluster to another is replaced by a symbol before it is written or compared (a topic's id by "id of
// <name>"), or is a named exception with its reason in exceptions.go. Nothing else may differ.
//
// What nobody thought of is drawn: sequences of moves (sequence.go) are sent to the reference and to ours at a time, and the shortest that is
// answered differently is kept beside the scripts' recordings (make differential).
//
// The package speaks to a broker only over a connection that it is given, and imports nothing of the broker.
package vectors
