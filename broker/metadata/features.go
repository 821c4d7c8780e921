package metadata

import "slices"

// Feature is a feature of KIP-584 as this program knows it: the levels it can work at, and the one that a new cluster begins
// with. Level 0 is off.
type Feature struct {
	Name     string
	Min, Max int16
	// Initial is the level that a new cluster settles on; a cluster that is older than the feature keeps 0 until an operator
	// raises it (UpdateFeatures).
	Initial int16
}

// EligibleLeaderReplicas is KIP-966's feature: at level 1 partitions have eligible leader replicas.
const EligibleLeaderReplicas = "eligible.leader.replicas.version"

// TransactionVersion is KIP-890's feature: at level 2 clients that know it have their producer's epoch bumped at the end of every
// transaction, and add partitions to it by producing to them.
const TransactionVersion = "transaction.version"

// GroupVersion is KIP-848's feature: at level 1 there are consumer groups.
const GroupVersion = "group.version"

// ShareVersion is KIP-932's feature: at level 1 there are share groups.
const ShareVersion = "share.version"

// Features are all features that this program has, by name. One is added here when what it stands for is done: from then on
// nodes register with it, clients are told, and new clusters finalize it. Those of Kafka's that stand for its own metadata log
// (metadata.version, kraft.version) have no meaning here.
var Features = []Feature{
	{Name: EligibleLeaderReplicas, Min: 0, Max: 1, Initial: 1},
	{Name: TransactionVersion, Min: 0, Max: 2, Initial: 2},
	{Name: GroupVersion, Min: 0, Max: 1, Initial: 1},
	{Name: ShareVersion, Min: 0, Max: 1, Initial: 1},
}

// FeatureRange says in which levels a node can work with a feature.
type FeatureRange struct {
	Name     string
	Min, Max int16
}

// SupportedFeatures are the ranges of Features, as a node registers with them.
func SupportedFeatures() []FeatureRange {
	ranges := make([]FeatureRange, len(Features))
	for i, f := range Features {
		ranges[i] = FeatureRange{f.Name, f.Min, f.Max}
	}
	return ranges
}

// FeatureLevel is the level that the cluster settled on, 0 when the feature is off.
func (i *Image) FeatureLevel(name string) int16 { return i.Features[name] }

// Supports says whether a node can work at a level of a feature. Every node can do without one.
func (b *Broker) Supports(feature string, level int16) bool {
	at := slices.IndexFunc(b.Features, func(r FeatureRange) bool { return r.Name == feature })
	return level == 0 && (at < 0 || b.Features[at].Min == 0) || at >= 0 && b.Features[at].Min <= level && level <= b.Features[at].Max
}
