package host

import (
	"bytes"
	"context"
	"slices"
	"testing"

	"github.com/tetratelabs/wazero"
)

// segmented is a module with a memory of one page, exported as memory, and three data segments, the last over the end of the first.
var segmented = slices.Concat([]byte("\x00asm\x01\x00\x00\x00"),
	[]byte{5, 3, 1, 0, 1},
	[]byte{7, 10, 1, 6}, []byte("memory"), []byte{2, 0},
	[]byte{sectionDataCount, 1, 3},
	[]byte{sectionData, 28, 3},
	[]byte{0, opI32Const, 4, opEnd, 5}, []byte("hello"),
	[]byte{0, opI32Const, 0xc0, 0x02, opEnd, 3}, []byte("far"),
	[]byte{0, opI32Const, 8, opEnd, 3}, []byte("p, "),
)

// A guest begins with the memory that its data segments make, whichever way it came there, and writes no other's.
func TestImageIsWhatSegmentsMake(t *testing.T) {
	ctx := context.Background()
	runtime := wazero.NewRuntime(ctx)
	defer runtime.Close(ctx)
	plain, err := runtime.Instantiate(ctx, segmented)
	if err != nil {
		t.Fatal(err)
	}
	want, _ := plain.Memory().Read(0, plain.Memory().Size())
	program, err := Compile(ctx, segmented, CompileOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer program.Close()
	if !bytes.HasPrefix(program.image.bytes, []byte("\x00\x00\x00\x00hellp, \x00")) {
		t.Errorf("the image is %q", program.image.bytes)
	}
	for range 2 {
		module, err := program.instantiate(ctx, &Node{})
		if err != nil {
			t.Fatal(err)
		}
		got, _ := module.Memory().Read(0, module.Memory().Size())
		if !bytes.Equal(got, want) {
			t.Errorf("a guest begins with %q in place of %q", got[:16], want[:16])
		}
		copy(got, "overwritten by one")
	}
	heap := &heapMemory{image: program.image}
	if got := heap.Reallocate(uint64(len(want))); !bytes.Equal(got, want) {
		t.Errorf("on the heap a guest begins with %q in place of %q", got[:16], want[:16])
	}
}

// What is no module of the expected form is left alone, wherever it breaks off.
func TestNoImageOfOtherModules(t *testing.T) {
	passive := bytes.Replace(segmented, []byte{3, 0, opI32Const, 4}, []byte{3, 1, opI32Const, 4}, 1)
	if module, memory := splitImage(passive); !bytes.Equal(module, passive) || memory != nil {
		t.Error("a passive segment was taken for an active one")
	}
	for n := range len(segmented) {
		module, memory := splitImage(segmented[:n])
		if memory != nil {
			t.Errorf("%d bytes of %d made an image", n, len(segmented))
		}
		if !bytes.HasPrefix(segmented, module) {
			t.Errorf("%d bytes of %d were changed", n, len(segmented))
		}
	}
}
