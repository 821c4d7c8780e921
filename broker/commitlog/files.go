package commitlog

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"odradek/broker/env"
)

// The files of a log's directory; those of a segment are named by its base offset in 20 digits. See doc.go.
const (
	logSuffix       = ".log"
	indexSuffix     = ".index"
	timeIndexSuffix = ".timeindex"
	txnIndexSuffix  = ".txnindex"
	snapshotSuffix  = ".snapshot"
	// cleanedSuffix ends the names of a replacement that is being written, swapSuffix that of one that is complete, and so takes
	// its place whatever happens; deletedSuffix those of files that wait for their removal.
	cleanedSuffix   = ".cleaned"
	swapSuffix      = ".swap"
	deletedSuffix   = ".deleted"
	temporarySuffix = ".tmp"

	recoveryFile = "recovery-point-checkpoint"
	startFile    = "log-start-offset-checkpoint"
	epochFile    = "leader-epoch-checkpoint"
	// failedSyncFile says that an fsync of this log has failed since the machine started. It need not be durable.
	failedSyncFile = "failed-sync"

	// DeletedSuffix ends the name of a directory that is being deleted.
	DeletedSuffix = "-delete"

	// checkpointSizeMax bounds what is read of a checkpoint file, in bytes: a million leader epochs.
	checkpointSizeMax = 32 << 20
)

// indexSuffixes end the names of a segment's files beside its records.
var indexSuffixes = [...]string{indexSuffix, timeIndexSuffix, txnIndexSuffix}

func segmentName(base int64, suffix string) string { return fmt.Sprintf("%020d%s", base, suffix) }

// parseSegmentName is the base offset of a file with the suffix.
func parseSegmentName(name, suffix string) (base int64, ok bool) {
	digits, ok := strings.CutSuffix(name, suffix)
	if !ok || len(digits) != 20 {
		return 0, false
	}
	base, err := strconv.ParseInt(digits, 10, 64)
	return base, err == nil && base >= 0
}

func (l *Log) path(name string) string { return l.dir + "/" + name }

// writeSynced writes a file anew, not atomically: for files that are not trusted before the recovery point passes them.
func (l *Log) writeSynced(name string, content []byte) error {
	f, err := l.disk.Open(l.path(name), os.O_CREATE|os.O_TRUNC)
	if err != nil {
		return err
	}
	_, err = f.WriteAt(content, 0)
	if err == nil {
		err = f.Sync()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	return err
}

// RemoveDeleted finishes the deletions in root that a crash has interrupted. It is to be called before logs are opened.
func RemoveDeleted(disk env.Disk, root string) error {
	names, err := disk.List(root)
	if err != nil {
		return err
	}
	for _, name := range names {
		if !strings.HasSuffix(name, DeletedSuffix) {
			continue
		}
		if err := env.RemoveAll(disk, root+"/"+name); err != nil {
			return err
		}
	}
	return nil
}
