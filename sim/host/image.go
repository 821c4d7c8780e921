package host

import (
	"encoding/binary"
	"os"
)

// image is what a guest's memory holds before it has begun: its data segments, laid out. Go's linker writes about a hundred thousand
// of them, which an instance would evaluate and copy one by one at each start of a process.
type image struct {
	bytes []byte
	file  *os.File // has the bytes, to be mapped; nil where that can't be
}

// Sections and codes of a WebAssembly module.
const (
	wasmHeader       = 8 // magic and version
	sectionData      = 11
	sectionDataCount = 12
	segmentActive    = 0 // of memory 0, at an offset that an expression gives
	opI32Const       = 0x41
	opEnd            = 0x0b
)

// splitImage takes the data segments out of a module and returns what is left of it, and the memory that they make. A module that isn't
// well formed, or that has segments of another kind than Go's linker writes, is returned whole, with no image: its compiler will have a say.
func splitImage(wasm []byte) (module, memory []byte) {
	if len(wasm) < wasmHeader {
		return wasm, nil
	}
	module = append(module, wasm[:wasmHeader]...)
	for rest := (wasmReader{left: wasm[wasmHeader:]}); len(rest.left) > 0; {
		before := rest.left
		id, body := rest.byte(), wasmReader{left: rest.take(rest.number())}
		if id == sectionData {
			memory = body.segments()
			rest.bad = rest.bad || body.bad
		}
		if rest.bad {
			return wasm, nil
		}
		if id != sectionData && id != sectionDataCount {
			module = append(module, before[:len(before)-len(rest.left)]...)
		}
	}
	return module, memory
}

// wasmReader reads a module's parts. What isn't there reads as zero, and makes it bad.
type wasmReader struct {
	left []byte
	bad  bool
}

func (r *wasmReader) take(n uint64) []byte {
	if n > uint64(len(r.left)) {
		r.bad, r.left = true, nil
		return nil
	}
	taken := r.left[:n]
	r.left = r.left[n:]
	return taken
}

func (r *wasmReader) byte() byte {
	if b := r.take(1); len(b) == 1 {
		return b[0]
	}
	return 0
}

// number reads a number of variable length. A signed one reads the same, as long as it is neither negative nor close to it.
func (r *wasmReader) number() uint64 {
	v, n := binary.Uvarint(r.left)
	if n <= 0 {
		r.bad, r.left = true, nil
		return 0
	}
	r.left = r.left[n:]
	return v
}

// imageMax bounds an image: an offset beyond it is none that was meant.
const imageMax = 1 << 28

// segments lays out the body of a data section.
func (r *wasmReader) segments() (memory []byte) {
	for count := r.number(); count > 0 && !r.bad; count-- {
		kind, op, offset, end := r.byte(), r.byte(), r.number(), r.byte()
		data := r.take(r.number())
		if kind != segmentActive || op != opI32Const || end != opEnd || offset > imageMax || len(data) > imageMax {
			r.bad = true
			return nil
		}
		if needed := int(offset) + len(data); needed > len(memory) {
			memory = append(memory, make([]byte, needed-len(memory))...)
		}
		copy(memory[offset:], data)
	}
	return memory
}

// close lets go the image's file. Memory that was made of it stays as it is.
func (i *image) close() error {
	if i.file == nil {
		return nil
	}
	return i.file.Close()
}
