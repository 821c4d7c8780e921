package env

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path"
)

func isNotExist(err error) bool { return errors.Is(err, fs.ErrNotExist) }

// ReadFile returns the whole content of a file. A file of more than limit bytes is an error, so that a damaged size can't
// ask for the machine's memory.
func ReadFile(d Disk, name string, limit int64) ([]byte, error) {
	f, err := d.Open(name, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	size, err := f.Size()
	if err != nil {
		return nil, err
	}
	if size > limit {
		return nil, fmt.Errorf("%s: %d bytes is more than the limit of %d", name, size, limit)
	}
	content := make([]byte, size)
	if n, err := f.ReadAt(content, 0); n < len(content) && err != nil && err != io.EOF {
		return nil, err
	} else {
		content = content[:n]
	}
	return content, nil
}

// WriteFileAtomic replaces name by content so that a crash at any point leaves the old content or the new, whole: it
// writes and syncs a temporary file beside it, renames it, and syncs the directory.
func WriteFileAtomic(d Disk, name string, content []byte) error {
	temporary := name + ".tmp"
	f, err := d.Open(temporary, os.O_CREATE|os.O_TRUNC)
	if err != nil {
		return err
	}
	_, err = f.WriteAt(content, 0)
	if err == nil {
		err = f.Sync()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", temporary, err)
	}
	if err := d.Rename(temporary, name); err != nil {
		return err
	}
	return d.SyncDir(path.Dir(name))
}

// Copy writes length bytes of f from offset to w by way of memory, and returns how many were written: what a Sender does
// without the detour. A file that ends early gives io.ErrUnexpectedEOF.
func Copy(w io.Writer, f io.ReaderAt, offset, length int64) (int64, error) {
	n, err := io.Copy(w, io.NewSectionReader(f, offset, length))
	if err == nil && n < length {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// SendFile writes length bytes of f from offset to conn, by the file's own fast path where it has one.
func SendFile(conn net.Conn, f File, offset, length int64) (int64, error) {
	if sender, ok := f.(Sender); ok {
		return sender.SendTo(conn, offset, length)
	}
	return Copy(conn, f, offset, length)
}
