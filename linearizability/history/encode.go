package history

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"sync"
)

// AppendHeader appends a header's line, with its newline.
func AppendHeader(b []byte, h Header) ([]byte, error) {
	h.Version = Version
	text, err := json.Marshal(h)
	if err != nil {
		return b, fmt.Errorf("history: header: %w", err)
	}
	return append(append(b, text...), '\n'), nil
}

// AppendEvent appends an event's line, with its newline. It is written by hand because clients run inside universes, where
// their computing is what a run costs most. It fails on an event that the decoder would refuse for its fields' values.
func AppendEvent(b []byte, e *Event) ([]byte, error) {
	sh, err := shapeOf(e.Op, e.Type)
	if err == nil {
		err = e.check()
	}
	if err != nil {
		return b, fmt.Errorf("history: %w", err)
	}
	b = append(b, `{"t":`...)
	b = strconv.AppendInt(b, e.Time, 10)
	b = appendText(b, "process", e.Process)
	b = appendText(b, "type", string(e.Type))
	b = appendText(b, "op", string(e.Op))
	b = appendNumber(b, "id", e.ID)
	has := sh.required
	if e.Key != "" {
		has |= sh.optional & fKey
	}
	if e.Tombstone {
		has |= sh.optional & fTombstone
	}
	if e.Final {
		has |= sh.optional & fFinal
	}
	if e.Txn != "" {
		has |= sh.optional & fTxn
	}
	if e.Copies != "" {
		has |= sh.optional & fCopies
	}
	b = appendFields(b, e, has)
	return append(b, '}', '\n'), nil
}

func appendFields(b []byte, e *Event, has field) []byte {
	if has&fGroup != 0 {
		b = appendText(b, "group", e.Group)
	}
	if has&fGeneration != 0 {
		b = appendNumber(b, "generation", int64(e.Generation))
	}
	if has&fTopic != 0 {
		b = appendText(b, "topic", e.Topic)
	}
	if has&fPartition != 0 {
		b = appendNumber(b, "partition", int64(e.Partition))
	}
	if has&fKey != 0 {
		b = appendText(b, "key", e.Key)
	}
	if has&fValue != 0 {
		b = appendText(b, "value", e.Value)
	}
	if has&fAcks != 0 {
		b = appendNumber(b, "acks", int64(e.Acks))
	}
	if has&fIdempotent != 0 {
		b = strconv.AppendBool(append(b, `,"idempotent":`...), e.Idempotent)
	}
	if has&fTombstone != 0 {
		b = append(b, `,"tombstone":true`...)
	}
	if has&fOffset != 0 {
		b = appendNumber(b, "offset", e.Offset)
	}
	if has&fPositions != 0 {
		b = appendPositions(b, e.Positions)
	}
	if has&fFinal != 0 {
		b = append(b, `,"final":true`...)
	}
	if has&fRecords != 0 {
		b = appendRuns(b, e.Runs)
	}
	if has&fStart != 0 {
		b = appendNumber(b, "start", e.Start)
	}
	if has&fEnd != 0 {
		b = appendNumber(b, "end", e.End)
	}
	if has&fTxn != 0 {
		b = appendText(b, "txn", e.Txn)
	}
	if has&fCopies != 0 {
		b = appendText(b, "copies", e.Copies)
	}
	if has&fCommit != 0 {
		b = strconv.AppendBool(append(b, `,"commit":`...), e.Commit)
	}
	if has&fError != 0 {
		b = appendText(b, "error", e.Error)
	}
	return b
}

func appendPositions(b []byte, positions []Position) []byte {
	b = append(b, `,"positions":[`...)
	for i, p := range positions {
		b = appendPartition(b, i, p.Topic, p.Partition, p.Offset)
		b = append(appendLeaderEpoch(b, p.LeaderEpoch), '}')
	}
	return append(b, ']')
}

func appendRuns(b []byte, runs []Run) []byte {
	b = append(b, `,"records":[`...)
	for i, r := range runs {
		b = appendPartition(b, i, r.Topic, r.Partition, r.Offset)
		if r.Next != 0 {
			b = appendNumber(b, "next", r.Next)
		}
		b = appendLeaderEpoch(b, r.LeaderEpoch)
		b = append(b, `,"values":[`...)
		for j, v := range r.Values {
			if j > 0 {
				b = append(b, ',')
			}
			b = appendString(b, v)
		}
		b = append(b, ']', '}')
	}
	return append(b, ']')
}

// appendPartition opens the i-th object of a list with what positions and runs have in common.
func appendPartition(b []byte, i int, topic string, partition int32, offset int64) []byte {
	if i > 0 {
		b = append(b, ',')
	}
	b = appendString(append(b, `{"topic":`...), topic)
	b = appendNumber(b, "partition", int64(partition))
	return appendNumber(b, "offset", offset)
}

func appendLeaderEpoch(b []byte, epoch int32) []byte {
	if epoch == 0 {
		return b
	}
	return appendNumber(b, "leader_epoch", int64(epoch))
}

func appendNumber(b []byte, name string, v int64) []byte {
	b = append(append(append(b, ',', '"'), name...), '"', ':')
	return strconv.AppendInt(b, v, 10)
}

func appendText(b []byte, name, v string) []byte {
	b = append(append(append(b, ',', '"'), name...), '"', ':')
	return appendString(b, v)
}

// appendString writes plain text itself and leaves the rest to the standard encoder.
func appendString(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c >= 0x7f || c == '"' || c == '\\' {
			text, err := json.Marshal(s)
			if err != nil {
				panic("history: a string has no JSON: " + err.Error()) // encoding/json replaces what is not UTF-8
			}
			return append(b, text...)
		}
	}
	return append(append(append(b, '"'), s...), '"')
}

// A Writer writes events one to a Write call, from any goroutine, and keeps no more than one line. Its first error stays.
type Writer struct {
	mu   sync.Mutex
	w    io.Writer
	line []byte
	err  error
}

// NewWriter writes the header.
func NewWriter(w io.Writer, h Header) (*Writer, error) {
	line, err := AppendHeader(nil, h)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(line); err != nil {
		return nil, fmt.Errorf("history: %w", err)
	}
	return &Writer{w: w}, nil
}

// NewLineWriter writes events only: a client's part, of which somebody else makes a history.
func NewLineWriter(w io.Writer) *Writer { return &Writer{w: w} }

// Write writes one event.
func (w *Writer) Write(e *Event) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.write(e)
}

func (w *Writer) write(e *Event) error {
	if w.err != nil {
		return w.err
	}
	line, err := AppendEvent(w.line[:0], e)
	if err != nil {
		return err // of this event alone: nothing was written
	}
	w.line = line
	if _, err := w.w.Write(line); err != nil {
		w.err = fmt.Errorf("history: %w", err)
	}
	return w.err
}
