//go:build !linux

package host

func newImage(bytes []byte) *image { return &image{bytes: bytes} }

func (i *image) lay(space []byte) { copy(space, i.bytes) }
