package host

import "odradek/sim/clock"

// What WASI lacks of a disk.

// bootID(buffer, size, &length) names the time since the machine last started.
func bootID(p *process, s []uint64) errno {
	return p.putText(s[0], s[1], s[2], p.node.disk.BootID())
}

// lock(fd) takes the lock of an open file, which it keeps until it is closed, or fails with EAGAIN.
func lock(p *process, s []uint64) errno {
	p.args.a = s[0]
	d, e := p.regular(s[0])
	if e != errOK {
		return e
	}
	return number(d.file.Lock())
}

// syncStart(fd, &op) begins a sync that doesn't stop the other goroutines of the guest, as fd_sync must. It stores a
// descriptor that becomes readable when the sync is done, whose result sync_finish then tells; or, when the sync was done at
// once, it is the sync's result, and no descriptor is stored (op is 0, which is stdin's).
func syncStart(p *process, s []uint64) errno {
	p.args.a = s[0]
	d := p.fd(s[0])
	if d == nil {
		return errBadFD
	}
	if d.file == nil {
		return errInvalid
	}
	sync := d.file.BeginSync(p.u.queue.Now())
	if sync.Took <= p.u.config.BlockAfter {
		p.u.queue.Spend(sync.Took)
		if e := p.put32(s[1], 0); e != errOK {
			return e
		}
		return number(sync.Complete())
	}
	op := &descriptor{kind: kindSync, flags: flagNonblock, sync: sync}
	op.done = clock.NewEvent(func() {
		op.done = nil
		op.result = number(sync.Complete())
		p.notify(op)
	})
	p.u.queue.Arm(op.done, p.u.queue.Now().Add(sync.Took))
	fd := p.add(op)
	p.args.b = uint64(fd)
	return p.put32(s[1], fd)
}

// syncFinish(op) is the result of a sync, or EAGAIN while it is under way.
func syncFinish(p *process, s []uint64) errno {
	p.args.a = s[0]
	op := p.fd(s[0])
	switch {
	case op == nil:
		return errBadFD
	case op.kind != kindSync:
		return errInvalid
	case op.done != nil:
		return errAgain
	}
	return op.result
}
