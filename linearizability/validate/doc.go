// Package validate holds a whole history against what Kafka promises, in time linear in its length (sorting apart). The checks
// are after Jepsen's for Kafka (Kingsbury, "Redpanda 21.10.1", 2022, and jepsen.kafka.workload): a log gives each record one
// offset and each offset one record, and keeps what was acknowledged.
//
// Each kind of violation, and the exceptions that are allowed and counted beside it (the names of [Check]'s Allowed):
//
//	lost-write            an acknowledged record, or one that a consumer has read, is not where the final read passed,
//	                      or the log ends before it.
//	                      lost-acks-one, lost-acks-all: the run's promises allow it
//	                      forgotten: a record was read and is gone, and the promises allow acks=all to be lost
//	                      deleted: DeleteRecords asked for it to go
//	                      retained: the topic drops its oldest records, the log is known to begin after it, and it was
//	                      old enough (Promises.Vanishing)
//	                      compacted: a later record of its key is known, or may be there as a tombstone that nobody saw; or it
//	                      is a tombstone itself; and it was old enough
//	undeleted             a record, or a log start, before what DeleteRecords had deleted when the reader was assigned
//	                      or the start was asked for.
//	resurrected           of a key, the final read finds a value but not the later tombstone that was acknowledged or seen
//	two-owners            one generation of a group gave a partition to two members
//	stale-commit          a commit was accepted in a generation, though a member had been told of a later one before it began.
//	commit-went-back      a commit of less than what had been accepted before it began.
//	                      forgotten: in a topic that is trimmed a member may start over
//	lost-commit           what is committed is older than what had been accepted before the question, or nobody committed it.
//	                      forgotten: committed offsets may be lost, and then none of these three is judged
//	undelivered           a record before what the group committed in the end, or before where a share group starts, came to none of
//	                      its members.
//	                      as for lost-write
//	taken-again           a share group delivered a record that a member had settled before, with the coordinator's word for it.
//	                      forgotten: the state of share groups may be lost
//	                      deposed: the leader that gave it did not know yet that a later one, with which it was settled, had
//	                      taken over
//	unseen                progress: after healing, no final read came to the end of the partition.
//	                      Only when the promises demand progress
//	duplicate             one value at two offsets.
//	                      retry-without-idempotence: its producer was not idempotent, so a retry may append again
//	                      forgotten: with its broker's memory of it lost, an idempotent retry appends again
//	inconsistent-offsets  two values at one offset, among readers and acknowledgements.
//	                      lost-acks-one, lost-acks-all, forgotten: one of the two is gone, and may be
//	wrong-ack             a record was acknowledged at one offset, or in one partition, and is in another.
//	                      retry-without-idempotence: when it is also where it was acknowledged
//	reordered             of two acknowledged records of an idempotent producer to one partition, the later sent has
//	                      the lower offset. Records with an unknown outcome are not judged: they may have been
//	                      given up and come late. Producers without idempotence are not judged.
//	                      forgotten: as above
//	non-monotonic-poll    a consumer's position went back without an assign.
//	                      forgotten: as above
//	poll-skip             a consumer's position went forwards over a record that exists, since somebody else read it.
//	                      Offsets without a record (control batches, compaction) are no skip.
//	                      deleted, retained, compacted: as above
//	phantom               a value was read that nobody sent, or not to there, or before it was sent.
//	aborted-read          a value was read whose send is known to have failed, or, by a reader of committed records, whose
//	                      transaction was aborted, or not ended yet.
//	torn-transaction      the final reader of committed records finds a part of a transaction only, or not all of one that
//	                      is known to be committed. lost-acks-one, lost-acks-all: as above
//	copied-twice          two committed copies of one record, made in transactions with the offsets that were read.
//	                      retry-without-idempotence: the record itself is in its log twice
//	copy-skipped          a record has no committed copy, and a later one of its partition has. Not judged in topics whose
//	                      records may go.
//
// Not judged, and counted: ack-after-final, a record acknowledged only after the final reader had asked for the end.
package validate
