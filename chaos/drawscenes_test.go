package chaos

import (
	"testing"
)

// sceneDrawer draws for a cluster of three that every scene fits.
func sceneDrawer(durable bool) *drawer {
	cluster := basePlan().Cluster
	cluster.Nodes = 3
	cluster.Config = map[string]string{"broker.session.timeout.ms": "3000"}
	d := &drawer{r: Stream(1, "scenes"), cluster: &cluster, at: seconds(10), end: seconds(40), length: seconds(2)}
	if durable {
		cluster.Topics[0].Config["flush.messages"] = "1"
	} else {
		d.power = 2
	}
	return d
}

func TestScenesAreValidAndWithinTheAtlas(t *testing.T) {
	for _, durable := range []bool{true, false} {
		for _, scene := range scenes {
			t.Run(scene.name, func(t *testing.T) {
				d := sceneDrawer(durable)
				for range 100 {
					p := basePlan()
					p.Cluster, p.Schedule = *d.cluster, nil
					for _, f := range scene.draw(d) {
						if f.At < d.at || f.For <= 0 {
							t.Fatalf("%s begins before %s or has no end", f, d.at)
						}
						if err := f.check(d.cluster); err != nil {
							t.Fatalf("%s: %v", f, err)
						}
						p.Schedule = append(p.Schedule, f)
					}
					if lost := p.Promises().MayLoseAcksAll; lost != nil {
						t.Fatalf("gives up acks=all: %v", p.Schedule)
					}
				}
			})
		}
	}
}

// TestAnOverthrowOutlastsTheSession: else nobody else is elected, and the scene is for nothing.
func TestAnOverthrowOutlastsTheSession(t *testing.T) {
	d := sceneDrawer(true)
	for range 100 {
		if f := d.depose()[0]; f.Kind != Isolate || f.For <= seconds(3) || f.Params.Clients {
			t.Fatalf("%s", f)
		}
	}
	d.cluster.Config = nil
	if f := d.depose()[0]; f.For <= seconds(9) {
		t.Errorf("without a session timeout in the plan: %s", f)
	}
}

func TestLonePowerHitsThreeNodes(t *testing.T) {
	d := sceneDrawer(false)
	for range 100 {
		faults := d.lonePower()
		seen := map[Selector]bool{}
		for _, f := range faults {
			seen[f.Target] = true
		}
		if len(faults) != 3 || len(seen) != 3 || faults[2].Kind != PowerLoss || faults[2].Target != Node(2) {
			t.Fatalf("%v", faults)
		}
		if faults[1].At >= faults[2].At || faults[1].End() <= faults[2].End() {
			t.Fatalf("the power is not lost while another is cut off: %v", faults)
		}
	}
}

func TestEverySeedAsksForAcksAll(t *testing.T) {
	for seed := range uint64(200) {
		if p := Draw(seed); p.Producers[0].Acks != "all" {
			t.Errorf("seed %d: the first producer has acks=%s", seed, p.Producers[0].Acks)
		}
	}
}

func TestEventsOfASceneDoNotOverlap(t *testing.T) {
	for _, scene := range scenes {
		d := sceneDrawer(true)
		var last Duration
		fam := scene
		fam.draw = func(d *drawer) []Fault {
			if d.at < last {
				t.Errorf("%s: an event at %s begins before the one before ends, at %s", scene.name, d.at, last)
			}
			faults := scene.draw(d)
			for _, f := range faults {
				last = max(last, min(f.End(), d.end))
			}
			return faults
		}
		d.events(fam, seconds(5), intervalMin, lengthMax)
	}
}
