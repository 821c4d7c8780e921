package inspect

import (
	"fmt"
	"path"

	"odradek/broker/commitlog"
	"odradek/broker/env"
)

// IndexEntry is an entry of an offset index.
type IndexEntry struct {
	Offset   int64 `json:"offset"`
	Position int32 `json:"position"`
}

func (e IndexEntry) String() string {
	return fmt.Sprintf("offset: %d position: %d", e.Offset, e.Position)
}

// TimeIndexEntry is an entry of a time index.
type TimeIndexEntry struct {
	Timestamp int64 `json:"timestamp"`
	Offset    int64 `json:"offset"`
}

func (e TimeIndexEntry) String() string {
	return fmt.Sprintf("timestamp: %d offset: %d", e.Timestamp, e.Offset)
}

// Producer is what a snapshot says of a producer; Kafka's file has the newest of the batches only.
type Producer struct {
	ProducerID            int64           `json:"producerId"`
	ProducerEpoch         int16           `json:"producerEpoch"`
	CoordinatorEpoch      int32           `json:"coordinatorEpoch"`
	CurrentTxnFirstOffset *int64          `json:"currentTxnFirstOffset"`
	LastTimestamp         int64           `json:"lastTimestamp"`
	Batches               []ProducerBatch `json:"batches"`
}

// ProducerBatch is a batch that would be known again.
type ProducerBatch struct {
	FirstSequence int32 `json:"firstSequence"`
	LastSequence  int32 `json:"lastSequence"`
	FirstOffset   int64 `json:"firstOffset"`
	LastOffset    int64 `json:"lastOffset"`
	Timestamp     int64 `json:"timestamp"`
}

func (p Producer) String() string {
	first := "OptionalLong.empty"
	if p.CurrentTxnFirstOffset != nil {
		first = fmt.Sprintf("OptionalLong[%d]", *p.CurrentTxnFirstOffset)
	}
	out := fmt.Sprintf("producerId: %d producerEpoch: %d coordinatorEpoch: %d currentTxnFirstOffset: %s lastTimestamp: %d",
		p.ProducerID, p.ProducerEpoch, p.CoordinatorEpoch, first, p.LastTimestamp)
	for _, b := range p.Batches {
		out += fmt.Sprintf("\n| firstSequence: %d lastSequence: %d lastOffset: %d offsetDelta: %d timestamp: %d",
			b.FirstSequence, b.LastSequence, b.LastOffset, b.LastOffset-b.FirstOffset, b.Timestamp)
	}
	return out
}

// Epoch is a line of the leader epochs' checkpoint.
type Epoch struct {
	Epoch int32 `json:"epoch"`
	Start int64 `json:"startOffset"`
}

func (e Epoch) String() string { return fmt.Sprintf("epoch: %d startOffset: %d", e.Epoch, e.Start) }

// RecoveryPoint is what the recovery point's checkpoint says.
type RecoveryPoint struct {
	Offset   int64 `json:"offset"`
	Base     int64 `json:"segment"`
	Position int64 `json:"position"`
	Clean    bool  `json:"clean"`

	NoProducers bool `json:"noProducers"`
}

func (r RecoveryPoint) String() string {
	return fmt.Sprintf("offset: %d segment: %d position: %d clean: %t noProducers: %t", r.Offset, r.Base, r.Position, r.Clean, r.NoProducers)
}

// dumpSmall shows the files that are read whole.
func dumpSmall(disk env.Disk, name string, _ DumpOptions, emit func(Item) error) error {
	content, err := env.ReadFile(disk, name, smallFileMax)
	if err != nil {
		return err
	}
	kind, base := commitlog.KindOf(path.Base(name))
	var items []Item
	switch kind {
	case commitlog.FileIndex:
		items = indexItems(content, base)
	case commitlog.FileTimeIndex:
		items = timeIndexItems(content, base)
	case commitlog.FileTxnIndex:
		items, err = txnItems(content, base)
	case commitlog.FileSnapshot:
		items, err = snapshotItems(content)
	case commitlog.FileEpochs:
		var starts []commitlog.EpochStart
		starts, err = commitlog.DecodeEpochs(content)
		for _, e := range starts {
			items = append(items, Epoch(e))
		}
	case commitlog.FileStartOffset:
		var start int64
		start, err = commitlog.DecodeStartOffset(content)
		items = []Item{Text{fmt.Sprintf("offset: %d", start)}}
	case commitlog.FileRecoveryPoint:
		var r commitlog.RecoveryPoint
		r, err = commitlog.DecodeRecoveryPoint(content)
		items = []Item{RecoveryPoint(r)}
	}
	if err != nil {
		items = []Item{Text{"damaged: " + err.Error()}}
	}
	for _, item := range items {
		if err := emit(item); err != nil {
			return err
		}
	}
	return nil
}

func indexItems(content []byte, base int64) (items []Item) {
	entries, left := commitlog.DecodeOffsetIndex(content)
	for _, e := range entries {
		items = append(items, IndexEntry{base + int64(e.Offset), e.Position})
	}
	return append(items, leftover(left)...)
}

func timeIndexItems(content []byte, base int64) (items []Item) {
	entries, left := commitlog.DecodeTimeIndex(content)
	for _, e := range entries {
		items = append(items, TimeIndexEntry{e.Timestamp, base + int64(e.Offset)})
	}
	return append(items, leftover(left)...)
}

// AbortedTxn is an entry of a segment's aborted transactions.
type AbortedTxn struct {
	ProducerID       int64 `json:"producerId"`
	FirstOffset      int64 `json:"firstOffset"`
	LastOffset       int64 `json:"lastOffset"`
	LastStableOffset int64 `json:"lastStableOffset"`
}

func (a AbortedTxn) String() string {
	return fmt.Sprintf("version: 0 producerId: %d firstOffset: %d lastOffset: %d lastStableOffset: %d", a.ProducerID, a.FirstOffset, a.LastOffset, a.LastStableOffset)
}

func txnItems(content []byte, base int64) (items []Item, err error) {
	all, err := commitlog.DecodeTxnIndex(content, base)
	for _, a := range all {
		items = append(items, AbortedTxn(a))
	}
	return items, err
}

func leftover(left []byte) []Item {
	if len(left) == 0 {
		return nil
	}
	return []Item{Text{fmt.Sprintf("Found %d invalid bytes at the end", len(left))}}
}

func snapshotItems(content []byte) (items []Item, err error) {
	_, producers, err := commitlog.DecodeSnapshot(content)
	for _, p := range producers {
		item := Producer{
			ProducerID: p.ID, ProducerEpoch: p.Epoch, CoordinatorEpoch: p.CoordinatorEpoch, LastTimestamp: p.LastTimestamp, Batches: []ProducerBatch{},
		}
		if p.TxnFirstOffset >= 0 {
			item.CurrentTxnFirstOffset = &p.TxnFirstOffset
		}
		for _, b := range p.Batches {
			item.Batches = append(item.Batches, ProducerBatch(b))
		}
		items = append(items, item)
	}
	return items, err
}
