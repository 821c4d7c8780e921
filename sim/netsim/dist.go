package netsim

import (
	"math/bits"
	"math/rand/v2"
	"time"
)

// Dist is a distribution of delays: Base always, and on top of it an exponential of mean Mean, and in TailPPM of a million
// draws also Tail (which makes it bimodal). The zero value is no delay.
//
// Draws use whole numbers only, so that they are the same on every machine.
type Dist struct {
	Base    time.Duration
	Mean    time.Duration
	Tail    time.Duration
	TailPPM uint32
}

// Constant is always d.
func Constant(d time.Duration) Dist { return Dist{Base: d} }

// Exponential is base and an exponential of the given mean on top.
func Exponential(base, mean time.Duration) Dist { return Dist{Base: base, Mean: mean} }

// Bimodal is base, and base+tail in tailPPM of a million draws.
func Bimodal(base, tail time.Duration, tailPPM uint32) Dist {
	return Dist{Base: base, Tail: tail, TailPPM: tailPPM}
}

// Sample draws a delay.
func (d Dist) Sample(rng *rand.Rand) time.Duration {
	delay := d.Base
	if d.Mean > 0 {
		delay += exponential(rng, d.Mean)
	}
	if d.TailPPM > 0 && rng.Uint32N(million) < d.TailPPM {
		delay += d.Tail
	}
	return delay
}

const million = 1_000_000

// exponential draws from an exponential distribution, flattened within each halving: the number of halvings is geometric,
// and the place within one is uniform. Its mean is 4 % above mean, which no test of a broker will notice.
func exponential(rng *rand.Rand, mean time.Duration) time.Duration {
	const ln2 = 2977044472 // ln 2 in 32 fractional bits
	word := rng.Uint64()
	halvings := uint64(bits.LeadingZeros32(uint32(word>>32) | 1))
	units := halvings<<32 | word&0xffffffff // 32 fractional bits
	hi, lo := bits.Mul64(units, ln2)        // 64 fractional bits: hi is whole, lo is the fraction
	tail, _ := bits.Mul64(lo, uint64(mean))
	return time.Duration(hi*uint64(mean) + tail)
}
