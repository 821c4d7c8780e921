// Package share is the leader's side of share groups (KIP-932): share-partitions, whose records are acquired by any member of a group,
// acknowledged one by one, and delivered again when that does not happen in time.
//
// A share-partition lives where its partition is led (partition.go), from the first fetch of its group to the end of the leadership. What is in
// flight is a Window, which is pure (window.go). What was acknowledged is remembered by the share coordinator (package state), through a
// Persister, before it is answered. What can't be remembered ends the share-partition: it begins anew from what is, and records are
// delivered once more rather than never.
package share
