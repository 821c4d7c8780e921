package bench

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"time"
)

// The limit is what this machine does when nothing but the bytes is moved: a process that writes to a file what comes over a
// connection, a batch at a time, without looking at it or answering; and one that sends a file by sendfile. Its batches are as long as
// those of client batches: a file system likes writes that begin and end with its blocks better, and no log has such.

// What a connection to the sink begins with.
const (
	limitWrite byte = 'w' // what follows, up to EOF, is written; the answer is its size, int64
	limitRead  byte = 'r' // the file is sent
)

// ServeLimit is the process at the other end: it serves one connection after the other until ctx ends.
func ServeLimit(ctx context.Context, listener net.Listener, file *os.File, batchBytes int) error {
	stop := context.AfterFunc(ctx, func() { listener.Close() })
	defer stop()
	for {
		conn, err := listener.Accept()
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		err = serveLimit(conn, file, batchBytes)
		if closeErr := conn.Close(); err == nil {
			err = closeErr
		}
		if err != nil {
			return err
		}
	}
}

func serveLimit(conn net.Conn, file *os.File, batchBytes int) error {
	buf := make([]byte, batchBytes)
	if _, err := io.ReadFull(conn, buf[:1]); err != nil {
		return err
	}
	if buf[0] == limitRead {
		if _, err := file.Seek(0, io.SeekStart); err != nil {
			return err
		}
		_, err := io.Copy(conn, file) // sendfile, on Linux
		return err
	}
	for at := int64(0); ; {
		n, err := io.ReadFull(conn, buf)
		if _, err := file.WriteAt(buf[:n], at); err != nil {
			return err
		}
		at += int64(n)
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return binary.Write(conn, binary.BigEndian, at)
		case err != nil:
			return err
		}
	}
}

// LimitBatchBytes is the size of the batches that the limit is measured with.
func (w Workload) LimitBatchBytes() (int, error) {
	w = w.withDefaults()
	if w.Client != clientBatches {
		return int(w.BatchBytes), nil
	}
	batch, _, err := makeBatch(newPayload(w), int(w.BatchBytes))
	return len(batch), err
}

// Limit measures it for a workload's volume and batch size. command is this program as it becomes the sink; it must print its
// address.
func (w Workload) Limit(ctx context.Context, command *exec.Cmd) (*Result, error) {
	w = w.withDefaults()
	if err := w.check(); err != nil {
		return nil, err
	}
	out, err := command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := command.Start(); err != nil {
		return nil, err
	}
	defer func() {
		_ = command.Process.Kill() // it has nothing to lose
		_ = command.Wait()
	}()
	address, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return nil, fmt.Errorf("the sink does not say where it is: %w", err)
	}
	address = strings.TrimSpace(address)
	result := &Result{Workload: w, Began: time.Now().UTC(), Machine: thisMachine()}
	pids := []int{command.Process.Pid}
	if result.Produce, err = w.limitPart(ctx, pids, address, w.fill); err != nil {
		return nil, fmt.Errorf("sink: %w", err)
	}
	if result.Consume, err = w.limitPart(ctx, pids, address, w.drain); err != nil {
		return nil, fmt.Errorf("source: %w", err)
	}
	result.Broker = result.Consume.Broker
	result.Broker.CPUSeconds += result.Produce.Broker.CPUSeconds
	return result, nil
}

func (w Workload) limitPart(ctx context.Context, pids []int, address string, move func(*net.TCPConn) (int64, error)) (Part, error) {
	gauge, err := newGauge(pids, nil)
	if err != nil {
		return Part{}, err
	}
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return Part{}, err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	moved, err := move(conn.(*net.TCPConn))
	if err != nil {
		return Part{}, errors.Join(context.Cause(ctx), err)
	}
	done := newRecorder()
	done.add(moved/int64(max(w.RecordBytes, 1)), moved, time.Now())
	return gauge.read(done, 0)
}

// fill sends what the workload's values come to.
func (w Workload) fill(conn *net.TCPConn) (int64, error) {
	total := w.Records * int64(w.RecordBytes)
	size, err := w.LimitBatchBytes()
	if err != nil {
		return 0, err
	}
	buf := make([]byte, max(size, 1))
	if _, err := conn.Write([]byte{limitWrite}); err != nil {
		return 0, err
	}
	for left := total; left > 0; left -= int64(len(buf)) {
		buf = buf[:min(int64(len(buf)), left)]
		if _, err := conn.Write(buf); err != nil {
			return 0, err
		}
	}
	if err := conn.CloseWrite(); err != nil {
		return 0, err
	}
	var written int64
	if err := binary.Read(conn, binary.BigEndian, &written); err != nil {
		return 0, err
	}
	if written != total {
		return 0, fmt.Errorf("%d of %d bytes were written", written, total)
	}
	return total, nil
}

// drain reads the file back.
func (w Workload) drain(conn *net.TCPConn) (int64, error) {
	if _, err := conn.Write([]byte{limitRead}); err != nil {
		return 0, err
	}
	return io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{conn}, make([]byte, 256<<10))
}
