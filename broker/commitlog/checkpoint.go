package commitlog

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"slices"
	"strings"

	"odradek/broker/env"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// errCheckpointDamaged says that a checkpoint file does not hold what this version writes. Everything in them can be
// learned from the segments, at the price of reading those.
var errCheckpointDamaged = errors.New("checkpoint file is damaged")

// recoveryPoint is a place in the log before which everything is known to be whole and durable: the records, the index
// files, the epochs, a snapshot of the producers. What lies behind it is looked at before it is believed.
type recoveryPoint struct {
	offset   int64
	base     int64 // of the segment in which offset lies, or whose end it is
	position int64 // of offset in that segment's file, in bytes
	// clean is the mark of a clean stop: the log ended here, and so did the file, durably. If it still does, there is
	// nothing to look at and nothing to make durable.
	clean bool
	// noProducers says that none was known here, so that no snapshot was written.
	noProducers bool
}

// nothingTrusted is the recovery point of a log that has none.
var nothingTrusted = recoveryPoint{offset: -1, base: -1}

const (
	recoveryFileVersion = 2
	startFileVersion    = 1
)

// encode writes the version, "offset base position clean no-producers", and the CRC-32C of what is before it.
func (r recoveryPoint) encode() []byte {
	return sealText(fmt.Appendf(nil, "%d\n%d %d %d %t %t\n", recoveryFileVersion, r.offset, r.base, r.position, r.clean, r.noProducers))
}

func decodeRecoveryPoint(content []byte) (recoveryPoint, error) {
	var version int
	r := nothingTrusted
	line, err := openText(recoveryFile, content, &version)
	if err != nil {
		return nothingTrusted, err
	}
	if version != recoveryFileVersion || !scanLine(line, "%d %d %d %t %t", &r.offset, &r.base, &r.position, &r.clean, &r.noProducers) {
		return nothingTrusted, fmt.Errorf("%w: %s of version %d", errCheckpointDamaged, recoveryFile, version)
	}
	return r, nil
}

func encodeStart(offset int64) []byte {
	return sealText(fmt.Appendf(nil, "%d\n%d\n", startFileVersion, offset))
}

func decodeStart(content []byte) (offset int64, err error) {
	var version int
	line, err := openText(startFile, content, &version)
	if err != nil {
		return 0, err
	}
	if version != startFileVersion || !scanLine(line, "%d", &offset) || offset < 0 {
		return 0, fmt.Errorf("%w: %s of version %d", errCheckpointDamaged, startFile, version)
	}
	return offset, nil
}

// sealText appends the CRC-32C of text as a line in hex.
func sealText(text []byte) []byte {
	return fmt.Appendf(text, "%08x\n", crc32.Checksum(text, castagnoli))
}

// openText checks the CRC of a text of three lines, and returns its version and the line after.
func openText(name string, content []byte, version *int) (line string, err error) {
	lines := strings.SplitAfter(string(content), "\n")
	if len(lines) != 4 || lines[3] != "" {
		return "", fmt.Errorf("%w: %s has %d lines", errCheckpointDamaged, name, len(lines)-1)
	}
	var crc uint32
	if !scanLine(strings.TrimSuffix(lines[2], "\n"), "%x", &crc) || crc != crc32.Checksum([]byte(lines[0]+lines[1]), castagnoli) {
		return "", fmt.Errorf("%w: %s: CRC", errCheckpointDamaged, name)
	}
	if !scanLine(strings.TrimSuffix(lines[0], "\n"), "%d", version) {
		return "", fmt.Errorf("%w: %s: version", errCheckpointDamaged, name)
	}
	return strings.TrimSuffix(lines[1], "\n"), nil
}

// readCheckpoint reads a file of the directory; ok is false when there is none.
func (l *Log) readCheckpoint(name string) (content []byte, ok bool, err error) {
	content, err = env.ReadFile(l.disk, l.path(name), checkpointSizeMax)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, false, nil
	}
	return content, err == nil, err
}

// readListed is readCheckpoint of a file that is among the names, or not there.
func (l *Log) readListed(name string, names []string) (content []byte, ok bool, err error) {
	if !slices.Contains(names, name) {
		return nil, false, nil
	}
	return l.readCheckpoint(name)
}

// isOfLog says that a file is of a log.
func isOfLog(name string) bool {
	kind, _ := KindOf(name)
	return kind != FileUnknown
}

// writeRecoveryPoint makes r durable, and with it whatever has changed in the directory. After env.ErrNoSpace the old one is in
// force. The caller has the sync turn.
func (l *Log) writeRecoveryPoint(r recoveryPoint) error {
	content := r.encode()
	err := env.WriteFileAtomic(l.disk, l.path(recoveryFile), content)
	if err == nil {
		l.recovery, l.pointed = r, true
		return nil
	}
	if there, ok, readErr := l.readCheckpoint(recoveryFile); readErr != nil || ok && bytes.Equal(there, content) {
		return fmt.Errorf("recovery point: %v", err) // which of the two is on the disk isn't known, so env.ErrNoSpace would say too little
	}
	return fmt.Errorf("recovery point: %w", err)
}
