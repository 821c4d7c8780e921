package commitlog

import "odradek/broker/env"

// roll seals the active segment and starts the next at the log's end. What the sealed one needs on the disk is written in the
// background: until the recovery point has passed it, recovery does without. The caller holds writer.
func (l *Log) roll() error {
	old := l.active()
	next, err := l.createSegment(old.nextOffset)
	if err != nil {
		return err
	}
	snapshot := l.producers.snapshot(old.nextOffset)
	l.mu.Lock()
	old.index.observeTime(old.base, old.maxTimestamp, old.maxTimestampOffset)
	old.sealed, old.snapshot = true, snapshot
	l.segments = append(l.segments, next)
	l.tail.reset(next.base, 0)
	l.mu.Unlock()

	l.sealing.Add(1)
	l.background(func() {
		defer l.sealing.Done()
		if err := l.sealInTurn(); err != nil {
			l.logger.Error("log segments could not be sealed", "dir", l.dir, "error", err)
		}
	})
	return nil
}

func (l *Log) sealInTurn() error {
	l.turn.take()
	defer l.turn.leave()
	if err := l.failed(); err != nil {
		return err
	}
	err := l.seal()
	l.sealLate = err != nil
	return err
}

// seal makes the sealed segments durable with their index files and snapshots, then moves the recovery point behind them, and
// leaves their indexes to the disk. On a full disk it is to be tried again: the files are written anew then. The caller has the
// turn.
func (l *Log) seal() error {
	l.mu.RLock()
	segments := l.segments[:len(l.segments)-1]
	l.mu.RUnlock()
	first := len(segments)
	for first > 0 && !segments[first-1].durable() {
		first--
	}
	segments = segments[first:]
	if len(segments) == 0 {
		return nil
	}
	for _, s := range segments {
		if err := l.trim(s); err != nil {
			return err
		}
		if s.syncedSize != s.size {
			if err := l.syncFile(s); err != nil {
				return err
			}
		}
		if l.recovery.base == s.base && l.recovery.position == s.size {
			continue // its files are trusted already: writing them again would only put them at risk
		}
		if _, err := l.writeCompanions(s, s.snapshot); err != nil {
			return l.failUnlessFull("seal", err)
		}
	}
	last := segments[len(segments)-1]
	return l.advanceRecovery(segments, recoveryPoint{offset: last.nextOffset, base: last.base, position: last.size}, true)
}

// trim cuts off what was allocated of the file of a segment that nothing is appended to any more, or not before it was opened
// again. It takes an fsync to be durable. The caller has the turn.
func (l *Log) trim(s *segment) error {
	if !s.allocated {
		return nil
	}
	if err := s.file.Truncate(s.size); err != nil {
		return l.fail("trim", err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	s.allocated, s.syncedSize = false, -1
	return nil
}

// writeCompanions makes a segment's index files durable, and a snapshot of the producers at its end. A bare segment gets none
// of the first two; those that are there may be of what was truncated. entries says that it changed some of the directory's, which
// are not durable yet.
func (l *Log) writeCompanions(s *segment, snapshot []byte) (entries bool, err error) {
	if s.index != nil && s.isBare(s.size) {
		entries = s.companions || len(s.index.aborted) > 0
		if entries {
			if err := l.writeAborted(segmentName(s.base, txnIndexSuffix), s.index.aborted); err != nil {
				return true, err
			}
		}
		if s.companions {
			if err := l.removeFiles(s.base, indexSuffix, timeIndexSuffix); err != nil {
				return true, err
			}
		}
		s.companions = len(s.index.aborted) > 0
	} else if s.index != nil {
		s.companions, entries = true, true
		if err := l.writeSynced(segmentName(s.base, indexSuffix), s.index.encodeOffsets()); err != nil {
			return true, err
		}
		if err := l.writeSynced(segmentName(s.base, timeIndexSuffix), s.index.encodeTimes()); err != nil {
			return true, err
		}
		if err := l.writeAborted(segmentName(s.base, txnIndexSuffix), s.index.aborted); err != nil {
			return true, err
		}
	}
	if snapshot == nil {
		return entries, nil
	}
	return true, l.writeSynced(segmentName(s.nextOffset, snapshotSuffix), snapshot)
}

// advanceRecovery moves the recovery point to r, now that the segments before it are on the disk with all that is theirs.
// entries says that the directory has some which are not durable. The caller has the turn.
func (l *Log) advanceRecovery(segments []*segment, r recoveryPoint, entries bool) error {
	written, err := l.writeEpochs() // and with them the directory's entries
	if err != nil {
		return l.failUnlessFull("epochs", err)
	}
	if entries && !written {
		err = l.syncEntries()
	} else {
		err = l.syncParentOnce()
	}
	if err != nil {
		return err
	}
	if err := l.writeRecoveryPoint(r); err != nil {
		return l.failUnlessFull("recovery point", err)
	}
	l.mu.Lock()
	for _, s := range segments {
		s.syncedSize, s.entrySynced, s.snapshot = s.size, true, nil
		if s.sealed {
			s.index = nil
		}
	}
	l.mu.Unlock()
	for _, s := range segments {
		if s.sealed {
			s.file.rest()
		}
	}
	l.synced.Store(max(l.synced.Load(), r.offset))
	return nil
}

// checkpointEnd makes the whole log durable and moves the recovery point to its end. The caller holds writer and the turn.
func (l *Log) checkpointEnd() error {
	if err := l.seal(); err != nil {
		return err
	}
	s := l.active()
	if s.nextOffset == 0 && !l.pointed {
		return nil // nothing was ever in it, and the disk says of nothing that it was
	}
	noProducers := len(l.producers.producers) == 0
	end := recoveryPoint{offset: s.nextOffset, base: s.base, position: s.size, clean: true, noProducers: noProducers}
	if l.recovery == end {
		// The index files are trusted already: writing them again would only put them at risk.
		if _, err := l.writeEpochs(); err != nil {
			return l.failUnlessFull("epochs", err)
		}
		return nil
	}
	if err := l.trim(s); err != nil {
		return err
	}
	if s.syncedSize != s.size {
		if err := l.syncFile(s); err != nil {
			return err
		}
	}
	s.index.observeTime(s.base, s.maxTimestamp, s.maxTimestampOffset)
	var snapshot []byte
	if !noProducers {
		snapshot = l.producers.snapshot(s.nextOffset)
	}
	entries, err := l.writeCompanions(s, snapshot)
	if err != nil {
		return l.failUnlessFull("checkpoint", err)
	}
	return l.advanceRecovery([]*segment{s}, end, entries || !s.entrySynced)
}

// writeEpochs makes the history of epochs durable if it has changed, and then all of the directory's entries. The caller has the
// turn.
func (l *Log) writeEpochs() (written bool, err error) {
	l.mu.Lock()
	dirty, content := l.epochs.dirty || !l.epochs.written, []byte(nil)
	if dirty {
		content, l.epochs.dirty, l.epochs.idle, l.epochs.written = l.epochs.encode(), false, false, true
	}
	l.mu.Unlock()
	if !dirty {
		return false, nil
	}
	err = env.WriteFileAtomic(l.disk, l.path(epochFile), content)
	if err != nil {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.epochs.dirty = true
	}
	return true, err
}
