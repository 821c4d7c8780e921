package history

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
	"unicode/utf8"
)

// Limits of a history. A line holds one poll; its size bounds the reader's memory, together with the number of operations
// that are open at a time.
const (
	lineBytesMax  = 16 << 20
	nameBytesMax  = 256 // of a process, topic, key or value
	errorBytesMax = 4096
	offsetMax     = 1 << 62 // sums of an offset and a count stay in an int64
	partitionMax  = 1 << 24
)

// ErrMalformed wraps everything that is wrong with a history as a text.
var ErrMalformed = errors.New("malformed history")

// A Reader reads a history event by event and holds it to the rules of the format.
type Reader struct {
	lines     *bufio.Reader
	line      int
	header    Header
	processes map[string]*process
}

// process is what the rules need to know of one.
type process struct {
	name string
	time int64
	last int64        // id begun
	open map[int64]Op // begun and not ended
}

// NewReader reads the header.
func NewReader(r io.Reader) (*Reader, error) {
	h := &Reader{lines: bufio.NewReaderSize(r, 64<<10), processes: map[string]*process{}}
	line, err := h.readLine()
	if err == io.EOF {
		return nil, fmt.Errorf("%w: it is empty: the first line is a header with \"odradek_history\":%d", ErrMalformed, Version)
	}
	if err != nil {
		return nil, err
	}
	var version struct {
		Version *int `json:"odradek_history"`
	}
	if err := json.Unmarshal(line, &version); err != nil || version.Version == nil {
		return nil, h.malformed(fmt.Errorf("no header with \"odradek_history\":%d", Version))
	}
	if *version.Version != Version {
		return nil, h.malformed(fmt.Errorf("odradek_history %d: this program reads version %d", *version.Version, Version))
	}
	if err := strict(line, &h.header); err != nil {
		return nil, h.malformed(err)
	}
	return h, nil
}

// Header is the first line.
func (r *Reader) Header() Header { return r.header }

// Next reads one event; io.EOF ends the history.
func (r *Reader) Next() (Event, error) {
	line, err := r.readLine()
	if err != nil {
		return Event{}, err
	}
	var w wireEvent
	if err := strict(line, &w); err != nil {
		return Event{}, r.malformed(err)
	}
	e, err := w.event()
	if err == nil {
		err = e.check()
	}
	if err == nil {
		err = r.follow(&e)
	}
	if err != nil {
		return Event{}, r.malformed(err)
	}
	return e, nil
}

// Events is Next as a sequence; it ends after the first error.
func (r *Reader) Events() iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		for {
			e, err := r.Next()
			if err == io.EOF {
				return
			}
			if !yield(e, err) || err != nil {
				return
			}
		}
	}
}

func (r *Reader) malformed(err error) error {
	return fmt.Errorf("%w: line %d: %w", ErrMalformed, r.line, err)
}

// readLine returns the next line without its newline, valid until the next call. A last line without one was cut off.
func (r *Reader) readLine() ([]byte, error) {
	r.line++
	line, err := r.lines.ReadSlice('\n')
	if err == nil {
		return line[:len(line)-1], nil
	}
	var long []byte
	for err == bufio.ErrBufferFull {
		if len(long)+len(line) > lineBytesMax {
			return nil, r.malformed(fmt.Errorf("longer than %d bytes", lineBytesMax))
		}
		long = append(long, line...)
		line, err = r.lines.ReadSlice('\n')
	}
	long = append(long, line...)
	switch {
	case err == io.EOF && len(long) == 0:
		return nil, io.EOF
	case err == io.EOF:
		return nil, r.malformed(errors.New("the line is cut off: no newline ends it"))
	case err != nil:
		return nil, fmt.Errorf("history: line %d: %w", r.line, err)
	}
	return long[:len(long)-1], nil
}

// strict decodes one JSON object and nothing after it.
func strict(line []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		if err == io.EOF {
			return errors.New("the line is empty")
		}
		return errors.New(strings.TrimPrefix(err.Error(), "json: "))
	}
	if _, err := d.Token(); err != io.EOF {
		return errors.New("something follows the object")
	}
	return nil
}

// wireEvent is an event as JSON: pointers tell an absent field from a zero one.
type wireEvent struct {
	Time       *int64      `json:"t"`
	Process    *string     `json:"process"`
	Type       *Type       `json:"type"`
	Op         *Op         `json:"op"`
	ID         *int64      `json:"id"`
	Topic      *string     `json:"topic"`
	Partition  *int32      `json:"partition"`
	Key        *string     `json:"key"`
	Value      *string     `json:"value"`
	Acks       *Acks       `json:"acks"`
	Idempotent *bool       `json:"idempotent"`
	Offset     *int64      `json:"offset"`
	Positions  *[]Position `json:"positions"`
	Final      *bool       `json:"final"`
	Records    *[]Run      `json:"records"`
	Start      *int64      `json:"start"`
	End        *int64      `json:"end"`
	Error      *string     `json:"error"`
	Tombstone  *bool       `json:"tombstone"`
	Txn        *string     `json:"txn"`
	Copies     *string     `json:"copies"`
	Commit     *bool       `json:"commit"`
	Group      *string     `json:"group"`
	Generation *int32      `json:"generation"`
}

// event checks that the fields are those of the operation and type.
func (w *wireEvent) event() (Event, error) {
	if w.Time == nil || w.Process == nil || w.Type == nil || w.Op == nil || w.ID == nil {
		return Event{}, errors.New("every event has t, process, type, op and id")
	}
	sh, err := shapeOf(*w.Op, *w.Type)
	if err != nil {
		return Event{}, err
	}
	has := w.present()
	if missing := sh.required &^ has; missing != 0 {
		return Event{}, fmt.Errorf("%s of %s lacks %s", *w.Type, *w.Op, missing.names())
	}
	if extra := has &^ (sh.required | sh.optional); extra != 0 {
		return Event{}, fmt.Errorf("%s of %s has %s: allowed are %s", *w.Type, *w.Op, extra.names(), (sh.required | sh.optional).names())
	}
	return Event{
		Time: *w.Time, Process: *w.Process, Type: *w.Type, Op: *w.Op, ID: *w.ID,
		Topic: value(w.Topic), Partition: value(w.Partition), Key: value(w.Key), Value: value(w.Value),
		Acks: value(w.Acks), Idempotent: value(w.Idempotent), Tombstone: value(w.Tombstone), Offset: value(w.Offset),
		Positions: value(w.Positions), Final: value(w.Final), Runs: value(w.Records),
		Start: value(w.Start), End: value(w.End), Txn: value(w.Txn), Copies: value(w.Copies), Commit: value(w.Commit), Group: value(w.Group),
		Generation: value(w.Generation), Error: value(w.Error),
	}, nil
}

// present follows the bits of field.
func (w *wireEvent) present() field {
	var set field
	for i, is := range [...]bool{w.Topic != nil, w.Partition != nil, w.Key != nil, w.Value != nil, w.Acks != nil, w.Idempotent != nil,
		w.Offset != nil, w.Positions != nil, w.Final != nil, w.Records != nil, w.Start != nil, w.End != nil, w.Error != nil, w.Tombstone != nil, w.Txn != nil, w.Copies != nil, w.Commit != nil,
		w.Group != nil, w.Generation != nil} {
		if is {
			set |= 1 << i
		}
	}
	return set
}

func value[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

// check holds the values of an event's fields against their ranges.
func (e *Event) check() error {
	if e.ID < 1 {
		return fmt.Errorf("id %d: allowed are 1 and above", e.ID)
	}
	if err := checkName("process", e.Process); err != nil {
		return err
	}
	if len(e.Error) > errorBytesMax {
		return fmt.Errorf("error of %d bytes: allowed are %d", len(e.Error), errorBytesMax)
	}
	switch {
	case e.Op == Send && e.Type == Invoke:
		return e.checkSend()
	case e.Op == Send && e.Type == OK:
		return checkPlace(e.Partition, 0, e.Offset, -1)
	case e.Op == Assign && e.Type == Invoke:
		return checkPositions(e.Positions, PositionEarliest)
	case e.Op == Committed && e.Type == Invoke:
		return checkName("group", e.Group)
	case e.Op == Committed && e.Type == OK:
		return checkPositions(e.Positions, 0)
	case e.Op == Commit && e.Type == Invoke:
		return errors.Join(checkName("group", e.Group), checkGeneration(e.Generation), checkPositions(e.Positions, 0))
	case e.Op == Own && e.Type == Invoke:
		return errors.Join(checkName("group", e.Group), checkGeneration(e.Generation), checkName("topic", e.Topic), checkPlace(e.Partition, 0, 0, 0))
	case e.Op == Take && e.Type == Invoke:
		return checkName("group", e.Group)
	case e.Op == Settle && e.Type == Invoke:
		return errors.Join(checkName("group", e.Group), checkPositions(e.Positions, 0))
	case (e.Op == Poll || e.Op == View || e.Op == Take) && e.Type == OK:
		return e.checkRuns()
	case e.Op == EndTxn && e.Type == Invoke:
		return checkName("txn", e.Txn)
	case e.Op == Offsets && e.Type == Invoke:
		return errors.Join(checkName("topic", e.Topic), checkPlace(e.Partition, 0, 0, 0))
	case e.Op == Offsets && e.Type == OK:
		if e.Start < 0 || e.End < e.Start || e.End > offsetMax {
			return fmt.Errorf("start %d, end %d: allowed are 0 <= start <= end", e.Start, e.End)
		}
	case e.Op == Delete && e.Type == Invoke:
		return errors.Join(checkName("topic", e.Topic), checkPlace(e.Partition, 0, e.Offset, 0))
	case e.Op == Delete && e.Type == OK:
		return checkPlace(0, 0, e.Start, 0)
	}
	return nil
}

func checkPositions(positions []Position, offsetMin int64) error {
	for _, p := range positions {
		if err := errors.Join(checkName("topic", p.Topic), checkPlace(p.Partition, 0, p.Offset, offsetMin)); err != nil {
			return err
		}
	}
	return nil
}

func checkGeneration(generation int32) error {
	if generation < 0 {
		return fmt.Errorf("generation %d: allowed are 0 and above", generation)
	}
	return nil
}

func (e *Event) checkSend() error {
	if e.Acks < AcksAll || e.Acks > AcksOne {
		return fmt.Errorf("acks %d: allowed are -1 (all), 0 and 1", e.Acks)
	}
	if len(e.Key) > nameBytesMax {
		return fmt.Errorf("key of %d bytes: allowed are %d", len(e.Key), nameBytesMax)
	}
	if e.Txn != "" {
		if err := checkName("txn", e.Txn); err != nil {
			return err
		}
	}
	if e.Copies != "" {
		if err := checkName("copies", e.Copies); err != nil {
			return err
		}
	}
	return errors.Join(checkName("topic", e.Topic), checkName("value", e.Value), checkPlace(e.Partition, -1, 0, 0))
}

func (e *Event) checkRuns() error {
	for i, r := range e.Runs {
		if err := errors.Join(checkName("topic", r.Topic), checkPlace(r.Partition, 0, r.Offset, 0)); err != nil {
			return fmt.Errorf("records[%d]: %w", i, err)
		}
		if r.Next != 0 && (r.Next < r.Offset+int64(len(r.Values)) || r.Next > offsetMax) {
			return fmt.Errorf("records[%d]: next %d: allowed is %d or above, past the last record", i, r.Next, r.Offset+int64(len(r.Values)))
		}
		for _, v := range r.Values {
			if err := checkName("value", v); err != nil {
				return fmt.Errorf("records[%d]: %w", i, err)
			}
		}
	}
	return nil
}

func checkName(what, name string) error {
	if name == "" || len(name) > nameBytesMax || !utf8.ValidString(name) {
		return fmt.Errorf("%s %.40q: allowed are 1 to %d bytes of UTF-8", what, name, nameBytesMax)
	}
	return nil
}

func checkPlace(partition, partitionMin int32, offset, offsetMin int64) error {
	if partition < partitionMin || partition > partitionMax {
		return fmt.Errorf("partition %d: allowed are %d to %d", partition, partitionMin, partitionMax)
	}
	if offset < offsetMin || offset > offsetMax {
		return fmt.Errorf("offset %d: allowed are %d and above", offset, offsetMin)
	}
	return nil
}

// follow holds an event against those of its process before it.
func (r *Reader) follow(e *Event) error {
	p := r.processes[e.Process]
	if p == nil {
		p = &process{name: e.Process, time: e.Time, open: map[int64]Op{}}
		r.processes[e.Process] = p
	}
	if e.Time < p.time {
		return fmt.Errorf("t %d: process %s was at %d already", e.Time, p.name, p.time)
	}
	p.time = e.Time
	if e.Type == Invoke {
		if e.ID <= p.last {
			return fmt.Errorf("id %d: process %s has begun %d already", e.ID, p.name, p.last)
		}
		p.last = e.ID
		p.open[e.ID] = e.Op
		return nil
	}
	switch op, ok := p.open[e.ID]; {
	case !ok:
		return fmt.Errorf("%s of %s %d: process %s has no such operation open", e.Type, e.Op, e.ID, p.name)
	case op != e.Op:
		return fmt.Errorf("%s of %s %d: process %s began it as %s", e.Type, e.Op, e.ID, p.name, op)
	}
	delete(p.open, e.ID)
	return nil
}
