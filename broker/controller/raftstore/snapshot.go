package raftstore

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"os"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/hashicorp/raft"

	"odradek/broker/env"
)

// A snapshot's file:
//
//	state            as the state machine wrote it
//	meta             raft.SnapshotMeta as JSON, with its version, 1, and the state's size
//	stateCRC uint32  CRC-32C of state
//	metaLen  uint32
//	metaCRC  uint32  CRC-32C of meta, stateCRC and metaLen
//
// It is written under a temporary name and gets its own when it is complete and durable.
const (
	snapshotVersion  = 1
	snapshotFooter   = 12
	snapshotMetaMax  = 1 << 20
	snapshotsKept    = 2
	snapshotSuffix   = ".snap"
	temporarySuffix  = ".tmp"
	snapshotReadSize = 64 << 10
)

// Snapshots is raft's SnapshotStore.
type Snapshots struct {
	disk env.Disk
	dir  string
	mu   sync.Mutex // reaping against listing
	made int
}

// OpenSnapshots opens the store in a directory, which it makes if needed, and removes what was never finished.
func OpenSnapshots(disk env.Disk, dir string) (*Snapshots, error) {
	if err := makeDir(disk, dir); err != nil {
		return nil, err
	}
	names, err := disk.List(dir)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if strings.HasSuffix(name, temporarySuffix) {
			if err := disk.Remove(path.Join(dir, name)); err != nil {
				return nil, err
			}
		}
	}
	return &Snapshots{disk: disk, dir: dir}, nil
}

// Create begins a snapshot.
func (s *Snapshots) Create(version raft.SnapshotVersion, index, term uint64, configuration raft.Configuration, configurationIndex uint64, _ raft.Transport) (raft.SnapshotSink, error) {
	if version != snapshotVersion {
		return nil, fmt.Errorf("%w: snapshot of version %d", ErrVersion, version)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var id string
	for {
		s.made++
		id = fmt.Sprintf("%020d-%020d-%d", term, index, s.made)
		if _, err := s.disk.Stat(path.Join(s.dir, id+snapshotSuffix)); err != nil {
			break
		}
	}
	file, err := s.disk.Open(path.Join(s.dir, id+temporarySuffix), os.O_CREATE|os.O_TRUNC)
	if err != nil {
		return nil, err
	}
	return &sink{store: s, file: file, crc: crc32.New(castagnoli), meta: raft.SnapshotMeta{
		Version: version, ID: id, Index: index, Term: term, Configuration: configuration, ConfigurationIndex: configurationIndex,
	}}, nil
}

// List returns what is complete, the newest first. Errors: ErrVersion and the disk's.
func (s *Snapshots) List() ([]*raft.SnapshotMeta, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.list()
}

func (s *Snapshots) list() ([]*raft.SnapshotMeta, error) {
	names, err := s.disk.List(s.dir)
	if err != nil {
		return nil, err
	}
	var metas []*raft.SnapshotMeta
	for _, name := range names {
		id, found := strings.CutSuffix(name, snapshotSuffix)
		if !found {
			continue
		}
		file, meta, _, err := s.open(id)
		if errors.Is(err, ErrCorrupt) {
			continue // raft takes the next older one, or fails for lack of one
		}
		if err != nil {
			return nil, err
		}
		file.Close()
		metas = append(metas, meta)
	}
	slices.SortFunc(metas, func(a, b *raft.SnapshotMeta) int {
		if a.Term != b.Term {
			return int(min(max(int64(b.Term)-int64(a.Term), -1), 1))
		}
		if a.Index != b.Index {
			return int(min(max(int64(b.Index)-int64(a.Index), -1), 1))
		}
		return strings.Compare(b.ID, a.ID)
	})
	return metas, nil
}

// open reads a snapshot's footer.
func (s *Snapshots) open(id string) (file env.File, meta *raft.SnapshotMeta, stateCRC uint32, err error) {
	file, err = s.disk.Open(path.Join(s.dir, id+snapshotSuffix), 0)
	if err != nil {
		return nil, nil, 0, err
	}
	meta, stateCRC, err = readFooter(file)
	if err != nil {
		file.Close()
		return nil, nil, 0, fmt.Errorf("snapshot %s: %w", id, err)
	}
	return file, meta, stateCRC, nil
}

func readFooter(file env.File) (*raft.SnapshotMeta, uint32, error) {
	size, err := file.Size()
	if err != nil {
		return nil, 0, err
	}
	if size < snapshotFooter {
		return nil, 0, fmt.Errorf("%w: %d bytes", ErrCorrupt, size)
	}
	var footer [snapshotFooter]byte
	if err := readFull(file, footer[:], size-snapshotFooter); err != nil {
		return nil, 0, err
	}
	metaLen := int64(binary.BigEndian.Uint32(footer[4:]))
	if metaLen > snapshotMetaMax || metaLen > size-snapshotFooter {
		return nil, 0, fmt.Errorf("%w: meta of %d bytes", ErrCorrupt, metaLen)
	}
	text := make([]byte, metaLen)
	if err := readFull(file, text, size-snapshotFooter-metaLen); err != nil {
		return nil, 0, err
	}
	if crc32.Update(crc32.Checksum(text, castagnoli), castagnoli, footer[:8]) != binary.BigEndian.Uint32(footer[8:]) {
		return nil, 0, fmt.Errorf("%w: meta's crc", ErrCorrupt)
	}
	meta := &raft.SnapshotMeta{}
	if err := json.Unmarshal(text, meta); err != nil || meta.Size != size-snapshotFooter-metaLen {
		return nil, 0, fmt.Errorf("%w: meta", ErrCorrupt)
	}
	if meta.Version != snapshotVersion {
		return nil, 0, fmt.Errorf("%w: %d", ErrVersion, meta.Version)
	}
	return meta, binary.BigEndian.Uint32(footer[:]), nil
}

// Open checks a snapshot whole, and returns a reader of its state. Errors: ErrCorrupt, ErrVersion and the disk's.
func (s *Snapshots) Open(id string) (*raft.SnapshotMeta, io.ReadCloser, error) {
	file, meta, stateCRC, err := s.open(id)
	if err != nil {
		return nil, nil, err
	}
	crc := crc32.New(castagnoli)
	if _, err := io.CopyBuffer(crc, io.NewSectionReader(file, 0, meta.Size), make([]byte, snapshotReadSize)); err != nil {
		file.Close()
		return nil, nil, err
	}
	if crc.Sum32() != stateCRC {
		file.Close()
		return nil, nil, fmt.Errorf("%w: snapshot %s: state's crc", ErrCorrupt, id)
	}
	return meta, &stateReader{io.NewSectionReader(file, 0, meta.Size), file}, nil
}

type stateReader struct {
	*io.SectionReader
	file env.File
}

func (r *stateReader) Close() error { return r.file.Close() }

// sink takes a snapshot's state.
type sink struct {
	store *Snapshots
	file  env.File
	meta  raft.SnapshotMeta
	crc   hash.Hash32
	done  bool
	err   error
}

// ID names the snapshot.
func (k *sink) ID() string { return k.meta.ID }

// Write appends to the state.
func (k *sink) Write(p []byte) (int, error) {
	if k.err != nil {
		return 0, k.err
	}
	n, err := k.file.WriteAt(p, k.meta.Size)
	k.crc.Write(p[:n])
	k.meta.Size += int64(n)
	k.err = err
	return n, err
}

// Close makes the snapshot durable and visible, and removes old ones.
func (k *sink) Close() error {
	if k.done {
		return nil
	}
	k.done = true
	if err := errors.Join(k.finish(), k.file.Close()); err != nil {
		return errors.Join(err, k.store.disk.Remove(path.Join(k.store.dir, k.meta.ID+temporarySuffix)))
	}
	disk, dir := k.store.disk, k.store.dir
	if err := disk.Rename(path.Join(dir, k.meta.ID+temporarySuffix), path.Join(dir, k.meta.ID+snapshotSuffix)); err != nil {
		return err
	}
	if err := disk.SyncDir(dir); err != nil {
		return err
	}
	return k.store.reap()
}

func (k *sink) finish() error {
	if k.err != nil {
		return k.err
	}
	footer, err := json.Marshal(&k.meta)
	if err != nil {
		return err
	}
	metaLen := len(footer)
	footer = binary.BigEndian.AppendUint32(footer, k.crc.Sum32())
	footer = binary.BigEndian.AppendUint32(footer, uint32(metaLen))
	footer = binary.BigEndian.AppendUint32(footer, crc32.Checksum(footer, castagnoli))
	if _, err := k.file.WriteAt(footer, k.meta.Size); err != nil {
		return err
	}
	return k.file.Sync()
}

// Cancel drops the snapshot.
func (k *sink) Cancel() error {
	if k.done {
		return nil
	}
	k.done = true
	return errors.Join(k.file.Close(), k.store.disk.Remove(path.Join(k.store.dir, k.meta.ID+temporarySuffix)))
}

// reap removes all but the newest snapshots.
func (s *Snapshots) reap() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	metas, err := s.list()
	if err != nil {
		return err
	}
	for len(metas) > snapshotsKept {
		if err := s.disk.Remove(path.Join(s.dir, metas[len(metas)-1].ID+snapshotSuffix)); err != nil {
			return err
		}
		metas = metas[:len(metas)-1]
	}
	return nil
}
