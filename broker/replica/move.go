package replica

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"strings"

	"github.com/google/uuid"
	"github.com/twmb/franz-go/pkg/kerr"
	"time"

	"odradek/broker/commitlog"
	"odradek/broker/env"
	"odradek/broker/env/sometimes"
	"odradek/broker/record"
)

// future is the log that is to take the place of a replica's log, in another directory (AlterReplicaLogDirs). It catches up beside
// the current one, and replaces it under the partition's mutex when little is left to copy.
//
// The swap is of names: the current directory is renamed for its deletion, durably, before the future one gets its name. A node that
// stops in between finds a future log alone, which then has all: it is given its name at the start. One that stops earlier
// goes on copying.
type future struct {
	home *logDir
	dir  string
	log  *commitlog.Log // nil until it is open; guarded by the partition's mutex
	// cut is where the current log was truncated to since the copier looked last; guarded by the partition's mutex.
	cut int64
	ctx context.Context
	end context.CancelFunc
}

const (
	// futureSuffix ends the name of a future log's directory: topic-partition.unique-future, as Kafka's.
	futureSuffix = "-future"
	// swapBytes is how much is copied at most with the partition's mutex held.
	swapBytes = 512 << 10
	// nothingCut is a future's cut when there is none.
	nothingCut = math.MaxInt64
)

// errMoved says that a move was ended: by another one, or as there is nothing to move any more.
var errMoved = errors.New("the move was ended")

// futureDir takes the name of a future log's directory apart: name is that of the log it is to replace.
func futureDir(dir string) (name string, ok bool) {
	dir, ok = strings.CutSuffix(dir, futureSuffix)
	at := strings.LastIndexByte(dir, '.')
	if !ok || at < 0 {
		return "", false
	}
	_, _, ok = partitionDir(dir[:at])
	return dir[:at], ok
}

func (m *Manager) newFuture(home *logDir, dir string) *future {
	f := &future{home: home, dir: dir, cut: nothingCut}
	f.ctx, f.end = context.WithCancel(m.ctx)
	return f
}

// MoveReplica has a replica of this node moved to another of its data directories. It returns at once; Dirs tells how far it is. One
// that is there already stays, and a move to elsewhere that is under way is ended. A replica that is not here yet will be made
// there, and the answer is kerr.ReplicaNotAvailable, or kerr.UnknownTopicOrPartition. Errors: kerr.LogDirNotFound,
// kerr.KafkaStorageError for a directory or a replica whose disk failed.
func (m *Manager) MoveReplica(topic string, index int32, path string) error {
	var to *logDir
	for _, d := range m.dirs {
		if d.path == path {
			to = d
		}
	}
	switch {
	case to == nil:
		return kerr.LogDirNotFound
	case to.failed() != nil:
		return kerr.KafkaStorageError
	}
	p, err := m.PartitionByName(topic, index)
	if err != nil {
		m.prefer(partitionName{topic, index}, to)
		if errors.Is(err, kerr.NotLeaderForPartition) {
			err = kerr.ReplicaNotAvailable
		}
		return err
	}
	if err := p.moveTo(to); err != nil {
		return err
	}
	return nil
}

// preferencesMax bounds how many replicas that are not here yet have a directory that they are to be made in: anyone who may move
// replicas can name any.
const preferencesMax = 10_000

func (m *Manager) prefer(name partitionName, to *logDir) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.preferred) < preferencesMax {
		m.preferred[fmt.Sprintf("%s-%d", name.topic, name.index)] = to
	}
}

func (p *Partition) moveTo(to *logDir) *kerr.Error {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.state == offline:
		return kerr.KafkaStorageError
	case p.state != online:
		return kerr.ReplicaNotAvailable
	case p.future != nil && p.future.home == to:
		return nil
	}
	p.endMove()
	if p.home == to {
		return nil
	}
	id := uuid.New()
	p.move(p.manager.newFuture(to, fmt.Sprintf("%s/%s.%s%s", to.path, p, hex.EncodeToString(id[:]), futureSuffix)))
	return nil
}

// move begins a move, or goes on with one. p.mu is held.
func (p *Partition) move(f *future) {
	p.future = f
	p.manager.moves.add(func() { p.copyTo(f) })
}

// endMove gives up a move. p.mu is held.
func (p *Partition) endMove() {
	if p.future != nil {
		p.future.end()
		p.future = nil
	}
}

// cutFuture has a future log lose what the current one has lost. p.mu is held.
func (p *Partition) cutFuture(to int64) {
	if p.future != nil {
		p.future.cut = min(p.future.cut, to)
	}
}

// copyTo runs a move to its end.
func (p *Partition) copyTo(f *future) {
	logger := p.manager.cfg.Logger
	err := p.openFuture(f)
	for err == nil {
		var done bool
		if err = p.manager.throttles.awaitMove(f.ctx); err != nil {
			break
		}
		if done, err = p.copySome(f); done {
			sometimes.Reached(sometimes.ReplicaMoved)
			logger.Info("replica was moved", "partition", p.String(), "dir", f.home.path)
			return
		}
	}
	p.mu.Lock()
	if p.future == f {
		p.future = nil
	}
	log := f.log
	p.mu.Unlock()
	if log != nil {
		if closeErr := log.Close(); closeErr != nil {
			logger.Warn("a future log is not closed", "dir", f.dir, "error", closeErr)
		}
	}
	if p.manager.ctx.Err() != nil {
		return // the next start goes on
	}
	logger.Info("a move was given up", "partition", p.String(), "dir", f.home.path, "reason", err)
	if !errors.Is(err, errMoved) {
		f.home.probe(err)
	}
	if err := env.RemoveAll(p.manager.cfg.Disk, f.dir); err != nil {
		logger.Warn("a future log remains", "dir", f.dir, "error", err)
	}
}

// openFuture opens the future log. One that was there before goes on where it ends, if it is a beginning of the current one.
func (p *Partition) openFuture(f *future) error {
	disk := p.manager.cfg.Disk
	current, settings, err := p.moving(f)
	if err != nil {
		return err
	}
	if owner, err := readOwner(disk, f.dir); err != nil || owner != p.topicID {
		if err := createLogDir(disk, f.dir, p.topicID); err != nil {
			return err
		}
		if err := f.home.root.sync(); err != nil {
			return err
		}
	}
	log, err := commitlog.Open(disk, f.dir, settings.Log, commitlog.Options{Logger: p.manager.cfg.Logger, Files: p.manager.cfg.OpenFiles})
	if err != nil {
		return err
	}
	p.mu.Lock()
	f.log = log
	p.mu.Unlock()
	epoch, end := current.EpochEndOffset(log.LastEpoch())
	if log.EndOffset() < current.StartOffset() || log.EndOffset() > log.StartOffset() && (epoch != log.LastEpoch() || end < log.EndOffset()) {
		return log.TruncateAndStartAt(current.StartOffset())
	}
	return nil
}

// moving returns the current log while the move is to go on.
func (p *Partition) moving(f *future) (*commitlog.Log, TopicSettings, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.future != f || p.state != online || f.ctx.Err() != nil {
		return nil, TopicSettings{}, errMoved
	}
	return p.log, p.settings, nil
}

// copySome copies a piece, or, when that is little, the rest, and swaps the logs.
func (p *Partition) copySome(f *future) (done bool, err error) {
	current, _, err := p.moving(f)
	if err != nil {
		return false, err
	}
	p.mu.Lock()
	cut := f.cut
	f.cut = nothingCut
	p.mu.Unlock()
	if cut < f.log.EndOffset() {
		if err := f.log.TruncateTo(cut); err != nil {
			return false, err
		}
	}
	size := p.manager.copyBytes()
	n, err := copyPiece(current, f.log, size)
	p.manager.throttles.move.Record(n, time.Now())
	if err != nil || n >= size/2 {
		return false, err
	}
	if err := f.log.Sync(f.log.EndOffset()); err != nil {
		return false, err
	}
	return p.swap(f)
}

// copyBytes is how much is copied at a time: as much as a follower fetches of a partition (replica.fetch.max.bytes).
func (m *Manager) copyBytes() int { return max(2, int(m.cfg.FetchMaxBytes)) }

// copyPiece appends to a log the next of another, of so many bytes if one batch is not more, and returns how many it was.
func copyPiece(from, to *commitlog.Log, size int) (int, error) {
	if to.EndOffset() < from.StartOffset() {
		if err := to.TruncateAndStartAt(from.StartOffset()); err != nil {
			return 0, err
		}
	}
	slice, err := from.Read(to.EndOffset(), commitlog.ReadLimits{MaxBytes: size, EndOffset: from.EndOffset(), AtLeastOne: true})
	if errors.Is(err, commitlog.ErrOffsetOutOfRange) {
		return size, nil // it was truncated, or its start has moved: look again
	}
	if err != nil {
		return 0, err
	}
	defer slice.Release()
	if slice.Len() == 0 {
		return 0, nil
	}
	buf := make([]byte, slice.Len())
	if err := slice.ReadInto(buf); err != nil {
		return 0, err
	}
	if _, err = to.AppendFollower(buf); err == nil && to.EndOffset() != slice.NextOffset() {
		// The checksum of a batch does not cover its offset: it was misread.
		err = fmt.Errorf("%w: copied to offset %d, not %d", record.ErrCorrupt, to.EndOffset(), slice.NextOffset())
	}
	return len(buf), err
}

// swap copies what is left and gives the future log the place of the current one. The disk is waited for with the partition's mutex
// held, as in a truncation. done is false when there is more to copy than should be so.
func (p *Partition) swap(f *future) (done bool, err error) {
	p.mu.Lock()
	if p.stopCleaning != nil {
		p.stopCleaning()
	}
	p.mu.Unlock()
	p.cleanTurn.Lock()
	defer p.cleanTurn.Unlock()
	p.mu.Lock()
	defer p.unlock()
	if p.future != f || p.state != online || f.ctx.Err() != nil {
		return false, errMoved
	}
	if f.cut != nothingCut {
		return false, nil
	}
	for left := swapBytes; f.log.EndOffset() < p.log.EndOffset(); {
		n, err := copyPiece(p.log, f.log, swapBytes)
		if left -= n; err != nil || left <= 0 {
			return false, err
		}
	}
	if err := p.finishCopy(f.log); err != nil {
		return false, err
	}
	return true, p.replaceBy(f)
}

// finishCopy gives the copy what is not in the records, and closes it, durably. p.mu is held.
func (p *Partition) finishCopy(log *commitlog.Log) error {
	if epoch := p.log.LastEpoch(); epoch > log.LastEpoch() {
		// It has no records yet, or it would have come with them.
		if err := log.AssignEpoch(epoch, log.EndOffset()); err != nil {
			return err
		}
	}
	if err := log.AdvanceStart(p.log.StartOffset()); err != nil {
		return err
	}
	return log.Close()
}

// replaceBy swaps the directories' names and opens the log in its new place. After an error the replica is lost, and recovers from
// what there is. p.mu is held.
func (p *Partition) replaceBy(f *future) error {
	disk, before := p.manager.cfg.Disk, p.log
	p.future = nil
	p.manager.rehome(p, f.home)
	p.promotes = f.dir
	err := before.Delete()
	var log *commitlog.Log
	if err == nil {
		err = p.promote(disk)
	}
	if err == nil {
		log, err = commitlog.Open(disk, p.dir, p.settings.Log, commitlog.Options{
			Logger: p.manager.cfg.Logger, OnReadError: p.onReadError, Files: p.manager.cfg.OpenFiles,
		})
	}
	if err != nil {
		p.fail(err)
		return err
	}
	p.log = log
	p.manager.losses.tell(p, false) // where it is now
	return nil
}

// promote gives a future log that is whole its name, if there is one to be given.
func (p *Partition) promote(disk env.Disk) error {
	if p.promotes == "" {
		return nil
	}
	if err := disk.Rename(p.promotes, p.dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	p.promotes = ""
	return disk.SyncDir(p.home.path)
}

// rehome moves a partition to another directory. p.mu is held.
func (m *Manager) rehome(p *Partition, to *logDir) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.latest[p.dir] == p {
		delete(m.latest, p.dir)
	}
	p.home, p.dir = to, to.path+"/"+p.String()
	m.latest[p.dir] = p
}

// findFutures sorts out the future logs that are there at the start: those whose current log is there too are to go on, the others
// are whole, and get their names. With a directory that can't be read nothing is certain, and nothing done.
func (m *Manager) findFutures() error {
	for _, d := range m.dirs {
		if d.failed() != nil {
			m.futures = nil
			return nil
		}
		names, err := m.cfg.Disk.List(d.path)
		if err != nil {
			return err
		}
		for _, dir := range names {
			name, ok := futureDir(dir)
			if !ok {
				continue
			}
			if m.found[name] != nil {
				m.futures[name] = m.newFuture(d, d.path+"/"+dir)
				continue
			}
			if err := m.cfg.Disk.Rename(d.path+"/"+dir, d.path+"/"+name); err != nil {
				return err
			}
			if err := m.cfg.Disk.SyncDir(d.path); err != nil {
				return err
			}
			m.found[name] = d
		}
	}
	return nil
}

// resumeMove goes on with a move that the last process had begun. p.mu is held and the log is open.
func (p *Partition) resumeMove() {
	m := p.manager
	m.mu.Lock()
	f := m.futures[p.String()]
	delete(m.futures, p.String())
	m.mu.Unlock()
	if f != nil {
		sometimes.Reached(sometimes.MoveResumed)
		p.move(f)
	}
}
