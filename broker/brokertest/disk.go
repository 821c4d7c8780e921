package brokertest

import (
	"strings"
	"time"

	"odradek/broker/env/memenv"
)

// SlowDisk has every read, write and sync of the node take that much longer; 0 makes it quick again.
func (n *Node) SlowDisk(delay time.Duration) {
	n.setHook(func(op memenv.Op) error {
		switch op.Kind {
		case memenv.OpRead, memenv.OpWrite, memenv.OpSync:
			time.Sleep(delay)
		}
		return nil
	}, delay > 0)
}

// quorumDir holds the metadata quorum's files, below dataDir.
const quorumDir = dataDir + "/__cluster_metadata/"

// FailDisk has whatever the node reads, writes or syncs of its partitions fail with err, until it is called with nil. The broker
// then does what it does in earnest: it ends, so that others lead (Err tells why), and Start starts it again. The files of
// the metadata quorum are spared, as on a disk of their own.
func (n *Node) FailDisk(err error) {
	n.mu.Lock()
	n.diskFailed = n.diskFailed || err != nil
	n.mu.Unlock()
	n.setHook(func(op memenv.Op) error {
		switch op.Kind {
		case memenv.OpRead, memenv.OpWrite, memenv.OpSync, memenv.OpTruncate:
			if !strings.HasPrefix(op.Name, quorumDir) {
				return err
			}
		}
		return nil
	}, err != nil)
}

func (n *Node) setHook(hook memenv.Hook, set bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.hook = nil
	if set {
		n.hook = hook
	}
	n.disk.SetHook(n.hook)
}
