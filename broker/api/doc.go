// Package api answers Kafka's requests: one file an API key, numbered, each opening with its versions. A handler authorises,
// calls what does the work (replica, controller, config), and translates the outcome to Kafka's fields and error codes; rules
// of replication, storage and the cluster live below it.
//
// Handlers run on their connection's reader goroutine, so a connection's requests are begun in order. Produce returns
// before its records are replicated and replies later: produces of a connection are pipelined. Fetch blocks while it
// waits for data, and what asks the controller blocks until the controller has decided: this is the connection's own time.
//
// What the reference answers to each request in each version is recorded in testdata/vectors (package vectors).
package api
