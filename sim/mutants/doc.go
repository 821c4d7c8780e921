// Package mutants keeps known bugs of this field and lays them over the broker's source, one at a time, to see whether the
// simulator finds them. A checker that has never caught a mutant is not a checker yet.
//
// A mutant is a text file of the directory known/:
//
//	title: acknowledge a record before the in-sync replicas have it
//	source: where the bug was met: a KIP, an issue, a report
//	lost: what users lost by it
//	finds: the kinds of violation that count as finding it, or "any"
//
//	file: broker/replica/partition.go
//	<<<<
//	the lines of today's source, which must stand there exactly once
//	====
//	the lines that take their place
//	>>>>
//
// with as many file blocks as the bug needs. A mutant whose lines are no longer there is an error, so that none rots: a change
// of those lines takes the mutant along.
//
// A [Hunt] builds each mutant with the go tool's -overlay and runs the universes of one seed after the other until one shows
// such a violation. `odradek mutants` prints the score. A mutant that lives asks three questions, in this order: does the
// change break anything at all, or does something else make up for it? Do the plans that package chaos draws ever come to
// where it matters? And would a checker see it? `--keep DIR` leaves the guests, for
// `odradek sim --seed N --guest DIR/NAME/NAME.wasm --log FILE`.
package mutants
