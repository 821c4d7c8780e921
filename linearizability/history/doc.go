// Package history is the format in which clients write down what they did and saw, and in which checkers read it.
//
// A history is JSON lines. The first is a header; each other line is one event:
//
//	{"odradek_history":1,"run":"seed 7","promises":{"may_lose_acks_one":["t0"],"progress":true}}
//	{"t":1000,"process":"producer-1","type":"invoke","op":"send","id":1,"topic":"t0","partition":-1,"value":"p1-1","acks":-1,"idempotent":true}
//	{"t":1200,"process":"producer-1","type":"invoke","op":"send","id":2,"topic":"t0","partition":-1,"value":"p1-2","acks":-1,"idempotent":true}
//	{"t":2500,"process":"producer-1","type":"ok","op":"send","id":1,"partition":1,"offset":40}
//	{"t":2600,"process":"consumer-1","type":"invoke","op":"assign","id":1,"positions":[{"topic":"t0","partition":1,"offset":0}]}
//	{"t":2600,"process":"consumer-1","type":"ok","op":"assign","id":1}
//	{"t":2700,"process":"consumer-1","type":"invoke","op":"poll","id":2}
//	{"t":3100,"process":"consumer-1","type":"ok","op":"poll","id":2,"records":[{"topic":"t0","partition":1,"offset":40,"values":["p1-1"]}]}
//	{"t":9000,"process":"producer-1","type":"info","op":"send","id":2,"error":"REQUEST_TIMED_OUT"}
//
// [Event] lists the operations, their types and which fields each has. The decoder takes nothing else: an unknown field (case apart) or
// operation, a completion without its beginning, an id that does not count up, a time that goes back within a process are
// errors that name the line.
//
// # What a process owes
//
//   - It writes an operation's invoke before the operation can take effect, and in the order in which it hands sends to its
//     client library: that order is what the order of an idempotent producer is checked against.
//   - It says fail only when the operation never took and never will take effect. A time-out is info.
//   - A record's value is unique in the history: values tell records apart, so a key or a payload can be anything.
//   - An idempotent producer keeps to one producer session, or says a new process name.
//   - A consumer polls from one goroutine. What it assigns replaces what it had.
//
// # The final read
//
// After healing, when producers have stopped, a reader assigns every partition from the beginning with "final":true, asks
// for each partition's end by the operation offsets in the same process, before or after, and polls until it is there. That pass is what says
// which records are in the log.
package history
