package model

import (
	"hash/fnv"
	"math/bits"
)

// The chained hash is a polynomial over the integers modulo the Mersenne prime 2^61-1: appending a token is h*base + token,
// so n offsets without a record are h*base^n, and a piece of a log chains on to any prefix.
const (
	modulus = 1<<61 - 1
	base    = 0x0d9c_6a5e_31f7_b24d % modulus
)

func mul(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return reduce((lo & modulus) + (lo>>61 | hi<<3))
}

func add(a, b uint64) uint64 { return reduce(a + b) }

// reduce takes anything below twice the modulus.
func reduce(a uint64) uint64 {
	if a >= modulus {
		a -= modulus
	}
	return a
}

// power is base^n.
func power(n int64) uint64 {
	out, square := uint64(1), uint64(base)
	for ; n > 0; n >>= 1 {
		if n&1 == 1 {
			out = mul(out, square)
		}
		square = mul(square, square)
	}
	return out
}

// token stands for a value; it is never zero, which stands for no record.
func token(value string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(value))
	return h.Sum64()%(modulus-1) + 1
}
