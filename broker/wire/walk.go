package wire

import (
	"encoding/binary"
	"errors"
)

// What a walk can find wrong with a message. Parse and Conn wrap them in ErrMalformed with the message's name.
var (
	errCut      = errors.New("ends before its content does")
	errNull     = errors.New("null where the version allows none")
	errLeftOver = errors.New("bytes left over behind it")
	errTagSize  = errors.New("tag is not of the size it says")
	errPresence = errors.New("neither null nor there")
	errElements = errors.New("more elements than ElementsMax")
)

// walker checks bytes against a shape without allocating. After the first error the rest is empty and every step ends.
type walker struct {
	rest        []byte
	version     int16
	flexible    bool
	elements    int  // that may still come
	fromOutside bool // a request: a client wrote it
	err         error
}

// walk checks that body is exactly one message of this shape and version.
func (m *messageShape) walk(version int16, body []byte) error {
	length, err := m.measure(version, body, false)
	if err == nil && length < len(body) {
		err = errLeftOver
	}
	return err
}

// measure checks that body begins with a message of this shape and version, and says how long that is.
func (m *messageShape) measure(version int16, body []byte, fromOutside bool) (length int, err error) {
	w := walker{rest: body, fromOutside: fromOutside, version: version, flexible: m.flexible.has(version), elements: ElementsMax}
	w.structure(m.fields)
	return len(body) - len(w.rest), w.err
}

func (w *walker) fail(err error) {
	if w.err == nil {
		w.err = err
	}
	w.rest = nil
}

func (w *walker) skip(n int) {
	if n > len(w.rest) {
		w.fail(errCut)
		return
	}
	w.rest = w.rest[n:]
}

func (w *walker) uvarint() uint32 {
	value, n := uvarint(w.rest)
	if n == 0 {
		w.fail(errCut)
		return 0
	}
	w.rest = w.rest[n:]
	return value
}

// uvarint reads an unsigned varint of at most 32 bits; n is 0 when there is none.
func uvarint(b []byte) (value uint32, n int) {
	for i := 0; i < len(b) && i < 5; i++ {
		if i == 4 && b[i] > 0x0f {
			return 0, 0
		}
		value |= uint32(b[i]&0x7f) << (7 * i)
		if b[i] < 0x80 {
			return value, i + 1
		}
	}
	return 0, 0
}

// spend counts n elements of what a message may have.
func (w *walker) spend(n int) {
	if n > w.elements {
		w.fail(errElements)
		return
	}
	w.elements -= n
}

func (w *walker) structure(fields []*shape) {
	for _, f := range fields {
		if f.versions.has(w.version) && !f.tagged.has(w.version) {
			w.field(f)
		}
		if w.err != nil {
			return
		}
	}
	if w.flexible {
		w.tags(fields)
	}
}

func (w *walker) field(f *shape) {
	switch {
	case f.array:
		w.array(f)
	case f.kind == kindStruct && f.nullable.has(w.version):
		if w.present() {
			w.structure(f.fields)
		}
	default:
		w.value(f, f.nullable.has(w.version))
	}
}

func (w *walker) value(f *shape, nullable bool) {
	switch f.kind {
	case kindFixed:
		w.skip(f.size)
	case kindString:
		w.sized(w.length(2), nullable)
	case kindBytes:
		w.sized(w.length(4), nullable)
	case kindStruct:
		w.structure(f.fields)
	}
}

// present reads the byte before a nullable structure: negative says that it is null (KIP-893).
func (w *walker) present() bool {
	if len(w.rest) == 0 {
		w.fail(errCut)
		return false
	}
	is := int8(w.rest[0])
	if is < -1 {
		w.fail(errPresence) // null in the reference, and there for kmsg; nobody writes it
		return false
	}
	w.rest = w.rest[1:]
	return is >= 0
}

// length reads a length or count: a signed integer of that many bytes, or uvarint + 1 in a flexible version; -1 is null.
// As in the reference, any negative number is.
func (w *walker) length(bytes int) int {
	if w.flexible {
		return int(int64(w.uvarint()) - 1)
	}
	if len(w.rest) < bytes {
		w.fail(errCut)
		return 0
	}
	var n int
	if bytes == 2 {
		n = int(int16(binary.BigEndian.Uint16(w.rest)))
	} else {
		n = int(int32(binary.BigEndian.Uint32(w.rest)))
	}
	w.rest = w.rest[bytes:]
	return max(n, -1)
}

func (w *walker) sized(n int, nullable bool) {
	if n < 0 {
		if !nullable {
			w.fail(errNull)
		}
		return
	}
	w.skip(n)
}

func (w *walker) array(f *shape) {
	count := w.length(4)
	if count < 0 {
		w.sized(count, f.nullable.has(w.version))
		return
	}
	if count > len(w.rest) { // an element has a byte at least
		w.fail(errCut)
		return
	}
	if f.kind == kindFixed {
		w.skip(count * f.size)
		return
	}
	w.spend(count)
	for ; count > 0 && w.err == nil; count-- {
		w.value(f, false)
	}
}

// tags walks a tag section: what this version knows must be as it should, anything else is skipped. Of a request the tags of later
// versions must be right, too: kmsg decodes them in every version, as in the first that has them.
func (w *walker) tags(fields []*shape) {
	count := w.uvarint()
	if int64(count) > int64(len(w.rest)) {
		w.fail(errCut)
		return
	}
	w.spend(int(count))
	for ; count > 0 && w.err == nil; count-- {
		tag, size := w.uvarint(), w.uvarint()
		if int64(size) > int64(len(w.rest)) {
			w.fail(errCut)
			return
		}
		after := w.rest[size:]
		if f := taggedField(fields, tag); f != nil && (w.fromOutside || f.tagged.has(w.version) && f.versions.has(w.version)) {
			version := w.version
			w.rest, w.version = w.rest[:size], max(version, f.tagged.first)
			w.field(f)
			w.version = version
			if w.err == nil && len(w.rest) > 0 {
				w.fail(errTagSize)
			}
		}
		if w.err != nil {
			return
		}
		w.rest = after
	}
}

func taggedField(fields []*shape, tag uint32) *shape {
	for _, f := range fields {
		if f.tag == tag && f.tagged != noVersions {
			return f
		}
	}
	return nil
}
