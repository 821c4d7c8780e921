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

// Operate makes an operator's wishes, each at its time after start, and repeats each until the cluster has heard it.
func Operate(ctx context.Context, p *Process, moves []chaos.Reassignment, start time.Time) error {
	client, err := p.client()
	if err != nil {
		return err
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	moves = slices.Clone(moves)
	slices.SortStableFunc(moves, func(a, b chaos.Reassignment) int { return int(a.At - b.At) })
	for _, move := range moves {
		pause(ctx, time.Until(start.Add(move.At.D())))
		for {
			err := reassign(ctx, admin, move)
			if err == nil {
				break
			}
			if !pause(ctx, retryBackoffMax) {
				return fmt.Errorf("reassign %s-%d to %v: %w", move.Topic, move.Partition, move.Replicas, err)
			}
		}
	}
	return nil
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
