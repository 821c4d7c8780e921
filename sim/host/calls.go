package host

import (
	"context"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"odradek/sim/trace"
)

// The modules that a guest imports from: the system interface that Go's wasip1 port uses, and what it lacks.
const (
	wasiModule = "wasi_snapshot_preview1"
	ownModule  = "odradek"
)

// call is a host function. params has a letter for each parameter: i for 32 bits, I for 64.
type call struct {
	module, name, params string
	set                  func(p *process, s []uint64) CallSet
	run                  func(p *process, s []uint64) errno
}

// calls is every host function but for the clock, which has its own short way. An op of the trace is an index into it.
var calls = []call{
	{wasiModule, "args_get", "ii", nil, argsGet},
	{wasiModule, "args_sizes_get", "ii", nil, argsSizesGet},
	{wasiModule, "environ_get", "ii", nil, environGet},
	{wasiModule, "environ_sizes_get", "ii", nil, environSizesGet},
	{wasiModule, "random_get", "ii", nil, randomGet},
	{wasiModule, "sched_yield", "", nil, schedYield},
	{wasiModule, "proc_exit", "i", nil, procExit},
	{wasiModule, "poll_oneoff", "iiii", nil, pollOneoff},
	{wasiModule, "fd_close", "i", nil, fdClose},
	{wasiModule, "fd_fdstat_get", "ii", nil, fdFdstatGet},
	{wasiModule, "fd_fdstat_set_flags", "ii", nil, fdFdstatSetFlags},
	{wasiModule, "fd_filestat_get", "ii", nil, fdFilestatGet},
	{wasiModule, "fd_filestat_set_size", "iI", always(Truncates), fdFilestatSetSize},
	{wasiModule, "fd_pread", "iiiIi", always(Reads), fdPread},
	{wasiModule, "fd_prestat_dir_name", "iii", nil, fdPrestatDirName},
	{wasiModule, "fd_prestat_get", "ii", nil, fdPrestatGet},
	{wasiModule, "fd_pwrite", "iiiIi", always(Writes), fdPwrite},
	{wasiModule, "fd_read", "iiii", ofStream(Receives, Reads), fdRead},
	{wasiModule, "fd_readdir", "iiiIi", nil, fdReaddir},
	{wasiModule, "fd_seek", "iIii", nil, fdSeek},
	{wasiModule, "fd_sync", "i", ofDirectory(SyncDirs, Syncs), fdSync},
	{wasiModule, "fd_write", "iiii", ofStream(Sends, Writes), fdWrite},
	{wasiModule, "path_create_directory", "iii", always(Creates), pathCreateDirectory},
	{wasiModule, "path_filestat_get", "iiiii", nil, pathFilestatGet},
	{wasiModule, "path_filestat_set_times", "iiiiIIi", nil, pathFilestatSetTimes},
	{wasiModule, "path_link", "iiiiiii", nil, pathLink},
	{wasiModule, "path_open", "iiiiiIIii", opening, pathOpen},
	{wasiModule, "path_readlink", "iiiiii", nil, pathReadlink},
	{wasiModule, "path_remove_directory", "iii", always(Removes), pathRemoveDirectory},
	{wasiModule, "path_rename", "iiiiii", always(Renames), pathRename},
	{wasiModule, "path_symlink", "iiiii", nil, pathSymlink},
	{wasiModule, "path_unlink_file", "iii", always(Removes), pathUnlinkFile},
	{wasiModule, "sock_accept", "iii", nil, sockAccept},
	{wasiModule, "sock_shutdown", "ii", nil, sockShutdown},
	{ownModule, "dial", "iii", always(Dials), dial},
	{ownModule, "dial_status", "i", nil, dialStatus},
	{ownModule, "listen", "iii", nil, listen},
	{ownModule, "address", "iiiii", nil, address},
	{ownModule, "boot_id", "iii", nil, bootID},
	{ownModule, "lock", "i", nil, lock},
	{ownModule, "sync_start", "ii", ofDirectory(SyncDirs, Syncs), syncStart},
	{ownModule, "sync_finish", "i", nil, syncFinish},
}

func opNames() []string {
	names := make([]string, len(calls)+1)
	for i, c := range calls {
		names[i] = c.name
	}
	names[opClock] = "clock_time_get"
	return names
}

var opClock = trace.Op(len(calls))

// linkKernel makes the host functions known to a runtime.
func linkKernel(ctx context.Context, runtime wazero.Runtime) error {
	wasi, own := runtime.NewHostModuleBuilder(wasiModule), runtime.NewHostModuleBuilder(ownModule)
	for i, c := range calls {
		builder, results := wasi, []api.ValueType{api.ValueTypeI32}
		if c.module == ownModule {
			builder = own
		}
		if c.name == "proc_exit" {
			results = nil
		}
		builder.NewFunctionBuilder().WithGoFunction(enter(trace.Op(i), &c), valueTypes(c.params), results).Export(c.name)
	}
	wasi.NewFunctionBuilder().
		WithGoFunction(api.GoFunc(clockTimeGet), valueTypes("iIi"), []api.ValueType{api.ValueTypeI32}).Export("clock_time_get")
	if _, err := wasi.Instantiate(ctx); err != nil {
		return err
	}
	_, err := own.Instantiate(ctx)
	return err
}

func valueTypes(params string) []api.ValueType {
	types := make([]api.ValueType, len(params))
	for i := range types {
		types[i] = api.ValueTypeI64
		if params[i] == 'i' {
			types[i] = api.ValueTypeI32
		}
	}
	return types
}

// enter is what every host function does around its work: the upper halves of 32-bit parameters, which are garbage on
// wazero's stack, are cut off; the call is charged and traced; and traps and ends that came to pass meanwhile take effect.
func enter(op trace.Op, c *call) api.GoFunc {
	var short [9]bool
	for i := range len(c.params) {
		short[i] = c.params[i] == 'i'
	}
	count := len(c.params)
	return func(ctx context.Context, stack []uint64) {
		p := ctx.(*process)
		for i := range count {
			if short[i] {
				stack[i] = uint64(uint32(stack[i]))
			}
		}
		p.u.queue.Spend(p.u.config.CallCost)
		p.checkEnds()
		if len(p.node.traps) > 0 {
			p.springTraps(c, stack)
		}
		p.args = callArgs{}
		result := c.run(p, stack)
		p.u.trace.Call(int64(p.u.queue.Now()), p.node.index, op, p.args.a, p.args.b, p.args.c, uint64(result))
		if p.endAfter != Alive && p.reason == Alive {
			p.reason = p.endAfter
		}
		if p.reason != Alive {
			panic(errEnded)
		}
		stack[0] = uint64(result)
	}
}

// comment explains the call in the trace's text.
func (p *process) comment(what, text string) {
	p.u.trace.Comment(int64(p.u.queue.Now()), p.node.index, what, text)
}

// bytes is the guest's memory from ptr on; false says that it isn't the guest's.
func (p *process) bytes(ptr, length uint64) ([]byte, bool) {
	return p.mem.Read(uint32(ptr), uint32(length))
}

// text is a string in the guest's memory.
func (p *process) text(ptr, length uint64) (string, bool) {
	if length > maxPath {
		return "", false
	}
	b, ok := p.bytes(ptr, length)
	return string(b), ok
}

// maxPath bounds paths and addresses, as PATH_MAX does.
const maxPath = 4096

func (p *process) put32(ptr uint64, v uint32) errno {
	if !p.mem.WriteUint32Le(uint32(ptr), v) {
		return errFault
	}
	return errOK
}

func (p *process) put64(ptr uint64, v uint64) errno {
	if !p.mem.WriteUint64Le(uint32(ptr), v) {
		return errFault
	}
	return errOK
}
