package inspect

import (
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/hashicorp/raft"

	"odradek/broker/commitlog"
	"odradek/broker/controller/raftstore"
	"odradek/broker/env"
	"odradek/broker/metadata"
	"odradek/broker/replica"
)

// DumpOptions say how much of a file is shown, and how records are read.
type DumpOptions struct {
	Records      bool    // each record of a batch, without what it holds
	Data         bool    // each record with its key and value
	Decode       Decoder // nil: as text; implies Data
	SkipMetadata bool    // of a record only key and value
	MaxBytes     int64   // of a segment's file; 0: all
}

// Item is a line of a dump: as text by String, and as JSON.
type Item interface{ String() string }

// Title opens the dump of a file.
type Title struct {
	File string `json:"file"`
}

func (t Title) String() string { return "Dumping " + t.File }

// Text is a line for which the file has no more structure, or none that could be read.
type Text struct {
	Text string `json:"text"`
}

func (t Text) String() string { return t.Text }

// ErrUnknownFile says that a file is none that a broker of this house writes.
var ErrUnknownFile = errors.New("not a file of a log")

// Dump shows what a file holds, or, of a directory, the files in it and below. In a directory, files that are not known are
// passed over; a file that is named itself and not known is ErrUnknownFile.
func Dump(disk env.Disk, name string, o DumpOptions, emit func(Item) error) error {
	info, err := disk.Stat(name)
	if err != nil {
		return err
	}
	if !info.IsDir {
		return dumpFile(disk, name, o, emit)
	}
	names, err := disk.List(name)
	if err != nil {
		return err
	}
	for _, each := range names {
		if err := Dump(disk, path.Join(name, each), o, emit); err != nil && !errors.Is(err, ErrUnknownFile) {
			return err
		}
	}
	return nil
}

// dumper shows the file of a name.
type dumper func(disk env.Disk, name string, o DumpOptions, emit func(Item) error) error

func dumperOf(disk env.Disk, name string) (dumper, error) {
	kind, err := kindOf(disk, path.Dir(name))
	if err != nil {
		return nil, err
	}
	base := path.Base(name)
	if _, ok := raftstore.LogFileFirst(base); ok && kind == raftLogDir {
		return dumpRaftLog, nil
	}
	switch kind, _ := commitlog.KindOf(base); kind {
	case commitlog.FileSegment:
		return dumpSegment, nil
	case commitlog.FileIndex, commitlog.FileTimeIndex, commitlog.FileTxnIndex, commitlog.FileSnapshot, commitlog.FileEpochs,
		commitlog.FileStartOffset, commitlog.FileRecoveryPoint:
		return dumpSmall, nil
	}
	switch {
	case base == "replication-offset-checkpoint", base == "cleaner-offset-checkpoint":
		return dumpCheckpoint, nil
	case base == stableName:
		return dumpStable, nil
	case strings.HasSuffix(base, snapshotSuffix):
		return dumpRaftSnapshot, nil
	case base == "meta.properties", base == "broker.state":
		return dumpText, nil
	}
	return nil, fmt.Errorf("%s: %w", name, ErrUnknownFile)
}

func dumpFile(disk env.Disk, name string, o DumpOptions, emit func(Item) error) error {
	dump, err := dumperOf(disk, name)
	if err != nil {
		return err
	}
	if err := emit(Title{name}); err != nil {
		return err
	}
	return dump(disk, name, o, emit)
}

// texts emits a line for each of the lines.
func texts(emit func(Item) error, lines ...string) error {
	for _, line := range lines {
		if err := emit(Text{line}); err != nil {
			return err
		}
	}
	return nil
}

func dumpText(disk env.Disk, name string, _ DumpOptions, emit func(Item) error) error {
	content, err := env.ReadFile(disk, name, smallFileMax)
	if err != nil {
		return err
	}
	return texts(emit, strings.Split(strings.TrimRight(string(content), "\n"), "\n")...)
}

func dumpCheckpoint(disk env.Disk, name string, _ DumpOptions, emit func(Item) error) error {
	content, err := env.ReadFile(disk, name, smallFileMax)
	if err != nil {
		return err
	}
	entries, err := replica.DecodeCheckpoint(content)
	if err != nil {
		return texts(emit, "damaged: "+err.Error())
	}
	for _, e := range entries {
		if err := emit(PartitionOffset(e)); err != nil {
			return err
		}
	}
	return nil
}

// PartitionOffset is a line of a file of offsets by partition.
type PartitionOffset replica.CheckpointEntry

func (p PartitionOffset) String() string {
	return fmt.Sprintf("topic: %s partition: %d offset: %d", p.Topic, p.Index, p.Offset)
}

// RaftEntry is an entry of the quorum's log. Records is what a command says of the cluster.
type RaftEntry struct {
	Index    uint64            `json:"index"`
	Term     uint64            `json:"term"`
	Type     string            `json:"type"`
	Position int64             `json:"position"`
	Size     int               `json:"size"`
	Base     uint64            `json:"baseVersion,omitempty"`
	Records  []json.RawMessage `json:"records,omitempty"`
}

func (e RaftEntry) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "index: %d term: %d type: %s position: %d size: %d", e.Index, e.Term, e.Type, e.Position, e.Size)
	if e.Records != nil {
		fmt.Fprintf(&b, " baseVersion: %d", e.Base)
	}
	for _, r := range e.Records {
		fmt.Fprintf(&b, "\n| payload: %s", r)
	}
	return b.String()
}

func dumpRaftLog(disk env.Disk, name string, o DumpOptions, emit func(Item) error) error {
	file, err := disk.Open(name, 0)
	if err != nil {
		return err
	}
	defer file.Close()
	first, _ := raftstore.LogFileFirst(name)
	end, size, err := raftstore.VisitLogFile(file, first, func(position int64, entry *raft.Log) error {
		line := RaftEntry{Index: entry.Index, Term: entry.Term, Type: entry.Type.String(), Position: position, Size: len(entry.Data)}
		if entry.Type == raft.LogCommand && (o.Data || o.Records) {
			batch, err := metadata.DecodeBatch(entry.Data)
			if err != nil {
				return emit(Text{fmt.Sprintf("%s (not read: %v)", line, err)})
			}
			line.Base = batch.BaseVersion
			for _, r := range batch.Records {
				line.Records = append(line.Records, recordJSON(r))
			}
		}
		return emit(line)
	})
	if err == nil && end < size {
		err = texts(emit, fmt.Sprintf("Found %d invalid bytes at position %d", size-end, end))
	}
	return err
}

// recordJSON is a metadata record with the name of its type.
func recordJSON(r metadata.Record) json.RawMessage {
	kind := strings.TrimPrefix(fmt.Sprintf("%T", r), "*metadata.")
	content, err := json.Marshal(struct {
		Type string `json:"type"`
		Data any    `json:"data"`
	}{kind, r})
	if err != nil {
		content, _ = json.Marshal(err.Error())
	}
	return content
}

func dumpStable(disk env.Disk, name string, _ DumpOptions, emit func(Item) error) error {
	content, err := env.ReadFile(disk, name, smallFileMax)
	if err != nil {
		return err
	}
	var lines []string
	left := raftstore.VisitStable(content, func(key, value []byte) {
		if len(value) == 8 {
			lines = append(lines, fmt.Sprintf("%s: %d", key, be64(value)))
		} else {
			lines = append(lines, fmt.Sprintf("%s: %q", key, value))
		}
	})
	if left > 0 {
		lines = append(lines, fmt.Sprintf("Found %d invalid bytes at the end", left))
	}
	return texts(emit, lines...)
}

func dumpRaftSnapshot(disk env.Disk, name string, _ DumpOptions, emit func(Item) error) error {
	meta, state, err := raftstore.ReadSnapshot(disk, name)
	if err != nil {
		return texts(emit, "damaged: "+err.Error())
	}
	defer state.Close()
	content, err := json.Marshal(meta)
	if err != nil {
		return err
	}
	return texts(emit, string(content))
}
