package bench

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"
)

// A value begins with a stamp, where it has room for one, and goes on with bytes that follow from the stamp:
//
//	intended time int64, nanoseconds since the run's begin | sequence number uint64 | piece of the block
const stampBytes = 16

// checkEvery is how many records are read for one whose bytes are all compared.
const checkEvery = 64

// payload makes values and knows them again.
type payload struct {
	block       []byte // every value is a piece of it
	least, most int    // bytes of a value
	sizes       []SizeShare
	sizesUpTo   []float64 // for each size, the shares of it and of those before
	began       time.Time
	keys        [][]byte
	keysUpTo    []float64 // likewise for keys; nil when they are taken evenly
}

// blockBytes is the size of the block, beyond the largest value: so many different values there are of a size.
const blockBytes = 64 << 10

// compressGrain is the unit in which zeros and random bytes alternate.
const compressGrain = 64

func newPayload(w Workload) *payload {
	p := &payload{least: w.RecordBytes, most: max(w.RecordBytes, w.RecordBytesMax), sizes: w.RecordSizes, began: time.Now()}
	if len(p.sizes) > 0 {
		bySize := func(a, b SizeShare) int { return a.Bytes - b.Bytes }
		p.least, p.most = slices.MinFunc(p.sizes, bySize).Bytes, slices.MaxFunc(p.sizes, bySize).Bytes
		p.sizesUpTo = upTo(len(p.sizes), func(i int) float64 { return p.sizes[i].Share })
	}
	p.block = make([]byte, blockBytes+p.most)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(p.block) // never fails
	for at := 0; at < len(p.block); at += compressGrain {
		grain := p.block[at:min(at+compressGrain, len(p.block))]
		clear(grain[:int(w.Compressible*float64(len(grain)))])
	}
	for i := range w.Keys {
		p.keys = append(p.keys, strconv.AppendInt([]byte("key-"), int64(i), 10))
	}
	if w.KeySkew > 0 {
		p.keysUpTo = upTo(w.Keys, func(i int) float64 { return math.Pow(float64(i+1), -w.KeySkew) })
	}
	return p
}

// upTo sums weights up, so that the last sum is 1.
func upTo(n int, weight func(int) float64) []float64 {
	sums, all := make([]float64, n), 0.0
	for i := range sums {
		all += weight(i)
		sums[i] = all
	}
	for i := range sums {
		sums[i] /= all
	}
	return sums
}

// pick is the index that a number, evenly spread, falls on.
func pick(sums []float64, x uint64) int {
	i, _ := slices.BinarySearch(sums, float64(x>>11)/(1<<53))
	return min(i, len(sums)-1)
}

// size is the size of the value of that sequence number, in bytes.
func (p *payload) size(sequence uint64) int {
	switch {
	case p.least == p.most:
		return p.least
	case p.sizes != nil:
		return p.sizes[pick(p.sizesUpTo, mix(sequence))].Bytes
	}
	return p.least + int(mix(sequence)%uint64(p.most-p.least+1))
}

// key is the key of that sequence number, nil when there are none.
func (p *payload) key(sequence uint64) []byte {
	if len(p.keys) == 0 {
		return nil
	}
	if p.keysUpTo != nil {
		return p.keys[pick(p.keysUpTo, mix(^sequence))]
	}
	return p.keys[mix(sequence)%uint64(len(p.keys))]
}

// mix spreads what is next to each other (the finaliser of splitmix64).
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

func (p *payload) piece(sequence uint64, n int) []byte {
	at := mix(sequence) % blockBytes
	return p.block[at : at+uint64(n)]
}

// value appends the value of a sequence number that was meant to be sent at a time.
func (p *payload) value(to []byte, sequence uint64, intended time.Time) []byte {
	n := p.size(sequence)
	if n < stampBytes {
		return append(to, p.piece(0, n)...)
	}
	to = binary.BigEndian.AppendUint64(to, uint64(intended.Sub(p.began)))
	to = binary.BigEndian.AppendUint64(to, sequence)
	return append(to, p.piece(sequence, n-stampBytes)...)
}

// stamp reads a value's sequence number and intended time; ok is false when it has none. An error says that the value is none that was written.
// Whether all is compared, or the size only, is for whole to say.
func (p *payload) stamp(value []byte, whole bool) (sequence uint64, intended time.Time, ok bool, err error) {
	if len(value) < stampBytes || p.least < stampBytes {
		if len(value) < p.least || len(value) > p.most || whole && !bytes.Equal(value, p.piece(0, len(value))) {
			return 0, intended, false, fmt.Errorf("a value of %d bytes is not what was written", len(value))
		}
		return 0, intended, false, nil
	}
	sequence = binary.BigEndian.Uint64(value[8:])
	if len(value) != p.size(sequence) || whole && !bytes.Equal(value[stampBytes:], p.piece(sequence, len(value)-stampBytes)) {
		return sequence, intended, false, fmt.Errorf("the value of record %d is not what was written", sequence)
	}
	return sequence, p.began.Add(time.Duration(binary.BigEndian.Uint64(value))), true, nil
}
