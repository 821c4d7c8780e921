package decide

import (
	"slices"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/metadata"
)

func featureUpdate(name string, level int16, way int8) *kmsg.UpdateFeaturesRequest {
	req := kmsg.NewPtrUpdateFeaturesRequest()
	req.SetVersion(req.MaxVersion())
	u := kmsg.NewUpdateFeaturesRequestFeatureUpdate()
	u.Feature, u.MaxVersionLevel, u.UpgradeType = name, level, way
	req.FeatureUpdates = append(req.FeatureUpdates, u)
	return req
}

// TestFeatureLevels: a new cluster has the features; without eligible leader replicas there are none, from the batch on that
// says so; and a node that can't work at a level keeps the cluster from it, or stays outside.
func TestFeatureLevels(t *testing.T) {
	w := newWorld()
	w.image = metadata.NewImage()
	w.decide(t, func(p *Plan) { p.NameCluster("cluster") })
	if w.image.FeatureLevel(metadata.EligibleLeaderReplicas) != 1 {
		t.Fatalf("a new cluster has %v", w.image.Features)
	}
	w.up(t, 1, 2)
	w.createOn(t, "t", 1, 2)
	w.decide(t, func(p *Plan) {
		p.IncrementalAlterConfigs(setConfig(metadata.ConfigResource{Type: metadata.ResourceTopic, Name: "t"}, "min.insync.replicas", "2"))
	})
	w.decide(t, func(p *Plan) { p.Fence(2) })
	partition := func() *metadata.Partition { return w.image.Topics["t"].Partition(0) }
	if len(partition().ELR) != 1 {
		t.Fatal(describe(partition()))
	}
	w.decide(t, func(p *Plan) {
		if r := p.UpdateFeatures(featureUpdate(metadata.EligibleLeaderReplicas, 0, waySafeDowngrade)); r.ErrorCode != 0 {
			t.Fatal(*r.ErrorMessage)
		}
	})
	if len(partition().ELR) != 0 || w.image.FeatureLevel(metadata.EligibleLeaderReplicas) != 0 {
		t.Fatal(describe(partition()))
	}

	old := w.registration(3, clean)
	old.Features = slices.DeleteFunc(old.Features, func(f kmsg.BrokerRegistrationRequestFeature) bool {
		return f.Name == metadata.EligibleLeaderReplicas
	})
	w.decide(t, func(p *Plan) {
		if r := p.RegisterBroker(old); r.ErrorCode != 0 {
			t.Fatalf("a node without the feature: %d", r.ErrorCode)
		}
		if r := p.UpdateFeatures(featureUpdate(metadata.EligibleLeaderReplicas, 1, wayUpgrade)); r.ErrorCode != kerr.InvalidUpdateVersion.Code {
			t.Errorf("raised beside a node that lacks it: %d", r.ErrorCode)
		}
		p.UnregisterBroker(&kmsg.UnregisterBrokerRequest{BrokerID: 3})
		if r := p.UpdateFeatures(featureUpdate(metadata.EligibleLeaderReplicas, 1, wayUpgrade)); r.ErrorCode != 0 {
			t.Errorf("not raised: %s", *r.ErrorMessage)
		}
		if r := p.RegisterBroker(old); r.ErrorCode != kerr.UnsupportedVersion.Code {
			t.Errorf("a node without the feature joins those that have it: %d", r.ErrorCode)
		}
	})
}
