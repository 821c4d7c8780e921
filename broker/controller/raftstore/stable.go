package raftstore

import (
	"encoding/binary"
	"fmt"
	"os"
	"path"
	"sort"
	"sync"

	"odradek/broker/env"
)

// A record in the file, integers big-endian; the last one of a key counts:
//
//	length  uint32  of everything after crc
//	crc     uint32  CRC-32C of the previous record's crc (0 for the first) and of what follows
//	keyLen  uint32
//	key, value
const (
	stableHeader    = 8
	stableRecordMax = 1 << 16
	// stableBytesMax is the size at which the file is written anew, with the last record of each key only.
	stableBytesMax = 1 << 16
)

// Stable is raft's StableStore: the current term and the vote. It is a small log with one fsync a change, since a candidate and
// its voters wait for three of them in an election.
type Stable struct {
	disk env.Disk
	name string

	mu     sync.Mutex
	file   env.File
	end    int64
	crc    uint32
	values map[string][]byte
	err    error
}

// OpenStable opens the store in a file, which it makes if needed.
func OpenStable(disk env.Disk, name string) (*Stable, error) {
	s := &Stable{disk: disk, name: name, values: map[string][]byte{}}
	file, err := disk.Open(name, os.O_CREATE)
	if err != nil {
		return nil, err
	}
	s.file = file
	if err := s.load(); err != nil {
		file.Close()
		return nil, err
	}
	return s, nil
}

func (s *Stable) load() error {
	content, err := s.read()
	if err != nil {
		return err
	}
	rest := visitStable(content, func(key, value []byte, crc uint32) {
		s.values[string(key)] = append([]byte{}, value...)
		s.crc = crc
	})
	s.end = int64(len(content) - len(rest))
	if len(rest) > 0 {
		if err := s.file.Truncate(s.end); err != nil {
			return err
		}
	}
	// What the file shows may not be durable (see segment.makeDurable). It is the bytes that were verified that are written.
	if _, err := s.file.WriteAt(content[:s.end], 0); err != nil {
		return err
	}
	if err := s.file.Sync(); err != nil {
		return err
	}
	return s.disk.SyncDir(path.Dir(s.name))
}

// read reads the file, and once more when it does not seem good to its end: what is cut off may be a vote, and the disk's first answer
// may have been wrong.
func (s *Stable) read() ([]byte, error) {
	var best []byte
	bestRest := -1
	for range 2 {
		content, err := env.ReadFile(s.disk, s.name, stableBytesMax+stableRecordMax+stableHeader)
		if err != nil {
			return nil, err
		}
		rest := len(visitStable(content, func([]byte, []byte, uint32) {}))
		if rest == 0 {
			return content, nil
		}
		if bestRest < 0 || rest < bestRest {
			best, bestRest = content, rest
		}
	}
	return best, nil
}

// visitStable gives the good records, oldest first, and returns what follows them.
func visitStable(content []byte, visit func(key, value []byte, crc uint32)) (rest []byte) {
	rest = content
	for seed := uint32(0); len(rest) >= stableHeader; {
		length := binary.BigEndian.Uint32(rest)
		if length < 4 || length > stableRecordMax || int(length) > len(rest)-stableHeader {
			break
		}
		body := rest[stableHeader : stableHeader+length]
		crc := chain(seed, body)
		keyLen := binary.BigEndian.Uint32(body)
		if crc != binary.BigEndian.Uint32(rest[4:]) || keyLen > length-4 {
			break
		}
		visit(body[4:4+keyLen], body[4+keyLen:], crc)
		rest, seed = rest[stableHeader+length:], crc
	}
	return rest
}

func appendStable(b []byte, seed uint32, key, value []byte) ([]byte, uint32) {
	start := len(b)
	b = append(b, make([]byte, stableHeader)...)
	b = binary.BigEndian.AppendUint32(b, uint32(len(key)))
	b = append(b, key...)
	b = append(b, value...)
	body := b[start+stableHeader:]
	crc := chain(seed, body)
	binary.BigEndian.PutUint32(b[start:], uint32(len(body)))
	binary.BigEndian.PutUint32(b[start+4:], crc)
	return b, crc
}

// Set stores a value durably. Errors: ErrFailed and the disk's.
func (s *Stable) Set(key, value []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return s.err
	}
	if 4+len(key)+len(value) > stableRecordMax {
		return fmt.Errorf("raftstore: value of %d bytes is too large", len(value))
	}
	if s.end >= stableBytesMax {
		if err := s.rewrite(); err != nil {
			return s.fail(err)
		}
	}
	record, crc := appendStable(nil, s.crc, key, value)
	_, err := s.file.WriteAt(record, s.end)
	if err == nil {
		err = s.file.Sync()
	}
	if err != nil {
		// Whether the vote is on the disk is not known: this process must not answer as if it were not.
		return s.fail(err)
	}
	s.end += int64(len(record))
	s.crc = crc
	s.values[string(key)] = append([]byte{}, value...)
	return nil
}

func (s *Stable) fail(err error) error {
	s.err = fmt.Errorf("%w: %w", ErrFailed, err)
	return s.err
}

// rewrite replaces the file by one that holds each key once.
func (s *Stable) rewrite() error {
	var content []byte
	var crc uint32
	keys := make([]string, 0, len(s.values))
	for key := range s.values {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	for _, key := range keys {
		content, crc = appendStable(content, crc, []byte(key), s.values[key])
	}
	if err := env.WriteFileAtomic(s.disk, s.name, content); err != nil {
		return err
	}
	file, err := s.disk.Open(s.name, 0)
	if err != nil {
		return err
	}
	s.file.Close()
	s.file, s.end, s.crc = file, int64(len(content)), crc
	return nil
}

// Get returns a value, empty when there is none.
func (s *Stable) Get(key []byte) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]byte{}, s.values[string(key)]...), nil
}

// SetUint64 stores a number.
func (s *Stable) SetUint64(key []byte, value uint64) error {
	return s.Set(key, binary.BigEndian.AppendUint64(nil, value))
}

// GetUint64 returns a number, 0 when there is none. Errors: ErrCorrupt when the value is none.
func (s *Stable) GetUint64(key []byte) (uint64, error) {
	value, err := s.Get(key)
	if err != nil || len(value) == 0 {
		return 0, err
	}
	if len(value) != 8 {
		return 0, fmt.Errorf("%w: %s is no number", ErrCorrupt, key)
	}
	return binary.BigEndian.Uint64(value), nil
}

// Close closes the file.
func (s *Stable) Close() error { return s.file.Close() }
