package chaos

import (
	"slices"
	"strings"
)

// A Kind names what a fault does. [Kinds] lists all; [Kind.Doc] says each in a sentence.
type Kind string

// The kinds of fault. Bytes inside a live TCP stream are never dropped, repeated or reordered by any of them: a cut link
// holds what is sent and delivers it when the cut ends, unless the connection gives up before.
const (
	Isolate      Kind = "isolate"
	Split        Kind = "split"
	OneWay       Kind = "one-way"
	Bridge       Kind = "bridge"
	Ring         Kind = "ring"
	Reset        Kind = "reset"
	SlowLink     Kind = "slow-link"
	LoseConns    Kind = "lose-connections"
	NoConnects   Kind = "no-connects"
	ShortIO      Kind = "short-io"
	Crash        Kind = "crash"
	CrashAtCall  Kind = "crash-at-call"
	CrashAtPoint Kind = "crash-at-point"
	PowerLoss    Kind = "power-loss"
	Stop         Kind = "stop"
	CrashLoop    Kind = "crash-loop"
	MemoryLimit  Kind = "memory-limit"
	OldVersion   Kind = "old-version"
	SlowDisk     Kind = "slow-disk"
	StallDisk    Kind = "stall-disk"
	DiskError    Kind = "disk-error"
	FullDisk     Kind = "full-disk"
	FailedDir    Kind = "failed-directory"
	BitRot       Kind = "bit-rot"
	Misdirected  Kind = "misdirected-write"
	WipeDisk     Kind = "wipe-disk"
	OldDisk      Kind = "old-disk"
	SwapDisks    Kind = "swap-disks"
	Pause        Kind = "pause"
	ClockStep    Kind = "clock-step"
	ClockDrift   Kind = "clock-drift"
)

// param is a set of the fields of Params.
type param uint

const (
	pClients param = 1 << iota
	pDirection
	pDelay
	pBandwidth
	pCall
	pPoint
	pNth
	pFactor
	pOp
	pShare
	pBytes
	pEvery
	pStep
	pRefuse
	pPPM
	pDir
)

// A class says which part of a node or of the network a kind acts on, and so what overlapping faults have in common.
type class int

const (
	onLinks   class = iota // between nodes, and between nodes and clients
	onProcess              // takes the process away; undoing it starts the process again
	onDisk
	onMemory
	onClock // the process stands still, or its clocks are wrong
)

// kindSpec is all that is known of a kind: what it needs and what it may have.
type kindSpec struct {
	kind     Kind
	class    class
	instant  bool  // happens at once and has no end: For must be zero
	params   param // allowed
	required param // a subset of params
	minNodes int   // smaller clusters have no such fault
	doc      string
}

// catalogue is in the order in which people read it; Draw depends on names only.
var catalogue = []kindSpec{
	{Isolate, onLinks, false, pClients, 0, 1,
		"each target is cut off from every other node, and from clients too with clients=true"},
	{Split, onLinks, false, pClients, 0, 2,
		"the targets are one side, the other nodes the other; clients lose the targets' side with clients=true"},
	{OneWay, onLinks, false, pClients | pDirection, pDirection, 1,
		"what goes to (direction=in) or comes from (direction=out) the targets is held back; the other way is open"},
	{Bridge, onLinks, false, 0, 0, 3,
		"the one target sees everybody; the other nodes form two halves, by number, that do not see each other"},
	{Ring, onLinks, false, 0, 0, 4,
		"every node sees a majority, counting itself, of its neighbours by number, and no two see the same; target all"},
	{Reset, onLinks, true, pClients, 0, 1,
		"every connection of the targets to other nodes is reset, to clients too with clients=true"},
	{SlowLink, onLinks, false, pClients | pDelay | pBandwidth, 0, 1,
		"links of the targets get a delay, a bandwidth, or both"},
	{LoseConns, onLinks, false, pClients, 0, 1,
		"what is sent on the targets' open connections to other nodes is lost, and neither end is told; new connections are good"},
	{NoConnects, onLinks, false, pRefuse, 0, 1,
		"connects to the targets get no answer, or are refused with refuse=true, while their processes live and open connections stay"},
	{ShortIO, onLinks, false, pShare, pShare, 1,
		"a share of the reads and writes of the targets' sockets move only a part of what they could"},
	{Crash, onProcess, false, 0, 0, 1,
		"the process dies as by kill -9; what it wrote stays in the page cache; it starts again after for"},
	{CrashAtCall, onProcess, false, pCall, pCall, 1,
		"armed at its time: the process dies at its call-th host call from then, before the call takes effect; " +
			"after for it is disarmed, and the process is up again"},
	{CrashAtPoint, onProcess, false, pPoint | pNth, pPoint, 1,
		"as crash-at-call, at the nth (default first) call of the named kind"},
	{PowerLoss, onProcess, false, 0, 0, 1,
		"the process dies and its disk forgets what was not synced, blocks and directory entries; it starts again after for"},
	{Stop, onProcess, false, 0, 0, 1,
		"a clean stop, as by SIGTERM; it starts again after for"},
	{CrashLoop, onProcess, false, pEvery, pEvery, 1,
		"the process dies as by kill -9 and starts again at once, each time when it has lived for every"},
	{MemoryLimit, onMemory, false, pBytes, 0, 1,
		"the process gets so many more bytes of memory than it has (default none), and no other of the node more, and dies for lack of it"},
	{OldVersion, onProcess, false, 0, 0, 1,
		"a clean stop, and the node comes back at once with the older build that the run was given; after for it is upgraded by another"},
	{SlowDisk, onDisk, false, pFactor, pFactor, 1,
		"every disk operation takes factor times as long"},
	{StallDisk, onDisk, false, 0, 0, 1,
		"no disk operation ends before the fault does"},
	{DiskError, onDisk, false, pOp | pShare, pOp | pShare, 1,
		"a share of the calls of op (read, write or sync) fails with EIO; what a failed sync had to write is never written; " +
			"a process that ends for it is started again, here and below"},
	{FullDisk, onDisk, false, pBytes, 0, 1,
		"there is room for so many more bytes (default none), and then ENOSPC"},
	{FailedDir, onDisk, false, pDir, pDir, 1,
		"every call for the log directory of number dir (from 1 on), and for what is in it, fails with EIO; after for, the directory is as it " +
			"was and the process is killed and started again, as it has given the directory up until then"},
	{BitRot, onDisk, false, pShare, pShare, 1,
		"a share of the reads of logs find a sector garbled; the medium itself is good"},
	{Misdirected, onDisk, false, pShare, pShare, 1,
		"a share of the writes land in another block of their file, and say nothing"},
	{WipeDisk, onProcess, false, 0, 0, 3,
		"the process dies and finds an empty disk when it starts again after for"},
	{OldDisk, onDisk, false, 0, 0, 4,
		"an image of the disk is taken; after for the machine loses its power and comes back with that image"},
	{SwapDisks, onProcess, false, 0, 0, 2,
		"two processes die and come back with each other's disks, which they must refuse; after for each has its own again"},
	{Pause, onClock, false, 0, 0, 1,
		"the process stands still, its connections stay open, as in a long stop-the-world collection"},
	{ClockStep, onClock, false, pStep, pStep, 1,
		"the calendar is step ahead, or behind when that is negative; timers are as they were"},
	{ClockDrift, onClock, false, pPPM, pPPM, 1,
		"the clocks run ppm millionths too fast, or too slow when that is negative: calendar and timers"},
}

// byHand lists the kinds that are never drawn: no broker promises to come back by itself from what they leave behind.
// An older build has to be given to the run: see WithVersions.
var byHand = []Kind{Misdirected, OldVersion}

// mayKill lists the kinds for which a process may end by its own decision, so that nothing it can't vouch for is believed.
var mayKill = []Kind{DiskError, FullDisk, FailedDir, BitRot, Misdirected, MemoryLimit}

// Ops lists the names that a disk-error fault may have.
var Ops = []string{"read", "write", "sync"}

// Points lists the names that a crash-at-point fault may have: the disk calls between which a store can be torn.
var Points = []string{"create", "remove", "rename", "sync", "sync-dir", "truncate", "write"}

// Kinds lists every kind, in the order of the documentation.
func Kinds() []Kind {
	out := make([]Kind, len(catalogue))
	for i, s := range catalogue {
		out[i] = s.kind
	}
	return out
}

// Doc says in a sentence what the kind does; empty for an unknown kind.
func (k Kind) Doc() string {
	if s := k.spec(); s != nil {
		return s.doc
	}
	return ""
}

// TakesProcess is true of the kinds that take the process away (or are armed to), and whose undoing starts it again.
func (k Kind) TakesProcess() bool { s := k.spec(); return s != nil && s.class == onProcess }

// OnDisk is true of the kinds that act on a disk alone.
func (k Kind) OnDisk() bool { s := k.spec(); return s != nil && s.class == onDisk }

// MayKill is true of the kinds that can make a process end by its own decision.
func (k Kind) MayKill() bool { return slices.Contains(mayKill, k) }

// Partitions is true of the kinds that cut links: [Links] says which.
func (k Kind) Partitions() bool {
	return slices.Contains([]Kind{Isolate, Split, OneWay, Bridge, Ring}, k)
}

func (k Kind) spec() *kindSpec {
	for i := range catalogue {
		if catalogue[i].kind == k {
			return &catalogue[i]
		}
	}
	return nil
}

func kindNames() string { return joinKinds(Kinds()) }

func joinKinds(kinds []Kind) string {
	names := make([]string, len(kinds))
	for i, k := range kinds {
		names[i] = string(k)
	}
	return strings.Join(names, ", ")
}
