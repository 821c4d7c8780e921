package chaos

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// fakeTarget keeps the books of a target: which faults act, and how often each node's process was taken and started.
type fakeTarget struct {
	lacks  Kind
	leader int // 0: none
	active map[int]Act
	up     []bool // by node
	log    []string
}

func newFake(nodes int) *fakeTarget {
	f := &fakeTarget{active: map[int]Act{}, up: make([]bool, nodes+1)}
	for i := range f.up {
		f.up[i] = true
	}
	return f
}

func (f *fakeTarget) Supports(k Kind) bool           { return k != f.lacks }
func (f *fakeTarget) Leader(string, int) (int, bool) { return f.leader, f.leader > 0 }
func (f *fakeTarget) Controller() (int, bool)        { return 2, true }

func (f *fakeTarget) Apply(a Act) error {
	f.log = append(f.log, fmt.Sprintf("apply %d %v", a.Index, a.Nodes))
	if a.Fault.Lasts() {
		f.active[a.Index] = a
	}
	if a.Fault.Kind.TakesProcess() {
		for _, n := range a.Nodes {
			f.up[n] = false
		}
	}
	return nil
}

func (f *fakeTarget) Undo(a Act) error {
	f.log = append(f.log, fmt.Sprintf("undo %d %v", a.Index, a.Nodes))
	if _, ok := f.active[a.Index]; !ok {
		return errors.New("undone without being applied")
	}
	delete(f.active, a.Index)
	if a.Fault.Kind.TakesProcess() {
		for _, n := range a.Nodes {
			f.up[n] = true
		}
	}
	if a.Fault.Kind == CrashAtCall {
		return fmt.Errorf("%w: call %d", ErrNeverFired, a.Fault.Params.Call)
	}
	return nil
}

func runAll(t *testing.T, r *Runner) []Outcome {
	t.Helper()
	var out []Outcome
	for {
		at, ok := r.Next()
		if !ok {
			return out
		}
		o, err := r.Step()
		if err != nil {
			t.Fatal(err)
		}
		if o.At != at {
			t.Fatalf("Next said %s, Step was of %s", at, o.At)
		}
		out = append(out, o)
	}
}

func TestRunnerTakesStepsInOrder(t *testing.T) {
	s := Schedule{
		{At: seconds(10), For: seconds(2), Kind: Isolate, Target: LeaderOf("t0", 0)},
		{At: seconds(5), For: seconds(5), Kind: Pause, Target: ActiveController},
		{At: seconds(6), Kind: Reset, Target: Everyone},
	}
	f := newFake(3)
	f.leader = 3
	r, err := NewRunner(s, 3, f)
	if err != nil {
		t.Fatal(err)
	}
	runAll(t, r)
	want := []string{"apply 1 [2]", "apply 2 [1 2 3]", "undo 1 [2]", "apply 0 [3]", "undo 0 [3]"}
	if !slices.Equal(f.log, want) {
		t.Errorf("%q, want %q", f.log, want)
	}
}

func TestRunnerStaysWithTheNodeThatARoleWasResolvedTo(t *testing.T) {
	s := Schedule{{At: 1, For: 2, Kind: Crash, Target: LeaderOf("t0", 0)}}
	f := newFake(3)
	f.leader = 3
	r, _ := NewRunner(s, 3, f)
	if _, err := r.Step(); err != nil {
		t.Fatal(err)
	}
	f.leader = 1
	if _, err := r.Step(); err != nil {
		t.Fatal(err)
	}
	if want := []string{"apply 0 [3]", "undo 0 [3]"}; !slices.Equal(f.log, want) {
		t.Errorf("%q, want %q", f.log, want)
	}
}

func TestRunnerSaysWhatHadNoEffect(t *testing.T) {
	s := Schedule{
		{At: 1, For: 2, Kind: Crash, Target: LeaderOf("t0", 0)},
		{At: 2, For: 2, Kind: CrashAtCall, Target: Node(1), Params: Params{Call: 9}},
	}
	r, _ := NewRunner(s, 3, newFake(3))
	out := runAll(t, r)
	var notes []string
	for _, o := range out {
		notes = append(notes, o.Note)
	}
	want := []string{"nobody had the role of leader/t0/0", "", "was not applied", "the armed crash was not reached: call 9"}
	if !slices.Equal(notes, want) {
		t.Errorf("%q, want %q", notes, want)
	}
}

func TestRunnerKeepsANodeDownWhileAnyFaultHoldsIt(t *testing.T) {
	s := Schedule{
		{At: 1, For: 9, Kind: Crash, Target: Everyone},
		{At: 2, For: 2, Kind: PowerLoss, Target: Node(2)},
	}
	f := newFake(3)
	r, _ := NewRunner(s, 3, f)
	runAll(t, r)
	want := []string{"apply 0 [1 2 3]", "apply 1 [2]", "undo 1 []", "undo 0 [1 2 3]"}
	if !slices.Equal(f.log, want) {
		t.Errorf("%q, want %q", f.log, want)
	}
}

func TestRunnerRefusesWhatTheTargetCannotDo(t *testing.T) {
	f := newFake(3)
	f.lacks = Pause
	_, err := NewRunner(Schedule{{At: 1, For: 1, Kind: Pause, Target: Node(1)}}, 3, f)
	if !errors.Is(err, ErrUnsupported) || !strings.Contains(err.Error(), "pause") {
		t.Errorf("got %v", err)
	}
}

func TestRunnerReportsTheTargetsErrors(t *testing.T) {
	f := newFake(3)
	f.leader = 7
	r, _ := NewRunner(Schedule{{At: 1, For: 1, Kind: Pause, Target: LeaderOf("t0", 0)}}, 3, f)
	if _, err := r.Step(); err == nil || !strings.Contains(err.Error(), "node 7 of 3") {
		t.Errorf("got %v", err)
	}
}

func TestHealUndoesWhatDoesNotStay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := Draw(rapid.Uint64Max(2000).Draw(t, "seed"))
		f := newFake(p.Cluster.Nodes)
		f.leader = rapid.IntRange(0, p.Cluster.Nodes).Draw(t, "leader")
		if p.Cluster.Nodes < 2 {
			return
		}
		r, err := NewRunner(p.Schedule, p.Cluster.Nodes, f)
		if err != nil {
			t.Fatal(err)
		}
		for range rapid.IntRange(0, 2*len(p.Schedule)).Draw(t, "steps") {
			if _, ok := r.Next(); !ok {
				break
			}
			if _, err := r.Step(); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := r.Heal(p.Phases.FaultsEnd()); err != nil {
			t.Fatal(err)
		}
		for _, act := range f.active {
			if !act.Fault.Stays {
				t.Fatalf("still acting: %v", act)
			}
		}
		for n, up := range f.up {
			if !up && !slices.Contains(p.Left(), n) {
				t.Fatalf("node %d is down", n)
			}
		}
		if _, ok := r.Next(); ok {
			t.Fatal("steps are left after healing")
		}
	})
}

func TestWithout(t *testing.T) {
	s := Schedule{{At: 1}, {At: 2}, {At: 3}}
	if got := s.Without(1); !reflect.DeepEqual(got, Schedule{{At: 1}, {At: 3}}) {
		t.Errorf("got %v", got)
	}
}
