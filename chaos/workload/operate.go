package workload

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"

	"odradek/chaos"
)

// A wish is what an operator wants, and when.
type wish struct {
	at    chaos.Duration
	words string
	ask   func(context.Context, *kadm.Client) error // once; nil when the cluster has heard it
}

// Operate makes an operator's wishes, each at its time after start, and repeats each until the cluster has heard it.
func Operate(ctx context.Context, p *Process, moves []chaos.Reassignment, replicaMoves []chaos.ReplicaMove, start time.Time) error {
	client, err := p.client()
	if err != nil {
		return err
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	for _, w := range wishes(moves, replicaMoves) {
		pause(ctx, time.Until(start.Add(w.at.D())))
		for {
			err := w.ask(ctx, admin)
			if err == nil {
				break
			}
			if !pause(ctx, retryBackoffMax) {
				return fmt.Errorf("%s: %w", w.words, err)
			}
		}
	}
	return nil
}

func wishes(moves []chaos.Reassignment, replicaMoves []chaos.ReplicaMove) []wish {
	var all []wish
	for _, m := range moves {
		all = append(all, wish{m.At, fmt.Sprintf("reassign %s-%d to %v", m.Topic, m.Partition, m.Replicas),
			func(ctx context.Context, admin *kadm.Client) error { return reassign(ctx, admin, m) }})
	}
	for _, m := range replicaMoves {
		all = append(all, wish{m.At, fmt.Sprintf("move node %d's %s-%d to directory %d", m.Node, m.Topic, m.Partition, m.Dir),
			func(ctx context.Context, admin *kadm.Client) error { return moveReplica(ctx, admin, m) }})
	}
	slices.SortStableFunc(all, func(a, b wish) int { return int(a.at - b.at) })
	return all
}

// reassign asks once. That there is nothing to take back, or no way back, is an answer too.
func reassign(ctx context.Context, admin *kadm.Client, move chaos.Reassignment) error {
	var req kadm.AlterPartitionAssignmentsReq
	if len(move.Replicas) == 0 {
		req.CancelAssign(move.Topic, int32(move.Partition))
	} else {
		replicas := make([]int32, len(move.Replicas))
		for i, node := range move.Replicas {
			replicas[i] = int32(node)
		}
		req.Assign(move.Topic, int32(move.Partition), replicas)
	}
	answers, err := admin.AlterPartitionAssignments(ctx, req)
	if err == nil {
		err = answers.Error()
	}
	if len(move.Replicas) == 0 && (errors.Is(err, kerr.NoReassignmentInProgress) || errors.Is(err, kerr.InvalidReplicaAssignment)) {
		return nil
	}
	return err
}

// moveReplica asks a node once. Directories are known by their place among the names that the node tells. Whatever the node says of
// the replica or of the directory is an answer.
func moveReplica(ctx context.Context, admin *kadm.Client, move chaos.ReplicaMove) error {
	dirs, err := admin.DescribeBrokerLogDirs(ctx, int32(move.Node), nil)
	if err != nil {
		return err
	}
	names := make([]string, 0, len(dirs))
	for _, dir := range dirs.Sorted() {
		names = append(names, dir.Dir)
	}
	if move.Dir > len(names) {
		return fmt.Errorf("the node has %d directories", len(names))
	}
	var topics kadm.TopicsSet
	topics.Add(move.Topic, int32(move.Partition))
	var req kadm.AlterReplicaLogDirsReq
	req.Add(names[move.Dir-1], topics)
	_, err = admin.AlterBrokerReplicaLogDirs(ctx, int32(move.Node), req)
	return err
}
