package workload

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"

	"odradek/chaos"
)

// Setup makes the topics, retrying for as long as ctx lives: the cluster may still be forming. It returns when all exist and
// each partition has a leader.
func Setup(ctx context.Context, p *Process, cluster chaos.Cluster) error {
	client, err := p.client()
	if err != nil {
		return err
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	for _, topic := range cluster.Topics {
		if err := create(ctx, admin, topic); err != nil {
			return err
		}
	}
	for !led(ctx, admin, cluster.Topics) {
		if !pause(ctx, retryBackoffMin) {
			return fmt.Errorf("not every partition has a leader: %w", ctx.Err())
		}
	}
	return nil
}

func create(ctx context.Context, admin *kadm.Client, topic chaos.Topic) error {
	configs := map[string]*string{}
	for key, value := range topic.Config {
		configs[key] = &value
	}
	for {
		answer, err := admin.CreateTopic(ctx, int32(topic.Partitions), int16(topic.ReplicationFactor), configs, topic.Name)
		switch {
		case err == nil, errors.Is(err, kerr.TopicAlreadyExists):
			return nil
		case errors.Is(err, kerr.InvalidConfig), errors.Is(err, kerr.InvalidRequest):
			return fmt.Errorf("create topic %s: %w: %s", topic.Name, err, answer.ErrMessage)
		}
		if !pause(ctx, retryBackoffMax) {
			return fmt.Errorf("create topic %s: %w", topic.Name, err)
		}
	}
}

// led says whether every partition of the topics has a leader.
func led(ctx context.Context, admin *kadm.Client, topics []chaos.Topic) bool {
	var names []string
	for _, topic := range topics {
		names = append(names, topic.Name)
	}
	metadata, err := admin.Metadata(ctx, names...)
	if err != nil {
		return false
	}
	for _, topic := range topics {
		partitions := metadata.Topics[topic.Name].Partitions
		if len(partitions) != topic.Partitions {
			return false
		}
		for _, partition := range partitions {
			if partition.Leader < 0 {
				return false
			}
		}
	}
	return true
}
