// Package inspect looks at the files of a data directory from outside: it shows what they hold (Dump), counts it (Stat), and says
// what is wrong and where (Verify). It opens no log, repairs nothing and writes nothing, so that it may be used beside a broker
// that runs; what that one appends meanwhile may then look cut short.
//
// # What Verify finds
//
// A path is a file, a partition's directory, or a data directory with all below it. Of a partition every batch is read whole:
// length, magic, CRC, the records inside. Base offset and leader epoch are not under the CRC; they are held against the batches
// beside, the segments' names, the leader epochs' checkpoint and the recovery point. Index entries must name a batch each; a
// snapshot of producers and the checkpoints have a checksum or are held against the log.
//
// What lies behind the recovery point is judged as a start would: index files there are not looked at, and a batch that is cut
// short is named, though the next start would only cut it off.
//
// A base offset that compaction could have left so can't be told from one that was damaged. Gaps are therefore notes, not
// problems.
package inspect
