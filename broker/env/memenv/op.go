package memenv

import "fmt"

// Kind says what an operation does.
type Kind int

// The operations that a hook is told of.
const (
	OpOpen Kind = iota
	OpMkdirAll
	OpRename
	OpRemove
	OpList
	OpStat
	OpSyncDir
	OpLock
	OpRead
	OpWrite
	OpTruncate
	OpSync
)

var kindNames = [...]string{"open", "mkdir", "rename", "remove", "list", "stat", "syncdir", "lock", "read", "write", "truncate", "sync"}

func (k Kind) String() string { return kindNames[k] }

// Changes reports whether the operation can change what is on the disk or what of it is durable.
func (k Kind) Changes() bool {
	switch k {
	case OpList, OpStat, OpRead:
		return false
	}
	return true
}

// Op is one operation, about to be done.
type Op struct {
	Kind   Kind
	Name   string // of the file or directory, clean and without a leading slash; a file keeps the name it was opened by
	To     string // the new name, of OpRename
	Flag   int    // of OpOpen
	Offset int64  // of OpRead and OpWrite; the new size, of OpTruncate
	Length int    // of OpRead and OpWrite, in bytes
}

func (o Op) String() string {
	switch o.Kind {
	case OpRename:
		return fmt.Sprintf("rename %s to %s", o.Name, o.To)
	case OpRead, OpWrite:
		return fmt.Sprintf("%s %s [%d,+%d]", o.Kind, o.Name, o.Offset, o.Length)
	case OpTruncate:
		return fmt.Sprintf("truncate %s to %d", o.Name, o.Offset)
	}
	return o.Kind.String() + " " + o.Name
}

// Hook is called before each operation, with no lock held: it may count, block, look at the disk, or have the machine
// lose power. The operation is not done when it returns an error, but fails with it. A failed OpSync does what it does on
// Linux: what was dirty then counts as clean, and no later Sync makes it durable unless it is written again.
type Hook func(Op) error
