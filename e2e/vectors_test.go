//go:build e2e

package e2e

import (
	"context"
	"net"
	"os"
	"testing"

	"odradek/broker/api/vectors"
)

// TestVectors asks a process what the reference was asked once, and compares the answers with the recorded ones. The unit tests
// do it over handlers in memory; here the whole program answers, over TCP.
func TestVectors(t *testing.T) {
	node := startNode(t, "min.insync.replicas=1")
	dial := func(ctx context.Context) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "tcp", node.address)
	}
	report, err := vectors.Run(t.Context(), dial, os.DirFS("../broker/api/testdata/vectors"))
	for _, difference := range report.Differences {
		t.Error(difference)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d answers compared", report.Steps)
	if report.Steps < 1000 {
		t.Error("too few answers were compared")
	}
}
