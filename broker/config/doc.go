// Package config knows every configuration key once, under Kafka's own name: its type, default, allowed values, scope,
// whether it can change while a node runs, and what it means. It reads Kafka's properties format, resolves a value through
// the layers Kafka has (topic, broker, cluster-wide default, properties file, built-in default), and hands the result out as
// typed structs: Node for a node, Topic for a topic.
//
// Three kinds of key are told apart, so that an operator's server.properties loads and nothing is silently ignored:
//   - keys that something here reads (brokerKeys, topicKeys without Inert);
//   - keys that Kafka has and that nothing here acts on yet: accepted, with a warning that names each (Inert keys, whose
//     values are still checked, and the names of inert.txt);
//   - all others: errors.
package config
