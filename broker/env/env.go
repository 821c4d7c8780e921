// Package env is the seam between the broker and the world it runs in: a network to listen and dial on, and a disk to
// keep files on. Everything above it is the same code in the real world, in the simulated one and in a unit test.
//
// Time and entropy are not part of the seam. Inside a simulated guest the Go runtime's clock, timers and random source
// are themselves answered by the simulator, so libraries that know nothing of this package are simulated as they are.
//
// Implementations: osenv (the real machine), guestenv (a wasip1 guest of the simulator) and memenv (in memory, for unit
// tests). All three pass the suite of envtest, which is the definition of every promise made in the comments here.
package env

import (
	"context"
	"errors"
	"io"
	"net"
)

// Env is one node's world.
type Env struct {
	Net  Net
	Disk Disk
}

// Net makes stream connections. Addresses are "host:port".
//
// Connections behave as TCP's. Bytes arrive in order and once, or the connection fails. A read gives what is there; a
// write waits for a reader who is behind. Deadlines work as package net describes them. Each connection also has the method
// CloseWrite() error, after which the peer reads to EOF and can still answer. Close with everything read ends the stream
// cleanly; Close with bytes unread, or the death of the process, resets it: the peer's reads end with an error that is not
// io.EOF, perhaps before the last bytes that were sent to it, and its writes fail sooner or later. What is blocked on a
// connection or listener of this node that is closed ends with net.ErrClosed.
type Net interface {
	// Listen accepts connections on address. Port 0 picks a free port, told by the listener's Addr. An address is free
	// again as soon as its listener is closed; connections that it accepted live on.
	Listen(address string) (net.Listener, error)
	// Dial connects to address. It fails at once when the peer's machine refuses. Where nothing answers it ends with ctx,
	// by context.Canceled or a net.Error that says Timeout, or when the system gives up, which takes minutes.
	Dial(ctx context.Context, address string) (net.Conn, error)
}

// TryWriter is a Net that can write to its connections without waiting, as a Net may lack.
type TryWriter interface {
	// TryWriter returns a function that writes as much of p as conn takes at once, from none to all, and says how much that
	// was; less than all is no error. It must not run beside another write. nil says that conn can't.
	TryWriter(conn net.Conn) func(p []byte) (n int, err error)
}

// TryWriterOf is n's function for conn, nil when there is none.
func TryWriterOf(n Net, conn net.Conn) func(p []byte) (n int, err error) {
	if t, ok := n.(TryWriter); ok {
		return t.TryWriter(conn)
	}
	return nil
}

// Errors that a Disk's operations wrap, whatever the implementation; test with errors.Is. A missing file is fs.ErrNotExist
// and an existing one fs.ErrExist, as in package os.
var (
	// ErrNoSpace says that the disk is full (ENOSPC). A write that failed so may have been done in part.
	ErrNoSpace = errors.New("no space left on device")
	// ErrLocked says that a process holds the lock already.
	ErrLocked = errors.New("locked by a process")
)

// Disk is a tree of files. Names are slash-separated paths; an implementation says what they are relative to.
//
// What survives depends on how the node stops. A process that dies loses nothing that a call had returned from. A machine
// that loses power keeps, of a file, what Sync made durable, and any part of what was written since, at a grain of
// blocks; and, of a directory, the entries as they were at its last SyncDir, or as any later change made them.
type Disk interface {
	// Open opens a file for reading and writing. flag is a set of os.O_CREATE, os.O_EXCL and os.O_TRUNC.
	// The parent directory must exist. A directory can't be opened.
	Open(name string, flag int) (File, error)
	// MkdirAll makes a directory and those above it; an existing directory is no error.
	MkdirAll(dir string) error
	// Rename moves a file or directory in one step: whoever looks sees the old state or the new. A file replaces an existing
	// file of the new name, whose open handles keep it; nothing replaces a directory. Durable after SyncDir of the
	// directories concerned.
	Rename(oldName, newName string) error
	// Remove deletes a file or an empty directory. An open file stays readable until it is closed.
	Remove(name string) error
	// List returns the names in a directory, sorted, without dir itself.
	List(dir string) ([]string, error)
	// Stat describes a file or directory.
	Stat(name string) (Info, error)
	// SyncDir makes the entries of a directory durable: files created in it, renamed into or out of it, removed from it.
	SyncDir(dir string) error
	// Lock takes an exclusive lock in the name of this process, kept until Close or the process's death, or fails at once
	// with ErrLocked, also when it is this process that has the lock. The file is created when it is missing, and stays.
	Lock(name string) (io.Closer, error)
	// BootID names the time since the machine last started: as long as it is the same, whatever was written is readable,
	// synced or not. An empty string says that the machine can't tell, and must be taken as always different.
	BootID() string
}

// Spacer is a Disk that can tell how large the file system is that a directory is on, and how much of it can still be written by
// this process, in bytes.
type Spacer interface {
	Space(dir string) (total, usable int64, err error)
}

// Info is what Stat tells of a file.
type Info struct {
	Size  int64 // bytes; 0 for a directory
	IsDir bool
}

// File is an open file. Reads and writes at different places may run at the same time.
type File interface {
	// ReadAt reads len(p) bytes at off, or fewer with an error that is io.EOF at the end of the file.
	io.ReaderAt
	// WriteAt writes p at off, growing the file where it must; a gap reads as zeros.
	io.WriterAt
	// Truncate sets the size, in bytes; growth reads as zeros.
	Truncate(size int64) error
	// Sync makes the content and the size durable. After an error nothing is known of what is on the disk, and a later
	// success does not heal that (ext4 drops the dirty pages): the caller must not count on anything written since the
	// last success.
	Sync() error
	// Size is the current size, in bytes.
	Size() (int64, error)
	io.Closer
}

// Sender is a File that can move its bytes to a connection without bringing them into the process (sendfile). A File that
// lacks it, or a connection that it can't serve, is read and written instead.
type Sender interface {
	// SendTo writes length bytes from offset to conn and returns how many were written. Many may run at once on one File.
	// It keeps conn's write deadline, and ends with io.ErrUnexpectedEOF where the file does.
	SendTo(conn net.Conn, offset, length int64) (int64, error)
}

// RemoveAll deletes name and, for a directory, all below it. A missing name is no error.
func RemoveAll(d Disk, name string) error {
	info, err := d.Stat(name)
	if isNotExist(err) {
		return nil
	}
	if err != nil {
		return err
	}
	if info.IsDir {
		names, err := d.List(name)
		if err != nil {
			return err
		}
		for _, child := range names {
			if err := RemoveAll(d, name+"/"+child); err != nil {
				return err
			}
		}
	}
	if err := d.Remove(name); err != nil && !isNotExist(err) {
		return err
	}
	return nil
}
