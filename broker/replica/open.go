package replica

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"odradek/broker/commitlog"
	"odradek/broker/env"
	"odradek/broker/metadata"
)

const (
	metadataFile = "partition.metadata"
	// metadataBytesMax is many times what the file holds.
	metadataBytesMax = 4 << 10
)

var errPartitionMetadata = errors.New("malformed " + metadataFile)

// formatPartitionMetadata writes Kafka's partition.metadata, which says to which topic, not only of what name, a directory
// belongs.
func formatPartitionMetadata(topicID metadata.UUID) []byte {
	return fmt.Appendf(nil, "version: 0\ntopic_id: %s\n", base64.RawURLEncoding.EncodeToString(topicID[:]))
}

func parsePartitionMetadata(content []byte) (metadata.UUID, error) {
	version, id := "", ""
	for line := range strings.Lines(string(content)) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		switch key {
		case "version":
			version = value
		case "topic_id":
			id = value
		}
	}
	if version != "0" {
		return metadata.UUID{}, fmt.Errorf("%w: version %q", errPartitionMetadata, version)
	}
	raw, err := base64.RawURLEncoding.DecodeString(id)
	if err != nil || len(raw) != len(metadata.UUID{}) {
		return metadata.UUID{}, fmt.Errorf("%w: topic id %q", errPartitionMetadata, id)
	}
	return metadata.UUID(raw), nil
}

// partitionDir takes a directory's name apart; ok is false when it is not a partition's.
func partitionDir(name string) (topic string, index int32, ok bool) {
	at := strings.LastIndexByte(name, '-')
	if at <= 0 {
		return "", 0, false
	}
	n, err := strconv.ParseUint(name[at+1:], 10, 31)
	if err != nil || strconv.FormatUint(n, 10) != name[at+1:] {
		return "", 0, false
	}
	return name[:at], int32(n), true
}

// The pauses between attempts to open a log, which double up to the largest: a disk that was full may have room again.
const (
	reopenPauseMin = time.Second
	reopenPauseMax = 30 * time.Second
)

// open opens the log and puts the role in force that the metadata gives meanwhile.
func (p *Partition) open() {
	defer close(p.opened)
	for _, before := range p.before {
		<-before.gone // its removal was queued earlier than this, so that it is done or under way
	}
	p.before = nil
	p.tryOpen(reopenPauseMin)
}

// tryOpen is one attempt; pause is how long to wait for the next if it fails.
func (p *Partition) tryOpen(pause time.Duration) {
	p.mu.Lock()
	settings, gone, failed := p.settings, p.state == dropped, p.log
	told, cut := p.told, p.told && p.ledElsewhere()
	p.mu.Unlock()
	if gone {
		p.finish()
		return
	}
	var log *commitlog.Log
	err := p.home.failed()
	if err == nil {
		log, err = p.openLog(settings.Log, told, commitlog.Options{Cut: cut, Failed: failed})
	} else if !told {
		err = errors.Join(errLost, err)
	}

	p.mu.Lock()
	if err == nil {
		p.log = log
		if failure := p.home.failed(); failure != nil { // meanwhile
			err = errors.Join(errLost, failure)
		}
	}
	gone = p.state == dropped
	switch {
	case gone:
	case errors.Is(err, errLost):
		p.lose(err)
	case err != nil:
		p.state = offline
		p.manager.spawn(func() { p.home.probe(err) })
		p.manager.cfg.Logger.Error("log can't be opened", "partition", p.String(), "error", err, "again in", pause)
		time.AfterFunc(pause, func() { p.home.jobs.add(func() { p.reopen(min(2*pause, reopenPauseMax)) }) })
	default:
		p.start()
	}
	p.unlock()
	if gone {
		p.finish()
	}
}

// reopen tries again to open a log that could not be opened.
func (p *Partition) reopen(pause time.Duration) {
	p.mu.Lock()
	if p.state != offline || p.lost != p.told || p.home.failed() != nil {
		p.mu.Unlock()
		return
	}
	p.state = opening
	p.mu.Unlock()
	p.tryOpen(pause)
}

// start begins replication on a log that is open. p.mu is held.
func (p *Partition) start() {
	p.state = online
	mark := max(p.home.checkpoint.take(partitionName{p.topic, p.index}), p.highWatermark)
	p.highWatermark = min(max(mark, p.log.StartOffset()), p.log.EndOffset())
	p.firstDirty = min(max(p.manager.cleaning.take(partitionName{p.topic, p.index}), p.firstDirty), p.log.EndOffset())
	p.log.SetConfig(p.settings.Log)
	p.armCleaning()
	if p.lost {
		p.found()
	}
	p.resumeMove()
	p.assume(p.registration)
}

// errLost says that a log may lack what it had: an fsync of it failed when it was last open, or it is torn though the machine
// that wrote it goes on.
var errLost = errors.New("the replica may have lost records")

// openLog opens the log in its directory, which is made when it is missing, and made anew when it belongs to another topic
// of the same name. told says that the controller knows of what may have been lost; otherwise such a log is errLost.
func (p *Partition) openLog(cfg commitlog.Config, told bool, opts commitlog.Options) (*commitlog.Log, error) {
	disk := p.manager.cfg.Disk
	if err := p.promote(disk); err != nil {
		return nil, err
	}
	owner, err := readOwner(disk, p.dir)
	if err != nil && !errors.Is(err, errPartitionMetadata) && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if err != nil || owner != p.topicID {
		if err := p.createDir(); err != nil {
			return nil, fmt.Errorf("create %s: %w", p.dir, err)
		}
	}
	counted := !told && err == nil && owner == p.topicID
	if counted {
		if failed, err := commitlog.SyncFailed(disk, p.dir); err != nil || failed {
			return nil, errors.Join(err, errLost)
		}
	}
	opts.Logger, opts.Beside, opts.SyncParent = p.manager.cfg.Logger, metadataFile, p.home.root.sync
	opts.OnReadError, opts.Files = p.onReadError, p.manager.cfg.OpenFiles
	opts.Whole = counted && p.manager.cfg.Intact
	log, err := commitlog.Open(disk, p.dir, cfg, opts)
	if errors.Is(err, commitlog.ErrTorn) {
		err = errors.Join(err, errLost)
	}
	return log, err
}

func (p *Partition) onReadError(log *commitlog.Log, err error) { p.readFailed(log, err) }

// createDir makes the directory and says in it whose it is, before there is a record. One that is there and doesn't say so
// was never used, or belongs to a deleted topic. It becomes durable when something of the log does, not before: thousands of
// partitions may be created at once, and an fsync for each would take minutes.
func (p *Partition) createDir() error {
	disk := p.manager.cfg.Disk
	p.home.checkpoint.take(partitionName{p.topic, p.index}) // of the topic that was
	p.manager.cleaning.take(partitionName{p.topic, p.index})
	if err := emptyDir(disk, p.dir); err != nil {
		return err
	}
	f, err := disk.Open(p.dir+"/"+metadataFile, os.O_CREATE|os.O_TRUNC)
	if err != nil {
		return err
	}
	_, err = f.WriteAt(formatPartitionMetadata(p.topicID), 0)
	return errors.Join(err, f.Close())
}

// createLogDir makes a log's directory anew, but for its entry, which the caller makes durable.
func createLogDir(disk env.Disk, dir string, topicID metadata.UUID) error {
	if err := emptyDir(disk, dir); err != nil {
		return err
	}
	return env.WriteFileAtomic(disk, dir+"/"+metadataFile, formatPartitionMetadata(topicID))
}

// emptyDir makes a directory, or makes it anew.
func emptyDir(disk env.Disk, dir string) error {
	if err := env.RemoveAll(disk, dir); err != nil {
		return err
	}
	return disk.MkdirAll(dir)
}

// readOwner returns the id of the topic that a partition's directory belongs to.
func readOwner(disk env.Disk, dir string) (metadata.UUID, error) {
	content, err := env.ReadFile(disk, dir+"/"+metadataFile, metadataBytesMax)
	if err != nil {
		return metadata.UUID{}, err
	}
	return parsePartitionMetadata(content)
}

// retire ends replication here. It says whether the caller has to finish; else open does, which is under way.
func (p *Partition) retire(deleting bool) (finish bool) {
	p.mu.Lock()
	defer p.unlock()
	if p.state == dropped {
		return false
	}
	finish = p.state != opening
	p.state = dropped
	p.deleting = deleting
	if deleting {
		p.endMove()
	}
	p.lead = nil
	p.manager.fetchers.remove(p)
	if p.flush != nil {
		p.flush.Stop()
	}
	if p.stopCleaning != nil {
		p.stopCleaning()
	}
	p.refuseAll(kerr.NotLeaderForPartition)
	p.fireAll()
	return finish
}

// finish closes or deletes the log of a retired partition.
func (p *Partition) finish() {
	if !p.deleting {
		return // Manager.Close closes it
	}
	p.cleanTurn.Lock() // whoever cleans has been told to stop
	defer p.cleanTurn.Unlock()
	err := commitlog.ErrClosed
	if p.log != nil {
		err = p.log.Delete()
	}
	if errors.Is(err, commitlog.ErrClosed) { // never opened, or closed because it had failed
		err = env.RemoveAll(p.manager.cfg.Disk, p.dir)
	}
	if err != nil {
		p.manager.cfg.Logger.Error("log is not deleted", "partition", p.String(), "error", err)
	}
	p.manager.forget(p)
	close(p.gone)
}

// closeLog closes the log of a retired partition that is to be opened again.
func (p *Partition) closeLog() error {
	if p.log == nil || p.deleting {
		return nil
	}
	return p.log.Close()
}

// strays lists the directories of partitions that this node doesn't host: their topics were deleted or moved elsewhere
// while it was away. Each takes the place of a partition that is being deleted.
func (m *Manager) strays() (strays []*Partition, err error) {
	for _, d := range m.dirs {
		if d.failed() != nil {
			continue
		}
		names, listErr := m.cfg.Disk.List(d.path)
		err = errors.Join(err, listErr)
		m.mu.Lock()
		for _, name := range names {
			topic, index, ok := partitionDir(name)
			dir := d.path + "/" + name
			if !ok || m.latest[dir] != nil {
				continue
			}
			stray := &Partition{manager: m, topic: topic, index: index, home: d, dir: dir, gone: make(chan struct{}), state: dropped, deleting: true}
			m.latest[dir] = stray
			strays = append(strays, stray)
		}
		m.mu.Unlock()
	}
	return strays, err
}
