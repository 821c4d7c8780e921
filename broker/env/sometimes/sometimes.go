// Package sometimes marks the rare states of the broker that a campaign of universes is worth little without: an ISR of one, a log
// that was truncated, a transaction that timed out. A universe that never gets there tests nothing of what happens there, and only
// a mark tells. (Antithesis's word; FoundationDB calls it a code probe.)
//
// A probe says that a state was reached. It is no assertion: reaching it is right. In real builds [Reached] is empty, and the
// compiler drops it. In a guest it does nothing until Start.
package sometimes

// A Probe is a state worth reaching.
type Probe string

// The probes, and when each counts as reached.
const (
	// ISROfOne: a leader learns that it alone is in sync, of a partition with several replicas.
	ISROfOne Probe = "isr-of-one"
	// AppendOutlivedISR: a record was appended when enough replicas were in sync, and its producer is told that then too few were.
	AppendOutlivedISR Probe = "append-outlived-isr"
	// ELRElection: who was elected was out of the ISR and eligible all the same (KIP-966).
	ELRElection Probe = "elr-election"
	// LastLeaderElection: with ISR and ELR empty, the last known leader was elected.
	LastLeaderElection Probe = "last-leader-election"
	// StaleDecision: a decision of the controller was refused, since the image had changed meanwhile.
	StaleDecision Probe = "stale-decision"
	// SnapshotRestored: a node's metadata came from a snapshot, its own or the leader's.
	SnapshotRestored Probe = "snapshot-restored"
	// Truncated: a follower cut off records that its leader does not have.
	Truncated Probe = "truncated"
	// StartedOver: the leader's log begins after a follower's end, which threw its own away.
	StartedOver Probe = "started-over"
	// ReplicaLost: a replica went offline because its disk failed.
	ReplicaLost Probe = "replica-lost"
	// TailCut: recovery found something behind the log's last whole batch.
	TailCut Probe = "tail-cut"
	// SwapCompleted: recovery completed a replacement of segments that a crash had cut short.
	SwapCompleted Probe = "swap-completed"
	// CompactionRaced: compaction replaced a segment that a fetch was still reading from.
	CompactionRaced Probe = "compaction-raced"
	// RetryRecognised: a producer sent a batch again that was in the log.
	RetryRecognised Probe = "retry-recognised"
	// CoordinatorReloaded: a coordinator's shard came back from a log with something in it.
	CoordinatorReloaded Probe = "coordinator-reloaded"
	// TransactionTimedOut: the coordinator aborted a transaction that took too long.
	TransactionTimedOut Probe = "transaction-timed-out"
	// ProducerFenced: a new producer of a transactional id ended what the one before had begun.
	ProducerFenced Probe = "producer-fenced"
	// MarkersSentAgain: a partition did not take the marker of a transaction's end at the first attempt.
	MarkersSentAgain Probe = "markers-sent-again"
	// MemberTimedOut: a member of a group was not heard of for its session, or did not come back in time.
	MemberTimedOut Probe = "member-timed-out"
	// StaticMemberReplaced: the next process of a static member took its place while the one before was still known.
	StaticMemberReplaced Probe = "static-member-replaced"
	// ShareLockEnded: a record of a share group was given back because its lock had ended.
	ShareLockEnded Probe = "share-lock-ended"
	// SessionRefused: a fetch got no session, since there are only so many.
	SessionRefused Probe = "fetch-session-refused"
	// SessionEvicted: a fetch session made room for another.
	SessionEvicted Probe = "fetch-session-evicted"
	// ReadAtFollower: a consumer was given records by a replica that does not lead (KIP-392).
	ReadAtFollower Probe = "read-at-follower"
	// ReplicaMoved: a replica is in another log directory now.
	ReplicaMoved Probe = "replica-moved"
	// MoveResumed: a node that started again went on with a move between its log directories.
	MoveResumed Probe = "move-resumed"
	// DirectoryFailed: a node gave up a log directory and went on with the others.
	DirectoryFailed Probe = "directory-failed"
)

// Probes lists them all.
func Probes() []Probe {
	return []Probe{
		ISROfOne, AppendOutlivedISR, ELRElection, LastLeaderElection, StaleDecision, SnapshotRestored, Truncated, StartedOver, ReplicaLost,
		TailCut, SwapCompleted, CompactionRaced, RetryRecognised, CoordinatorReloaded, TransactionTimedOut, ProducerFenced, MarkersSentAgain,
		MemberTimedOut, StaticMemberReplaced, ShareLockEnded, SessionRefused, SessionEvicted,
		ReadAtFollower, ReplicaMoved, MoveResumed, DirectoryFailed,
	}
}
