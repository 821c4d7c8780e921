package host

import (
	"context"
	"encoding/binary"

	"github.com/tetratelabs/wazero/sys"

	"odradek/sim/trace"
)

// Arguments, environment, entropy, time and exit.

func argsSizesGet(p *process, s []uint64) errno    { return p.stringSizes(s, p.node.args) }
func argsGet(p *process, s []uint64) errno         { return p.strings(s, p.node.args) }
func environSizesGet(p *process, s []uint64) errno { return p.stringSizes(s, p.node.env) }
func environGet(p *process, s []uint64) errno      { return p.strings(s, p.node.env) }

// stringSizes stores how many strings there are and how long they are together with their terminators.
func (p *process) stringSizes(s []uint64, list []string) errno {
	total := 0
	for _, text := range list {
		total += len(text) + 1
	}
	if e := p.put32(s[0], uint32(len(list))); e != errOK {
		return e
	}
	return p.put32(s[1], uint32(total))
}

// strings stores the strings at s[1] and their addresses at s[0].
func (p *process) strings(s []uint64, list []string) errno {
	address, at := s[0], s[1]
	for _, text := range list {
		p.args.c = p.args.c*31 + trace.SumString(text)
		if e := p.put32(address, uint32(at)); e != errOK {
			return e
		}
		if !p.mem.WriteString(uint32(at), text) || !p.mem.WriteByte(uint32(at)+uint32(len(text)), 0) {
			return errFault
		}
		address, at = address+4, at+uint64(len(text))+1
	}
	return errOK
}

func randomGet(p *process, s []uint64) errno {
	b, ok := p.bytes(s[0], s[1])
	if !ok {
		return errFault
	}
	for rest := b; len(rest) > 0; {
		var word [8]byte
		binary.LittleEndian.PutUint64(word[:], p.node.entropy.Uint64())
		rest = rest[copy(rest, word[:]):]
	}
	p.args.b, p.args.c = s[1], trace.Sum(b)
	return errOK
}

func schedYield(*process, []uint64) errno { return errOK }

func procExit(p *process, s []uint64) errno {
	p.u.trace.Note(int64(p.u.queue.Now()), p.node.index, "proc_exit", sys.NewExitError(uint32(s[0])).Error())
	panic(sys.NewExitError(uint32(s[0])))
}

// clockRealtime is the number of the calendar; any other clock is the monotonic one.
const clockRealtime = 0

// clockTimeGet is by far the most frequent call, so it goes around everything that it can do without.
func clockTimeGet(ctx context.Context, stack []uint64) {
	p := ctx.(*process)
	u := p.u
	u.queue.Spend(u.config.ClockCost)
	now := u.queue.Now()
	if p.reason != Alive || u.doomed.Load() || now.Sub(p.began) > u.config.SpinLimit {
		p.checkEnds()
	}
	id := uint32(stack[0])
	reading := p.reading(id, now)
	result := p.put64(uint64(uint32(stack[2])), uint64(reading))
	u.trace.Call(int64(now), p.node.index, opClock, uint64(id), uint64(reading), 0, uint64(result))
	stack[0] = uint64(result)
}
