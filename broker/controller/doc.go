// Package controller is a node's part in the metadata quorum: it keeps the node's copy of the metadata, and on one node, the
// active controller, it decides what changes.
//
// # How a request becomes metadata
//
// Request takes it to the active controller, which is the node that leads the quorum (hashicorp/raft, on the stores of package
// raftstore, over env.Net). There it waits in a queue; everything queued is decided on the newest image by package decide, which
// is pure, and leaves as one batch of records: one entry of the quorum's log. When a majority has it, every node applies it to
// its image and tells its subscribers, and the requests are answered with the version they made. One batch is under way at a
// time, each computed from the image that the one before made, and an image refuses a batch that was computed from another. So a
// controller that was deposed can't do harm, and requests see each other in one order.
//
// # One listener
//
// Raft and controller requests share a listener of their own: neither queues behind a produce, and a node has one address at
// which its process can be found alive. The first byte of a connection says what it is for.
//
// # Members
//
// Every node is a member of the quorum, the configured controllers with a vote and the others without, so each has the metadata
// at hand. Members are known by their directory id, drawn when a disk is first used: a node that lost its disk, and with it what
// it voted, is another member. How a cluster begins is told at form, how members come and go at nextStep.
//
// # A death is heard, not waited for
//
// A process that dies closes its connections, at once, and its address refuses new ones. So when the connection that carries a
// node's heartbeats ends, the active controller dials the node: refused, it is fenced in the same moment, and its partitions
// get other leaders. When the quorum's leader itself dies, its followers hear it the same way and one stands for election at
// once (succeed); the first thing a new active controller does is to dial every node that is not fenced. Only silence, a cut
// cable or a lost machine, has to be waited for: the session timeout, the election timeout.
//
// # Clean and unclean stops
//
// Eligible leader replicas (KIP-966) rest on knowing whether a node comes back with what it had. A node says so when it
// registers: it stopped cleanly (Close), or its machine has not stopped since (env.Disk.BootID), for what a dead process wrote
// stays in the page cache. It proves it with the epoch of its last registration, kept in broker.state.
package controller
