package decide

import (
	"fmt"
	"maps"
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/metadata"
)

// The ways to change a feature's level in UpdateFeatures (KIP-584, KIP-778).
const (
	wayUpgrade         int8 = 1
	waySafeDowngrade   int8 = 2
	wayUnsafeDowngrade int8 = 3
)

// UpdateFeatures changes the levels that the cluster settled on, all of those named or none. Version 2; errors are those of
// Kafka's FeatureControlManager.
func (p *Plan) UpdateFeatures(req *kmsg.UpdateFeaturesRequest) *kmsg.UpdateFeaturesResponse {
	resp := req.ResponseKind().(*kmsg.UpdateFeaturesResponse)
	next := maps.Clone(p.Image().Features)
	for i := range req.FeatureUpdates {
		update := &req.FeatureUpdates[i]
		if why := p.checkFeature(update, next[update.Feature]); why != "" {
			resp.ErrorCode, resp.ErrorMessage = failf(kerr.InvalidUpdateVersion,
				"The update failed for all features since the following feature had an error: Invalid update version %d for feature %s. %s",
				update.MaxVersionLevel, update.Feature, why).wire()
			return resp
		}
		next[update.Feature] = update.MaxVersionLevel
	}
	if req.ValidateOnly {
		return resp
	}
	changed := false
	for _, name := range slices.Sorted(maps.Keys(next)) {
		if next[name] != p.Image().FeatureLevel(name) {
			p.add(&metadata.FeatureRecord{Name: name, Level: next[name]})
			changed = true
		}
	}
	if changed {
		p.reconsider(metadata.ConfigResource{Type: metadata.ResourceBroker}) // the rules of all partitions may be others now
	}
	return resp
}

// checkFeature says why a feature can't go from a level to the one that is asked for, or "".
func (p *Plan) checkFeature(update *kmsg.UpdateFeaturesRequestFeatureUpdate, from int16) string {
	to, way := update.MaxVersionLevel, update.UpgradeType
	known := slices.ContainsFunc(metadata.Features, func(f metadata.Feature) bool { return f.Name == update.Feature })
	switch {
	case way < wayUpgrade || way > wayUnsafeDowngrade:
		return "The controller does not support the given upgrade type."
	case to < 0:
		return "A feature version cannot be less than 0."
	case !known && to > 0:
		return "The active controller does not support this feature."
	case !known:
		return fmt.Sprintf("Feature %s not found.", update.Feature)
	}
	if why := p.whoLacks(update.Feature, to); why != "" {
		return why
	}
	switch {
	case to < from && way == wayUpgrade:
		return "Can't downgrade the version of this feature without setting the upgrade type to either safe or unsafe downgrade."
	case to > from && way != wayUpgrade:
		return "Can't downgrade to a newer version."
	}
	return ""
}

// whoLacks names what can't work at a level: this program, or a registered node.
func (p *Plan) whoLacks(feature string, level int16) string {
	self := metadata.Broker{Features: metadata.SupportedFeatures()}
	if !self.Supports(feature, level) {
		return fmt.Sprintf("The active controller does not support version %d.", level)
	}
	for _, id := range slices.Sorted(maps.Keys(p.Image().Brokers)) {
		if !p.Image().Brokers[id].Supports(feature, level) {
			return fmt.Sprintf("Broker %d does not support version %d.", id, level)
		}
	}
	return ""
}

// readFeatures takes the ranges that a node registers with, and refuses a node that can't work at the levels the cluster settled
// on: it would misunderstand the others.
func (p *Plan) readFeatures(req *kmsg.BrokerRegistrationRequest, broker *metadata.Broker) *kerr.Error {
	if len(req.Features) > maxFeatures {
		return kerr.InvalidRegistration
	}
	for _, f := range req.Features {
		broker.Features = append(broker.Features, metadata.FeatureRange{Name: f.Name, Min: f.MinSupportedVersion, Max: f.MaxSupportedVersion})
	}
	for name, level := range p.Image().Features {
		if !broker.Supports(name, level) {
			return kerr.UnsupportedVersion
		}
	}
	return nil
}

// maxFeatures bounds the features that a node may register with.
const maxFeatures = 64
