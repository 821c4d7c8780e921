// Package proc puts real processes through a [chaos.Plan]: a cluster of brokers on this machine, their clients, the schedule's
// faults by the wall clock, and the verdict of the same checkers that judge a simulated universe. It is the simulator's twin,
// to see that what a universe shows is what the world does.
//
// Processes are killed, stopped and continued by signals. Every connection, of a node to another and of a client to a node, goes
// through a relay of this package (see relay.go), which learns whose it is and cuts, slows or resets it as the faults in
// force say. Disks are slowed by the broker's own env layer, told over standard input (broker/env/slowenv). What real
// processes can't be put through, such as a loss of power that keeps the machine running, is not among [Kinds], and a plan
// that asks for it is refused.
//
// Two runs of a seed meet the same faults at the same times and need not have the same outcome: the kernel schedules, not the
// seed.
package proc
