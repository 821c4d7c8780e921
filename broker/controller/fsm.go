package controller

import (
	"errors"
	"fmt"
	"io"

	"github.com/hashicorp/raft"

	"odradek/broker/controller/raftstore"
	"odradek/broker/env/sometimes"
	"odradek/broker/metadata"
)

// fsm applies the quorum's log to the image. raft calls it from one goroutine.
type fsm struct{ c *Controller }

// Apply applies an entry. It returns the image's version, or the error that makes every node leave the image as it was.
//
// An entry that can't be decoded was written by a newer version of this program: skipping it would give this node another
// image than its peers, so it is a failure of the node.
func (f *fsm) Apply(log *raft.Log) any {
	batch, err := metadata.DecodeBatch(log.Data)
	if err != nil {
		err = fmt.Errorf("entry %d of the metadata log: %w", log.Index, err)
		f.c.fail(err)
		return err
	}
	if f.c.failed() {
		return errFailed
	}
	image, delta, err := f.c.Image().Apply(batch)
	if err != nil {
		if errors.Is(err, metadata.ErrStale) {
			sometimes.Reached(sometimes.StaleDecision)
		} else {
			f.c.cfg.Logger.Error("metadata: batch refused", "entry", log.Index, "error", err)
		}
		return err
	}
	f.c.image.Store(image)
	f.c.dispatch.push(image, delta)
	return image.Version
}

// Snapshot gives the image, which never changes, to be written while others are applied.
func (f *fsm) Snapshot() (raft.FSMSnapshot, error) { return &imageSnapshot{f.c.Image()}, nil }

// Restore replaces the image by a snapshot's.
func (f *fsm) Restore(snapshot io.ReadCloser) error {
	defer snapshot.Close()
	content, err := io.ReadAll(io.LimitReader(snapshot, metadata.MaxBatchBytes+1))
	if err != nil {
		return err
	}
	image, err := metadata.DecodeSnapshot(content)
	if err != nil {
		return err
	}
	sometimes.Reached(sometimes.SnapshotRestored)
	old := f.c.image.Swap(image)
	f.c.dispatch.push(image, metadata.Diff(old, image))
	return nil
}

type imageSnapshot struct{ image *metadata.Image }

// Persist writes the image.
func (s *imageSnapshot) Persist(sink raft.SnapshotSink) error {
	if _, err := sink.Write(metadata.AppendSnapshot(nil, s.image)); err != nil {
		return errors.Join(err, sink.Cancel())
	}
	return sink.Close()
}

// Release has nothing to free.
func (s *imageSnapshot) Release() {}

// watchedLog reports a log that can't be used any more: raft itself would go on as a member that refuses everything.
type watchedLog struct {
	*raftstore.Log
	fail func(error)
}

// StoreLog appends one entry.
func (w *watchedLog) StoreLog(log *raft.Log) error { return w.watch(w.Log.StoreLog(log)) }

// StoreLogs appends entries.
func (w *watchedLog) StoreLogs(logs []*raft.Log) error { return w.watch(w.Log.StoreLogs(logs)) }

// DeleteRange deletes entries at either end.
func (w *watchedLog) DeleteRange(min, max uint64) error { return w.watch(w.Log.DeleteRange(min, max)) }

func (w *watchedLog) watch(err error) error {
	if errors.Is(err, raftstore.ErrFailed) {
		w.fail(err)
	}
	return err
}
