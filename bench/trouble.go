package bench

import (
	"bytes"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"odradek/chaos"
)

// Trouble is what is done to a cluster while a workload runs. Its JSON form, in these names, is a file. Times count from the begin
// of writing; topics are named t0, t1… in the workload's order. Writing goes on for After once all is undone: how long that takes is for
// the brokers to say.
type Trouble struct {
	Name     string         `json:"name,omitempty"`
	Workload string         `json:"workload,omitempty"` // the preset that it is meant for
	Schedule chaos.Schedule `json:"schedule,omitempty"` // of kinds crash, stop, pause, slow-disk and stall-disk
	Moves    []Move         `json:"moves,omitempty"`
	Members  []Member       `json:"members,omitempty"`
	After    chaos.Duration `json:"after"`
}

// A Move has every partition go to the nodes that follow its own, by number. It lasts until no move is under way.
type Move struct {
	At chaos.Duration `json:"at"`
}

// A Member is a consumer that joins the first group and leaves it after For.
type Member struct {
	At  chaos.Duration `json:"at"`
	For chaos.Duration `json:"for"`
}

//go:embed troubles/*.json
var troubleFiles embed.FS

// Troubles are the names of those that come with the program.
func Troubles() []string {
	files, err := fs.Glob(troubleFiles, "troubles/*.json")
	if err != nil {
		panic(err) // the pattern is wrong
	}
	for i, file := range files {
		files[i] = strings.TrimSuffix(strings.TrimPrefix(file, "troubles/"), ".json")
	}
	return files
}

// NamedTrouble is one of them.
func NamedTrouble(name string) (Trouble, error) {
	text, err := troubleFiles.ReadFile("troubles/" + name + ".json")
	if err != nil {
		return Trouble{}, fmt.Errorf("no faults are named %q; there are %s, or give a file", name, strings.Join(Troubles(), ", "))
	}
	t, err := ParseTrouble(text)
	t.Name = name
	return t, err
}

// ParseTrouble reads a file. A field that is not known is an error.
func ParseTrouble(text []byte) (Trouble, error) {
	var t Trouble
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&t); err != nil {
		return t, fmt.Errorf("faults: %w", err)
	}
	return t, t.check()
}

// troubleKinds are what can be done to a process whose node is known by number.
var troubleKinds = []chaos.Kind{chaos.Crash, chaos.Stop, chaos.Pause, chaos.SlowDisk, chaos.StallDisk}

func (t *Trouble) check() error {
	for _, f := range t.Schedule {
		switch {
		case !slices.Contains(troubleKinds, f.Kind):
			return fmt.Errorf("%s: the kinds that are possible are %v", f, troubleKinds)
		case f.At <= 0 || f.For <= 0:
			return fmt.Errorf("%s: at and for must be above 0", f)
		}
	}
	for _, m := range t.Moves {
		if m.At <= 0 {
			return fmt.Errorf("a move at %s: it must be above 0", m.At)
		}
	}
	for _, m := range t.Members {
		if m.At <= 0 || m.For <= 0 {
			return fmt.Errorf("a member at %s for %s: both must be above 0", m.At, m.For)
		}
	}
	switch {
	case len(t.Schedule)+len(t.Moves)+len(t.Members) == 0:
		return errors.New("faults: there are none")
	case t.After <= 0:
		return fmt.Errorf("after %s: it must be above 0", t.After)
	}
	return nil
}

// suits says whether a workload can tell what the trouble does: one at a rate whose records are read as they are written.
func (t *Trouble) suits(w Workload) error {
	switch {
	case w.Client != clientRecords || w.Rate == 0 || w.Read != readBeside || w.Acks != "all" || w.TransactionRecords > 0 || w.Groups > 1 || w.BacklogSeconds > 0:
		return errors.New("faults need a workload of client records, at a rate, with acks all, read beside by one group at most, without transactions or a backlog")
	case newPayload(w).least < stampBytes:
		return fmt.Errorf("faults need values of %d bytes at least: they say which record it is", stampBytes)
	case len(t.Members) > 0 && w.Groups != 1:
		return errors.New("members join a group: groups must be 1")
	}
	return nil
}

// A Struck is something that was done during a run, in seconds since its begin, as those of its series.
type Struck struct {
	Words string  `json:"words"`
	From  float64 `json:"from"`
	To    float64 `json:"to"`
}

// A Phase is what clients got before, during or after the trouble.
type Phase struct {
	Name    string  `json:"name"`
	Seconds float64 `json:"seconds"`
	Written int64   `json:"written"` // acknowledged in it
	Read    int64   `json:"read"`
	// WriteGapMs is the longest that a partition to which something was being written had nothing acknowledged, ReadGapMs that nothing of
	// it was read; a gap counts in the phase in which it ended.
	WriteGapMs float64 `json:"write_gap_ms"`
	ReadGapMs  float64 `json:"read_gap_ms"`
	// Of records that were to be sent in it.
	Produce  Percentiles `json:"produce_ms"`
	EndToEnd Percentiles `json:"end_to_end_ms"`
}

// phaseNames are in the order of time.
var phaseNames = [3]string{"before", "during", "after"}
