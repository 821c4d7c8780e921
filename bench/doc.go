// Package bench drives a broker over its protocol and measures what comes of it: rates, latencies, and what the broker's
// processes used. It knows nothing of whose broker it is, so that two can be measured by the same client.
package bench
