package chaos

import (
	"bytes"
	"reflect"
	"testing"
)

// A plan with an app is valid, survives its file, promises no less than the plan before, and kills every instance in most seeds.
func TestWithApp(t *testing.T) {
	kills := 0
	for seed := range uint64(100) {
		p := WithApp(Draw(seed), 3, []string{"mended"})
		if err := p.Validate(); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		var file bytes.Buffer
		if err := WritePlan(&file, p); err != nil {
			t.Fatal(err)
		}
		if back, err := ReadPlan(&file); err != nil || !reflect.DeepEqual(back.App, p.App) {
			t.Fatalf("seed %d: %v: %+v", seed, err, back.App)
		}
		if before := Draw(seed); !p.Promises().Progress && before.Promises().Progress {
			t.Errorf("seed %d promises less", seed)
		}
		down := map[int]Duration{}
		for _, k := range p.App.Kills {
			if k.At < down[k.Instance] {
				t.Fatalf("seed %d: %s while it is down", seed, k)
			}
			down[k.Instance] = k.End()
		}
		kills += len(p.App.Kills)
	}
	if kills < 500 {
		t.Errorf("%d kills in 100 seeds", kills)
	}
	p := WithApp(Draw(1), 2, nil)
	p.App.Kills = []Kill{{At: p.Phases.Calm, For: seconds(1), Instance: 3}}
	if p.Validate() == nil {
		t.Error("an instance that is none can be killed")
	}
}
