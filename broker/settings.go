package broker

import (
	"fmt"
	"net"
	"slices"
	"strconv"

	"odradek/broker/commitlog"
	"odradek/broker/commitlog/cleaner"
	"odradek/broker/config"
	"odradek/broker/metadata"
	"odradek/broker/record"
	"odradek/broker/replica"
)

// layers are the node's configuration as it is by the cluster's metadata and its own properties.
func (b *Broker) layers(img *metadata.Image) config.Layers {
	cluster := img.Configs[metadata.ConfigResource{Type: metadata.ResourceBroker}]
	own := img.Configs[metadata.ConfigResource{Type: metadata.ResourceBroker, Name: strconv.Itoa(int(b.node.ID))}]
	return b.options.Static.Layers(cluster, own)
}

// topicSettings resolves what a topic's replicas need of its configuration, by the cluster's metadata and this node's own
// properties.
func (b *Broker) topicSettings(img *metadata.Image, topic string) replica.TopicSettings {
	set := img.Configs[metadata.ConfigResource{Type: metadata.ResourceTopic, Name: topic}]
	c := b.layers(img).Topic(set)
	timestamps := record.CreateTime
	if c.LogAppendTime {
		timestamps = record.LogAppendTime
	}
	segmentMs := c.SegmentMs
	if c.Compact {
		segmentMs = min(segmentMs, c.CompactionLagMsMax) // the active segment can't be compacted
	}
	return replica.TopicSettings{
		MinInsyncReplicas: int(c.MinInsyncReplicas),
		LeaderThrottled:   replica.ReplicaList(c.LeaderThrottled),
		FollowerThrottled: replica.ReplicaList(c.FollowerThrottled),
		Retention: replica.TopicRetention{
			Delete: c.Delete,
			Limits: cleaner.Retention{Ms: c.RetentionMs, Bytes: c.RetentionBytes},
			Compaction: cleaner.Policy{
				LagMsMin: c.CompactionLagMsMin, LagMsMax: c.CompactionLagMsMax,
				DirtyRatioMin: c.DirtyRatioMin, DeleteRetentionMs: c.DeleteRetentionMs,
			},
		},
		Log: commitlog.Config{
			SegmentBytes:                int64(c.SegmentBytes),
			SegmentMs:                   segmentMs,
			SegmentJitterMs:             c.SegmentJitterMs,
			Preallocate:                 c.Preallocate,
			Convert:                     c.Compression != "producer",
			Compression:                 compressionOf(c),
			IndexBytesMax:               int64(c.IndexBytesMax),
			IndexIntervalBytes:          int64(c.IndexIntervalBytes),
			MaxMessageBytes:             int64(c.MessageBytesMax),
			FlushMessages:               c.FlushMessages,
			FlushMs:                     c.FlushMs,
			MessageTimestampType:        timestamps,
			MessageTimestampBeforeMaxMs: c.TimestampBeforeMaxMs,
			MessageTimestampAfterMaxMs:  c.TimestampAfterMaxMs,
			ProducerIDExpirationMs:      c.ProducerIDExpirationMs,
			VerifyTransactions:          c.VerifyTransactions,
			FileDeleteDelayMs:           c.FileDeleteDelayMs,
			Compacted:                   c.Compact,
		},
	}
}

// compressionOf is what batches are converted to, unless they stay as they come.
func compressionOf(c config.Topic) record.Compression {
	for codec := record.Gzip; codec.Known(); codec++ {
		if codec.String() == c.Compression {
			return record.Compression{Codec: codec, Level: int(c.CompressionLevel)}
		}
	}
	return record.Compression{} // "uncompressed", and "producer"
}

// followLimits takes over what is set for connections and for the copying of replicas while the node runs.
func (b *Broker) followLimits(img *metadata.Image, delta *metadata.Delta) {
	if !slices.ContainsFunc(delta.Configs, func(r metadata.ConfigResource) bool { return r.Type == metadata.ResourceBroker }) {
		return
	}
	layers := b.layers(img)
	most, perIP, overrides := layers.ConnectionLimits()
	for _, s := range b.servers {
		s.SetLimits(most, perIP, overrides)
	}
	copying := layers.ReplicationLimits()
	b.replicas.SetLimits(copying.Leader, copying.Follower, copying.Move)
}

// followCleaner takes over what compaction may use while the node runs.
func (b *Broker) followCleaner(img *metadata.Image, delta *metadata.Delta) {
	if slices.ContainsFunc(delta.Configs, func(r metadata.ConfigResource) bool { return r.Type == metadata.ResourceBroker }) {
		b.replicas.SetCleaner(cleanerConfig(b.layers(img).Cleaner()))
	}
}

// cleanerConfig is what the node's compaction may use, in package replica's words.
func cleanerConfig(c config.Cleaner) replica.CleanerConfig {
	return replica.CleanerConfig{
		Disabled: !c.Enabled || c.Threads == 0, Threads: int(c.Threads), DedupeBytes: c.DedupeBytes, LoadFactor: c.LoadFactor,
		BufferBytes: int(c.BufferBytes), BytesPerSecond: c.BytesPerSecondMax, Backoff: c.Backoff,
	}
}

// voters is the quorum's configuration by node id.
func voters(node config.Node) map[int32]string {
	all := map[int32]string{}
	for _, voter := range node.Voters {
		all[voter.ID] = voter.Address
	}
	return all
}

func portOf(address net.Addr) (int32, error) {
	_, text, err := net.SplitHostPort(address.String())
	if err != nil {
		return 0, fmt.Errorf("address %s: %w", address, err)
	}
	port, err := strconv.ParseUint(text, 10, 16)
	return int32(port), err
}
