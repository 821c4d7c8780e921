package inspect

import (
	"encoding/binary"
	"fmt"
	"io"
	"strconv"
	"strings"

	"odradek/broker/commitlog"
	"odradek/broker/env"
	"odradek/broker/record"
)

func be64(b []byte) uint64 { return binary.BigEndian.Uint64(b) }

// Batch is a record batch, in the words of kafka-dump-log.
type Batch struct {
	BaseOffset           int64  `json:"baseOffset"`
	LastOffset           int64  `json:"lastOffset"`
	Count                int32  `json:"count"`
	BaseSequence         int32  `json:"baseSequence"`
	LastSequence         int32  `json:"lastSequence"`
	ProducerID           int64  `json:"producerId"`
	ProducerEpoch        int16  `json:"producerEpoch"`
	PartitionLeaderEpoch int32  `json:"partitionLeaderEpoch"`
	IsTransactional      bool   `json:"isTransactional"`
	IsControl            bool   `json:"isControl"`
	DeleteHorizonMs      *int64 `json:"deleteHorizonMs"`
	Position             int64  `json:"position"`
	TimestampType        string `json:"timestampType"`
	Timestamp            int64  `json:"timestamp"`
	Size                 int    `json:"size"`
	Magic                int8   `json:"magic"`
	Codec                string `json:"compresscodec"`
	CRC                  uint32 `json:"crc"`
	Valid                bool   `json:"isvalid"`
	Error                string `json:"error,omitempty"`
}

func batchOf(p piece) Batch {
	b := p.batch
	out := Batch{
		BaseOffset: b.BaseOffset(), LastOffset: b.LastOffset(), Count: b.NumRecords(), BaseSequence: b.BaseSequence(),
		LastSequence: b.LastSequence(), ProducerID: b.ProducerID(), ProducerEpoch: b.ProducerEpoch(),
		PartitionLeaderEpoch: b.PartitionLeaderEpoch(), IsTransactional: b.IsTransactional(), IsControl: b.IsControl(),
		Position: p.position, TimestampType: timestampName(b), Timestamp: b.MaxTimestamp(), Size: b.Size(), Magic: b.Magic(),
		Codec: b.Codec().String(), CRC: b.CRC(), Valid: p.err == nil,
	}
	if horizon, ok := b.DeleteHorizonMs(); ok {
		out.DeleteHorizonMs = &horizon
	}
	if p.err != nil {
		out.Error = p.err.Error()
	}
	return out
}

func timestampName(b record.Batch) string {
	if b.TimestampType() == record.LogAppendTime {
		return "LogAppendTime"
	}
	return "CreateTime"
}

func (b Batch) String() string {
	horizon := "OptionalLong.empty"
	if b.DeleteHorizonMs != nil {
		horizon = fmt.Sprintf("OptionalLong[%d]", *b.DeleteHorizonMs)
	}
	return fmt.Sprintf("baseOffset: %d lastOffset: %d count: %d baseSequence: %d lastSequence: %d producerId: %d producerEpoch: %d "+
		"partitionLeaderEpoch: %d isTransactional: %t isControl: %t deleteHorizonMs: %s position: %d %s: %d size: %d magic: %d "+
		"compresscodec: %s crc: %d isvalid: %t", b.BaseOffset, b.LastOffset, b.Count, b.BaseSequence, b.LastSequence, b.ProducerID,
		b.ProducerEpoch, b.PartitionLeaderEpoch, b.IsTransactional, b.IsControl, horizon, b.Position, b.TimestampType, b.Timestamp,
		b.Size, b.Magic, b.Codec, b.CRC, b.Valid)
}

// Record is a record of a batch, in the words of kafka-dump-log. Key, Payload and Control are there where they are asked for.
type Record struct {
	Offset        int64    `json:"offset"`
	TimestampType string   `json:"timestampType"`
	Timestamp     int64    `json:"timestamp"`
	KeySize       int      `json:"keySize"`   // -1: none
	ValueSize     int      `json:"valueSize"` // -1: none
	Sequence      int32    `json:"sequence"`
	HeaderKeys    []string `json:"headerKeys"`
	Key           *string  `json:"key,omitempty"`
	Payload       *string  `json:"payload,omitempty"`
	Control       string   `json:"control,omitempty"`
	short         bool
}

func (r Record) String() string {
	var b strings.Builder
	b.WriteString("|")
	if !r.short {
		fmt.Fprintf(&b, " offset: %d %s: %d keySize: %d valueSize: %d sequence: %d headerKeys: [%s]", r.Offset, r.TimestampType, r.Timestamp,
			r.KeySize, r.ValueSize, r.Sequence, strings.Join(r.HeaderKeys, ","))
	}
	if r.Control != "" {
		b.WriteString(" " + r.Control)
	}
	if r.Key != nil {
		b.WriteString(" key: " + *r.Key)
	}
	if r.Payload != nil {
		b.WriteString(" payload: " + *r.Payload)
	}
	return b.String()
}

func dumpSegment(disk env.Disk, name string, o DumpOptions, emit func(Item) error) error {
	file, err := disk.Open(name, 0)
	if err != nil {
		return err
	}
	defer file.Close()
	scan, err := openPieces(file)
	if err != nil {
		return err
	}
	_, base := commitlog.KindOf(name[strings.LastIndexByte(name, '/')+1:])
	if err := emit(Text{fmt.Sprintf("Log starting offset: %d", base)}); err != nil {
		return err
	}
	for o.MaxBytes == 0 || scan.at < o.MaxBytes {
		p, err := scan.next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if err := dumpPiece(p, o, emit); err != nil {
			return err
		}
	}
	return nil
}

func dumpPiece(p piece, o DumpOptions, emit func(Item) error) error {
	if p.zeros {
		return emit(Text{fmt.Sprintf("Found %d bytes of zeros at position %d", p.size, p.position)})
	}
	if p.batch == nil {
		return emit(Text{fmt.Sprintf("Found %d invalid bytes at position %d: %v", p.size, p.position, p.err)})
	}
	if err := emit(batchOf(p)); err != nil {
		return err
	}
	if p.err != nil || !(o.Records || o.Data || o.Decode != nil) {
		return nil
	}
	index := int32(0)
	for r, err := range p.batch.Records(decompressedMax) {
		if err != nil {
			return emit(Text{fmt.Sprintf("| records can't be read: %v", err)})
		}
		if p.batch.IsControl() && o.SkipMetadata {
			continue
		}
		if err := emit(recordOf(p.batch, r, o, index)); err != nil {
			return err
		}
		index++
	}
	return nil
}

func recordOf(batch record.Batch, r record.Record, o DumpOptions, index int32) Record {
	out := Record{
		Offset: r.Offset, TimestampType: timestampName(batch), Timestamp: r.Timestamp, KeySize: sizeOf(r.Key), ValueSize: sizeOf(r.Value),
		Sequence: record.NoSequence, short: o.SkipMetadata,
	}
	if s := batch.BaseSequence(); s != record.NoSequence {
		out.Sequence = record.AddSequence(s, int32(r.Offset-batch.BaseOffset()))
	}
	for _, h := range r.Headers {
		value := "null"
		if h.Value != nil {
			value = string(h.Value)
		}
		out.HeaderKeys = append(out.HeaderKeys, h.Key+":"+value)
	}
	switch {
	case batch.IsControl():
		out.Control = controlOf(r)
	case o.Decode != nil:
		key, payload := o.Decode(r.Key, r.Value)
		out.Key, out.Payload = &key, &payload
	case o.Data:
		if r.Key != nil {
			key := string(r.Key)
			out.Key = &key
		}
		payload := string(r.Value)
		out.Payload = &payload
	}
	return out
}

func sizeOf(b []byte) int {
	if b == nil {
		return -1
	}
	return len(b)
}

func controlOf(r record.Record) string {
	marker, ok, err := record.ParseMarker(r)
	if err != nil {
		return err.Error()
	}
	if !ok {
		return "controlType: " + strconv.Itoa(int(marker.Type))
	}
	kind := "ABORT"
	if marker.Type == record.ControlCommit {
		kind = "COMMIT"
	}
	return fmt.Sprintf("endTxnMarker: %s coordinatorEpoch: %d", kind, marker.CoordinatorEpoch)
}
