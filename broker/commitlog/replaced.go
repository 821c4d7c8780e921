package commitlog

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"odradek/broker/env/sometimes"
)

// list lists the log's directory, which is made when it is missing, once no replacement is left to be finished.
func (l *Log) list() ([]string, error) {
	names, err := l.disk.List(l.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, l.disk.MkdirAll(l.dir)
	}
	if err != nil || !slices.ContainsFunc(names, func(name string) bool { return strings.HasSuffix(name, swapSuffix) }) {
		return names, err
	}
	if err := l.completeReplacements(names); err != nil {
		return nil, err
	}
	return l.disk.List(l.dir)
}

// completeReplacements finishes, at Open, the replacements of segments that were decided when a crash came: see Replacement.
func (l *Log) completeReplacements(names []string) error {
	for _, name := range names {
		base, ok := parseSegmentName(strings.TrimSuffix(name, swapSuffix), logSuffix)
		if !ok || !strings.HasSuffix(name, swapSuffix) {
			continue
		}
		if err := l.completeReplacement(base, names); err != nil {
			return fmt.Errorf("replacement %d: %w", base, err)
		}
	}
	return nil
}

func (l *Log) completeReplacement(base int64, names []string) error {
	r, err := l.measureReplacement(base)
	if isRecordError(err) {
		// It was durable before it got its name: the disk has damaged it since. What it was to replace may still be there.
		l.logger.Error("a replacement of segments is damaged", "dir", l.dir, "segment", base, "error", err)
		return nil
	}
	if err != nil {
		return err
	}
	l.logger.Info("completing a replacement of segments", "dir", l.dir, "segment", base, "next", r.next)
	sometimes.Reached(sometimes.SwapCompleted)
	for _, name := range names {
		if old, ok := parseSegmentName(name, logSuffix); ok && old >= r.base && old < r.next {
			if err := l.removeReplaced(old, base); err != nil {
				return err
			}
		}
	}
	// Whichever of them are there, they may be of what was replaced.
	if err := l.removeReplaced(base, base); err != nil {
		return err
	}
	content, ok, err := l.readCheckpoint(recoveryFile)
	if err != nil {
		return err
	}
	if ok {
		l.recovery, _ = decodeRecoveryPoint(content) // a damaged one is told of when it is read again
	}
	return l.placeReplacement(r)
}

// measureReplacement reads how far a replacement goes.
func (l *Log) measureReplacement(base int64) (replacedRange, error) {
	f, err := l.disk.Open(l.path(segmentName(base, logSuffix)+swapSuffix), 0)
	if err != nil {
		return replacedRange{}, err
	}
	s := l.newSegment(base, f, 0)
	defer s.file.release()
	size, err := f.Size()
	if err != nil {
		return replacedRange{}, err
	}
	if err := s.rescan(size, l.config.Load().IndexIntervalBytes); err != nil {
		return replacedRange{}, err
	}
	return replacedRange{base: base, next: s.nextOffset, size: size}, nil
}
