package host

import (
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// newImage puts the bytes into a file in memory. Where there can be none, they will be copied.
func newImage(bytes []byte) *image {
	i := &image{bytes: bytes}
	if len(bytes) == 0 {
		return i
	}
	fd, err := unix.MemfdCreate("odradek-guest", unix.MFD_CLOEXEC)
	if err != nil {
		return i
	}
	i.file = os.NewFile(uintptr(fd), "odradek-guest")
	if _, err := i.file.Write(bytes); err != nil {
		i.file.Close()
		i.file = nil
	}
	return i
}

// lay makes the beginning of a mapping be the image. Guests share its pages with each other, but for those that they write.
func (i *image) lay(space []byte) {
	if i.file != nil && len(space) >= len(i.bytes) {
		_, err := unix.MmapPtr(int(i.file.Fd()), 0, unsafe.Pointer(&space[0]), uintptr(len(i.bytes)),
			unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_FIXED)
		if err == nil {
			return
		}
	}
	copy(space, i.bytes)
}
