package raftstore

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path"
	"time"

	"github.com/hashicorp/raft"

	"odradek/broker/env"
)

// An entry in a segment, integers big-endian:
//
//	length     uint32  of everything after crc
//	crc        uint32  CRC-32C of the previous entry's crc (the first index, as 8 bytes, for the first entry) and of what follows
//	index      uint64
//	term       uint64
//	type       uint8   raft.LogType
//	appendedAt int64   nanoseconds since 1970, 0 when unknown
//	extensions uint32  length, and as many bytes
//	data               the rest
//
// Each CRC covers the one before it, so that an entry is only valid after the very entries it was written after: what a write
// that failed left behind the end can't pass for the log's continuation once other entries were written over its beginning.
const (
	entryHeader = 8
	entryFixed  = 8 + 8 + 1 + 8 + 4
	// entryBytesMax bounds an entry's length: more than the largest batch of metadata.
	entryBytesMax = 256 << 20
)

// segment is one file of consecutive entries.
type segment struct {
	name    string
	file    env.File
	first   uint64
	offsets []int64 // of each entry; Invariant: offsets[i] is that of index first+i
	end     int64   // where the next entry goes
	crc     uint32  // of the last entry, the next one's seed
}

func segmentName(dir string, first uint64) string {
	return path.Join(dir, fmt.Sprintf("%020d.log", first))
}

func firstCRC(first uint64) uint32 {
	return crc32.Checksum(binary.BigEndian.AppendUint64(nil, first), castagnoli)
}

// createSegment makes an empty segment, whose name is durable on return.
func createSegment(disk env.Disk, dir string, first uint64) (*segment, error) {
	name := segmentName(dir, first)
	file, err := disk.Open(name, os.O_CREATE|os.O_TRUNC)
	if err != nil {
		return nil, err
	}
	if err := disk.SyncDir(dir); err != nil {
		file.Close()
		return nil, err
	}
	return &segment{name: name, file: file, first: first, crc: firstCRC(first)}, nil
}

// openSegment reads a segment. Of the last one what follows the last good entry is cut off; any other must be good to its end.
func openSegment(disk env.Disk, dir string, first uint64, isLast bool) (*segment, error) {
	name := segmentName(dir, first)
	file, err := disk.Open(name, 0)
	if err != nil {
		return nil, err
	}
	s := &segment{name: name, file: file, first: first, crc: firstCRC(first)}
	size, err := s.scan()
	switch {
	case err != nil:
	case s.end < size && !isLast:
		err = fmt.Errorf("%w: %s at %d of %d bytes", ErrCorrupt, name, s.end, size)
	case s.end < size:
		err = file.Truncate(s.end)
	}
	if err == nil && isLast {
		err = s.makeDurable()
	}
	if err != nil {
		file.Close()
		return nil, err
	}
	return s, nil
}

// makeDurable makes durable what scan has found. The process before may have written it and not synced it, or a sync of its may have
// failed, after which the kernel takes for clean what never reached the disk: so all of it is written again. (The same bytes over
// themselves; a crash can't tear them.) Every entry is verified once more before it is written: a disk that now reads wrongly must not
// be made wrong.
func (s *segment) makeDurable() error {
	const flushAt = 1 << 20
	var buf []byte
	from, seed := int64(0), firstCRC(s.first)
	for i, at := range s.offsets {
		body, crc, err := s.readTwice(at, s.end, seed)
		if err != nil {
			return err
		}
		if body == nil {
			return fmt.Errorf("%w: %s at %d, which could be read before", ErrCorrupt, s.name, at)
		}
		buf = binary.BigEndian.AppendUint32(buf, uint32(len(body)))
		buf = binary.BigEndian.AppendUint32(buf, crc)
		buf = append(buf, body...)
		seed = crc
		if len(buf) < flushAt && i < len(s.offsets)-1 {
			continue
		}
		if _, err := s.file.WriteAt(buf, from); err != nil {
			return err
		}
		from, buf = from+int64(len(buf)), buf[:0]
	}
	return s.file.Sync()
}

// scan finds the good entries and returns the file's size.
func (s *segment) scan() (size int64, err error) {
	if size, err = s.file.Size(); err != nil {
		return 0, err
	}
	for {
		body, crc, err := s.readTwice(s.end, size, s.crc)
		if err != nil {
			return 0, err
		}
		if body == nil || binary.BigEndian.Uint64(body) != s.first+uint64(len(s.offsets)) {
			return size, nil
		}
		s.offsets = append(s.offsets, s.end)
		s.end += entryHeader + int64(len(body))
		s.crc = crc
	}
}

// readTwice is readAt, which asks the disk again before it says that there is no good entry: what is cut off for it was
// answered for, and the disk's first answer may have been wrong.
func (s *segment) readTwice(offset, size int64, seed uint32) (body []byte, crc uint32, err error) {
	if body, crc, err = s.readAt(offset, size, seed); body == nil && err == nil {
		return s.readAt(offset, size, seed)
	}
	return body, crc, err
}

// readAt returns the body of the entry at an offset, nil when there is no good one.
func (s *segment) readAt(offset, size int64, seed uint32) (body []byte, crc uint32, err error) {
	var header [entryHeader]byte
	if size-offset < entryHeader+entryFixed {
		return nil, 0, nil
	}
	if err := readFull(s.file, header[:], offset); err != nil {
		return nil, 0, err
	}
	length, crc := binary.BigEndian.Uint32(header[:]), binary.BigEndian.Uint32(header[4:])
	if length < entryFixed || length > entryBytesMax || int64(length) > size-offset-entryHeader {
		return nil, 0, nil
	}
	body = make([]byte, length)
	if err := readFull(s.file, body, offset+entryHeader); err != nil {
		return nil, 0, err
	}
	if chain(seed, body) != crc || int64(binary.BigEndian.Uint32(body[25:])) > int64(len(body)-entryFixed) {
		return nil, 0, nil
	}
	return body, crc, nil
}

func readFull(file env.File, p []byte, offset int64) error {
	if n, err := file.ReadAt(p, offset); n < len(p) {
		if err == nil || err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return err
	}
	return nil
}

func chain(seed uint32, body []byte) uint32 {
	return crc32.Update(crc32.Checksum(binary.BigEndian.AppendUint32(nil, seed), castagnoli), castagnoli, body)
}

// get reads an entry that the segment has.
func (s *segment) get(index uint64, log *raft.Log) error {
	i := index - s.first
	next := s.end
	if i+1 < uint64(len(s.offsets)) {
		next = s.offsets[i+1]
	}
	seed, err := s.crcBefore(i)
	if err != nil {
		return err
	}
	body, _, err := s.readTwice(s.offsets[i], next, seed)
	if err != nil {
		return fmt.Errorf("%s, index %d: %w", s.name, index, err)
	}
	if body == nil {
		return fmt.Errorf("%w: %s, index %d", ErrCorrupt, s.name, index)
	}
	decodeEntry(body, log)
	return nil
}

// crcBefore is the seed of entry i.
func (s *segment) crcBefore(i uint64) (uint32, error) {
	if i == 0 {
		return firstCRC(s.first), nil
	}
	var crc [4]byte
	if err := readFull(s.file, crc[:], s.offsets[i-1]+4); err != nil {
		return 0, fmt.Errorf("%s: %w", s.name, err)
	}
	return binary.BigEndian.Uint32(crc[:]), nil
}

func decodeEntry(body []byte, log *raft.Log) {
	extensions := entryFixed + int(binary.BigEndian.Uint32(body[25:]))
	*log = raft.Log{
		Index: binary.BigEndian.Uint64(body),
		Term:  binary.BigEndian.Uint64(body[8:]),
		Type:  raft.LogType(body[16]),
		Data:  body[extensions:],
	}
	if extensions > entryFixed {
		log.Extensions = body[entryFixed:extensions]
	}
	if nanos := int64(binary.BigEndian.Uint64(body[17:])); nanos != 0 {
		log.AppendedAt = time.Unix(0, nanos)
	}
}

// appendEntry adds an entry's bytes to b and returns its crc.
func appendEntry(b []byte, seed uint32, log *raft.Log) ([]byte, uint32) {
	start := len(b)
	b = append(b, make([]byte, entryHeader)...)
	b = binary.BigEndian.AppendUint64(b, log.Index)
	b = binary.BigEndian.AppendUint64(b, log.Term)
	b = append(b, byte(log.Type))
	var nanos int64
	if !log.AppendedAt.IsZero() {
		nanos = log.AppendedAt.UnixNano()
	}
	b = binary.BigEndian.AppendUint64(b, uint64(nanos))
	b = binary.BigEndian.AppendUint32(b, uint32(len(log.Extensions)))
	b = append(b, log.Extensions...)
	b = append(b, log.Data...)
	body := b[start+entryHeader:]
	crc := chain(seed, body)
	binary.BigEndian.PutUint32(b[start:], uint32(len(body)))
	binary.BigEndian.PutUint32(b[start+4:], crc)
	return b, crc
}

// append writes entries in one write and makes them durable. After an error the segment is as before, unless failed is set:
// then nothing is known of it.
func (s *segment) append(logs []*raft.Log) (failed bool, err error) {
	var buf []byte
	offsets, crc := s.offsets, s.crc
	for _, log := range logs {
		if entryFixed+len(log.Data)+len(log.Extensions) > entryBytesMax {
			return false, fmt.Errorf("raftstore: entry of %d bytes is too large", len(log.Data))
		}
		offsets = append(offsets, s.end+int64(len(buf)))
		buf, crc = appendEntry(buf, crc, log)
	}
	if _, err := s.file.WriteAt(buf, s.end); err != nil {
		// The chained CRCs make leftovers harmless, but not those of this very write if it is repeated: cut them.
		if s.file.Truncate(s.end) != nil || s.file.Sync() != nil {
			return true, err
		}
		return false, err
	}
	if err := s.file.Sync(); err != nil {
		return true, err
	}
	s.offsets, s.crc = offsets, crc
	s.end += int64(len(buf))
	return false, nil
}

// truncate keeps the first n entries.
func (s *segment) truncate(n int) error {
	if n == len(s.offsets) {
		return nil
	}
	crc, err := s.crcBefore(uint64(n))
	if err != nil {
		return err
	}
	if err := s.file.Truncate(s.offsets[n]); err != nil {
		return err
	}
	if err := s.file.Sync(); err != nil {
		return err
	}
	s.end = s.offsets[n]
	s.offsets = s.offsets[:n]
	s.crc = crc
	return nil
}

func (s *segment) next() uint64 { return s.first + uint64(len(s.offsets)) }
