package host

import (
	"odradek/sim/disksim"
	"odradek/sim/trace"
)

// Calls on names.

// path finds the name that a call gives relative to a directory's descriptor.
func (p *process) path(fd, ptr, length uint64) (string, errno) {
	d := p.fd(fd)
	switch {
	case d == nil:
		return "", errBadFD
	case d.kind != kindDir:
		return "", errNotDir
	}
	name, ok := p.text(ptr, length)
	if !ok {
		return "", errFault
	}
	p.args.c = p.args.c*31 + trace.SumString(name)
	p.comment("path", name)
	return d.path + "/" + name, errOK
}

// Flags of path_open.
const (
	openCreate    = 1
	openDirectory = 2
	openExclusive = 4
	openTruncate  = 8
)

// rightWrite is the right to write through the descriptor, which nobody has to a directory.
const rightWrite = 1 << 6

func pathOpen(p *process, s []uint64) errno {
	name, e := p.path(s[0], s[2], s[3])
	if e != errOK {
		return e
	}
	p.args.a = s[4]
	flags := disksim.OpenFlags{
		Create: s[4]&openCreate != 0, Exclusive: s[4]&openExclusive != 0,
		Truncate: s[4]&openTruncate != 0, Directory: s[4]&openDirectory != 0,
	}
	file, err := p.node.disk.Open(name, flags)
	p.spend(p.node.disk.Took(p.u.queue.Now(), flags.Create || flags.Truncate))
	if err != nil {
		return number(err)
	}
	d := &descriptor{kind: kindFile, flags: uint16(s[7]), file: file}
	if file.Info().IsDir {
		if s[5]&rightWrite != 0 && !flags.Directory {
			file.Close()
			return errIsDir
		}
		d.kind, d.path = kindDir, name
	}
	fd := p.add(d)
	p.args.b = uint64(fd)
	return p.put32(s[8], fd)
}

// named makes a call of a change to one name.
func (p *process) named(s []uint64, change func(name string) error) errno {
	name, e := p.path(s[0], s[1], s[2])
	if e != errOK {
		return e
	}
	e = number(change(name))
	p.spend(p.node.disk.Took(p.u.queue.Now(), true))
	return e
}

func pathCreateDirectory(p *process, s []uint64) errno {
	return p.named(s, p.node.disk.Mkdir)
}

func pathRemoveDirectory(p *process, s []uint64) errno {
	return p.named(s, func(name string) error { return p.node.disk.Remove(name, true) })
}

func pathUnlinkFile(p *process, s []uint64) errno {
	return p.named(s, func(name string) error { return p.node.disk.Remove(name, false) })
}

func pathRename(p *process, s []uint64) errno {
	from, e := p.path(s[0], s[1], s[2])
	if e != errOK {
		return e
	}
	to, e := p.path(s[3], s[4], s[5])
	if e != errOK {
		return e
	}
	e = number(p.node.disk.Rename(from, to))
	p.spend(p.node.disk.Took(p.u.queue.Now(), true))
	return e
}

func pathFilestatGet(p *process, s []uint64) errno {
	name, e := p.path(s[0], s[2], s[3])
	if e != errOK {
		return e
	}
	info, err := p.node.disk.Stat(name)
	if err != nil {
		return number(err)
	}
	p.args.a = uint64(info.Size)
	fileType := uint8(typeRegular)
	if info.IsDir {
		fileType = typeDirectory
	}
	return p.putStat(s[4], info, fileType)
}

// pathFilestatSetTimes takes the times and forgets them: see putStat.
func pathFilestatSetTimes(p *process, s []uint64) errno {
	name, e := p.path(s[0], s[2], s[3])
	if e != errOK {
		return e
	}
	_, err := p.node.disk.Stat(name)
	return number(err)
}

// The disk has no links, as FAT has none.
func pathLink(*process, []uint64) errno     { return errNotSup }
func pathSymlink(*process, []uint64) errno  { return errNotSup }
func pathReadlink(*process, []uint64) errno { return errInvalid }
