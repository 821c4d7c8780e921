package replica

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"sync/atomic"

	"odradek/broker/commitlog"
	"odradek/broker/env"
	"odradek/broker/env/sometimes"
	"odradek/broker/metadata"
)

// LogDir is one of a node's data directories (log.dirs), on a disk of its own perhaps.
type LogDir struct {
	Path string
	ID   metadata.UUID // drawn when the directory was first used
	// Err says why the directory can't be used; nil when it can.
	Err error
	// Vital is the directory without which the node can't go on, as the quorum's log is in it.
	Vital bool
}

// logDir is a data directory at work: what holds logs, and what is kept beside them. When its disk fails its replicas are lost (see
// losses.go) and stay offline until the node starts again; the other directories go on.
type logDir struct {
	manager    *Manager
	path       string
	id         metadata.UUID
	vital      bool
	root       dirSyncer
	checkpoint *checkpointer
	// jobs open, delete and close the directory's logs: num.recovery.threads.per.data.dir at a time.
	jobs *jobs
	// failure is why the directory can't be used.
	failure atomic.Pointer[error]
	probing atomic.Bool // one probe at a time: two would trip over each other's file
}

func (m *Manager) openDir(cfg LogDir) (*logDir, error) {
	d := &logDir{manager: m, path: cfg.Path, id: cfg.ID, vital: cfg.Vital}
	d.checkpoint = &checkpointer{home: d}
	d.jobs = &jobs{limit: m.cfg.OpenParallelism, spawn: m.spawn}
	d.root = dirSyncer{disk: m.cfg.Disk, dir: d.path}
	err := cfg.Err
	if err == nil {
		err = d.prepare()
	}
	if err != nil && (d.vital || len(m.cfg.Dirs) == 1) {
		return nil, fmt.Errorf("data directory %s: %w", d.path, err)
	}
	if err != nil {
		m.cfg.Logger.Error("a data directory failed, its replicas are offline", "dir", d.path, "error", err)
		d.failure.Store(&err)
	}
	return d, nil
}

// prepare makes the directory, and finds what is in it.
func (d *logDir) prepare() error {
	m := d.manager
	if err := m.cfg.Disk.MkdirAll(d.path); err != nil {
		return err
	}
	if err := m.cfg.Disk.SyncDir(path.Dir(d.path)); err != nil {
		return err
	}
	if err := commitlog.RemoveDeleted(m.cfg.Disk, d.path); err != nil {
		return fmt.Errorf("remove logs whose deletion was cut short: %w", err)
	}
	if err := d.checkpoint.load(); err != nil {
		// Without the file every high watermark starts from the log's start: slower, and as safe.
		m.cfg.Logger.Warn("high watermark checkpoint is not usable", "dir", d.path, "error", err)
	}
	if err := m.cleaning.load(d); err != nil {
		// Without the file every compacted log is cleaned from its start.
		m.cfg.Logger.Warn("cleaner checkpoint is not usable", "dir", d.path, "error", err)
	}
	names, err := m.cfg.Disk.List(d.path)
	if err != nil {
		return err
	}
	for _, name := range names {
		if _, _, ok := partitionDir(name); ok && m.found[name] == nil {
			m.found[name] = d
		}
	}
	return nil
}

func (d *logDir) failed() error {
	if err := d.failure.Load(); err != nil {
		return *err
	}
	return nil
}

// homeOf is where a partition's log is, or is to be: the directory that has it; the directory with the fewest partitions; or, for
// what was this node's when it started and is nowhere to be found, the directory that failed. m.mu is held.
func (m *Manager) homeOf(name string) *logDir {
	if d := m.found[name]; d != nil {
		delete(m.found, name)
		return d
	}
	if d := m.preferred[name]; d != nil && d.failed() == nil {
		delete(m.preferred, name)
		return d
	}
	counts := map[*logDir]int{}
	for _, p := range m.partitions {
		counts[p.home]++
	}
	var best, lost *logDir
	for _, d := range m.dirs {
		switch {
		case d.failed() != nil:
			lost = d
		case best == nil || counts[d] < counts[best]:
			best = d
		}
	}
	if best == nil || lost != nil && !m.settled {
		return lost
	}
	return best
}

// probeFile is written and removed again to find out whether a disk still takes anything.
const probeFile = "probe"

// probe finds out, after an error, whether the disk is to blame as a whole.
func (d *logDir) probe(cause error) {
	if d.failed() != nil || errors.Is(cause, env.ErrNoSpace) || !d.probing.CompareAndSwap(false, true) {
		return
	}
	defer d.probing.Store(false)
	disk, name := d.manager.cfg.Disk, d.path+"/"+probeFile
	err := env.WriteFileAtomic(disk, name, []byte("probe"))
	if err == nil {
		err = disk.Remove(name)
	}
	if err != nil && !errors.Is(err, env.ErrNoSpace) {
		d.fail(errors.Join(err, cause))
	}
}

// fail gives the directory up, and its replicas with it. Without a vital directory, or any, the node can't go on.
func (d *logDir) fail(cause error) {
	if !d.failure.CompareAndSwap(nil, &cause) {
		return
	}
	m := d.manager
	m.cfg.Logger.Error("a data directory failed, its replicas go offline", "dir", d.path, "error", cause)
	for _, p := range m.Partitions() {
		p.mu.Lock()
		if p.home == d {
			p.fail(cause)
		}
		p.unlock()
	}
	left := slices.ContainsFunc(m.dirs, func(other *logDir) bool { return other.failed() == nil })
	if !d.vital && left {
		sometimes.Reached(sometimes.DirectoryFailed)
		return
	}
	if m.cfg.OnStorageFailure != nil {
		m.cfg.OnStorageFailure(fmt.Errorf("data directory %s: %w", d.path, cause))
	}
}

// ReplicaSize is what there is of a partition in a directory.
type ReplicaSize struct {
	Topic string
	Index int32
	Bytes int64
	// OffsetLag is how far the log's end is behind the high watermark; of a future log, behind the current one's end.
	OffsetLag int64
	// Future says that the replica is being moved here.
	Future bool
}

// DirState is a data directory as DescribeLogDirs tells of it.
type DirState struct {
	Path     string
	Failed   bool
	Replicas []ReplicaSize // by name
	// TotalBytes and UsableBytes are of the file system that it is on; -1 when they are not known.
	TotalBytes, UsableBytes int64
}

// space is how large the directory's file system is, -1 and -1 when that is not known.
func (d *logDir) space() (total, usable int64) {
	disk, ok := d.manager.cfg.Disk.(env.Spacer)
	if !ok || d.failed() != nil {
		return -1, -1
	}
	total, usable, err := disk.Space(d.path)
	if err != nil {
		d.probe(err)
		return -1, -1
	}
	return total, usable
}

// Dirs describes the data directories, in the order of their configuration.
func (m *Manager) Dirs() []DirState {
	states := make([]DirState, len(m.dirs))
	place := make(map[*logDir]int)
	for i, d := range m.dirs {
		states[i] = DirState{Path: d.path, Failed: d.failed() != nil}
		states[i].TotalBytes, states[i].UsableBytes = d.space()
		place[d] = i
	}
	partitions := m.Partitions()
	slices.SortFunc(partitions, byName)
	for _, p := range partitions {
		p.mu.Lock()
		if s := &states[place[p.home]]; p.state == online && !s.Failed {
			s.Replicas = append(s.Replicas, ReplicaSize{
				Topic: p.topic, Index: p.index, Bytes: p.log.Size(), OffsetLag: max(p.highWatermark-p.log.EndOffset(), 0),
			})
		}
		if f := p.future; f != nil && f.log != nil && p.state == online {
			s := &states[place[f.home]]
			s.Replicas = append(s.Replicas, ReplicaSize{
				Topic: p.topic, Index: p.index, Bytes: f.log.Size(), OffsetLag: max(p.log.EndOffset()-f.log.EndOffset(), 0), Future: true,
			})
		}
		p.mu.Unlock()
	}
	return states
}
