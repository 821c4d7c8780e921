package sim

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"odradek/linearizability/verdict"
	"odradek/sim/app"
)

// A Record is the outcome of one universe of a campaign, as a line of a results file. With it a campaign that was interrupted goes on, and
// the parts that several machines have run are put together.
type Record struct {
	Seed      uint64          `json:"seed"`
	Verdict   verdict.Verdict `json:"verdict,omitempty"` // none without an outcome
	Hash      string          `json:"hash,omitempty"`
	VirtualNs int64           `json:"virtual_ns,omitempty"`
	Kinds     []string        `json:"kinds,omitempty"`     // what was violated
	Open      []string        `json:"open,omitempty"`      // what left the verdict unknown, or why there is no outcome
	Reached   []string        `json:"reached,omitempty"`   // probes
	Sometimes map[string]bool `json:"sometimes,omitempty"` // of an app
}

// RecordOf is the record of what Run has returned.
func RecordOf(seed uint64, r *Result, err error) Record {
	if err != nil {
		return Record{Seed: seed, Open: []string{err.Error()}}
	}
	record := Record{
		Seed: seed, Verdict: r.Verdict, Hash: fmt.Sprintf("%016x", r.Hash), VirtualNs: int64(r.Virtual), Kinds: r.Kinds(), Reached: r.Reached,
	}
	if r.Verdict == verdict.Unknown {
		record.Open = r.Report.Unknown
	}
	for _, a := range r.Assertions {
		if a.Kind != app.Sometimes {
			continue
		}
		if record.Sometimes == nil {
			record.Sometimes = map[string]bool{}
		}
		record.Sometimes[a.Name] = a.True > 0
	}
	return record
}

// ResultsHeader is the first line of a results file: what all of its records have in common.
type ResultsHeader struct {
	Version int    `json:"odradek_results"`
	Guest   string `json:"guest"` // a sum of what was run
	For     string `json:"for"`   // virtual time of a universe
	// Standard: the plans are chaos.Standard's.
	Standard bool   `json:"standard,omitempty"`
	App      string `json:"app,omitempty"`
}

// ResultsVersion is the version of the format that this package reads and writes.
const ResultsVersion = 1

// ErrResults wraps what is wrong with a results file.
var ErrResults = errors.New("results")

// AppendResult writes a header or a record as a line.
func AppendResult(to []byte, line any) []byte {
	text, err := json.Marshal(line)
	if err != nil {
		panic("sim: a result has no JSON: " + err.Error()) // it is made of strings and numbers
	}
	return append(append(to, text...), '\n')
}

// ReadResults reads a results file. A last line that is cut short is left out: its universe is to be run again. whole is how many
// bytes the lines before it take.
func ReadResults(r io.Reader) (header ResultsHeader, records []Record, whole int64, err error) {
	in := bufio.NewReader(r)
	for number := 1; ; number++ {
		line, err := in.ReadBytes('\n')
		if err == io.EOF {
			return header, records, whole, nil
		}
		if err != nil {
			return header, records, whole, err
		}
		decoder := json.NewDecoder(bytes.NewReader(line))
		if number == 1 {
			if err := decoder.Decode(&header); err != nil || header.Version != ResultsVersion {
				return header, nil, 0, fmt.Errorf("%w: line 1 is no header of version %d", ErrResults, ResultsVersion)
			}
		} else {
			var record Record
			if err := decoder.Decode(&record); err != nil {
				return header, nil, 0, fmt.Errorf("%w: line %d: %w", ErrResults, number, err)
			}
			records = append(records, record)
		}
		whole += int64(len(line))
	}
}

// Merge puts records together, by seed. Two of one seed have to be the same universe, wherever they were run: those that are not are
// returned too.
func Merge(records []Record) (tally *Tally, different []uint64) {
	tally = newTally()
	sorted := slices.Clone(records)
	slices.SortStableFunc(sorted, func(a, b Record) int {
		switch {
		case a.Seed < b.Seed:
			return -1
		case a.Seed > b.Seed:
			return 1
		}
		return 0
	})
	for i, r := range sorted {
		if i > 0 && sorted[i-1].Seed == r.Seed {
			if sorted[i-1].Hash != r.Hash {
				different = append(different, r.Seed)
			}
			continue
		}
		tally.add(r)
	}
	return tally, slices.Compact(different)
}

// A Shard is a part of a campaign's seeds: every one of Of, from the Index-th on, counted from 0. The zero Shard is all of them.
type Shard struct{ Index, Of uint64 }

// ParseShard reads "2/16".
func ParseShard(text string) (s Shard, err error) {
	var rest string
	n, _ := fmt.Sscanf(text, "%d/%d%s", &s.Index, &s.Of, &rest)
	if n != 2 || s.Index >= s.Of {
		return Shard{}, fmt.Errorf("shard %q: I/N is expected, with I from 0 to N-1, as 2/16", text)
	}
	return s, nil
}

// has says whether the n-th seed of the campaign is in it.
func (s Shard) has(n uint64) bool { return s.Of == 0 || n%s.Of == s.Index }
