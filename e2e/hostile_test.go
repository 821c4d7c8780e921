//go:build e2e

package e2e

import (
	"encoding/binary"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"odradek/broker/server/hostile"
)

const (
	hostileStreams   = 20_000
	hostileAtOnce    = 20
	hostileHolders   = 200       // connections that announce 100 MB each and send nothing of it
	hostileRSSMaxKiB = 160 << 10 // of the whole process; what was announced is a hundred times as much
)

// TestHostileStreams sends twenty thousand streams of bytes that are malformed, truncated, oversized or out of order to a
// process, which must answer or hang up, stay within its memory, and go on to serve.
func TestHostileStreams(t *testing.T) {
	node := startNode(t)
	for range hostileHolders {
		conn := node.dial(t)
		defer conn.Close()
		if _, err := conn.Write(binary.BigEndian.AppendUint32(nil, 100<<20)); err != nil {
			t.Fatal(err)
		}
	}
	before := node.memory(t, "VmRSS")
	generator := hostile.New(1)
	for sent := 0; sent < hostileStreams; sent += hostileAtOnce {
		var batch sync.WaitGroup
		for range hostileAtOnce {
			stream := generator.Next()
			batch.Go(func() { attack(t, node.address, stream) })
		}
		batch.Wait()
	}
	t.Logf("%d streams: resident memory %d KiB before, %d after, %d at most", hostileStreams, before, node.memory(t, "VmRSS"), node.memory(t, "VmHWM"))
	if most := node.memory(t, "VmHWM"); most > hostileRSSMaxKiB {
		t.Errorf("the process took %d KiB, more than %d", most, hostileRSSMaxKiB)
	}
	node.serves(t)
}

// attack sends a stream, closes that side, and waits until the broker has hung up.
func attack(t *testing.T, address string, stream hostile.Stream) {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Error(err)
		return
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Error(err)
	}
	if _, err := conn.Write(stream.Bytes); err != nil {
		return // it hung up already
	}
	_ = conn.(*net.TCPConn).CloseWrite() // fails when it hung up already
	if _, err := io.Copy(io.Discard, conn); err != nil {
		if timeout, ok := err.(net.Error); ok && timeout.Timeout() {
			t.Errorf("%s: the broker neither answers nor hangs up\n%x", stream.Kind, stream.Bytes)
		}
	}
}
