// Package brokertest starts real brokers inside a test, in one line:
//
//	c := brokertest.Start(t, brokertest.Topic("orders", 3))
//	client, err := kgo.NewClient(kgo.SeedBrokers(c.Bootstrap()...))
//
// They are the production broker, whole: its protocol, logs, replication, quorum and coordinators. Only what lies under
// it differs: files are kept in memory, and the cluster ends with the test. Any client, in any language, reaches it on a free
// port of the loopback interface. With InMemory nothing leaves the process: clients dial through Cluster.Dial, and a test
// that runs in a bubble of testing/synctest has timeouts, sessions and back-offs pass in no time.
//
// Faults come on demand: a Node is killed, loses its power, is cut off, is slow or has a bad disk; a Fault delays, refuses or
// loses requests by their API key.
//
// The package stands below broker as net/http/httptest does below net/http: it needs nothing but the broker's own options,
// and no broker imports it.
package brokertest
