package coordinators

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// sight is what a coordinator says of a group: how many members it has, with how many partitions; whether every member has what it is to
// have; and whether the group is at rest.
type sight struct {
	members, partitions int
	assigned, stable    bool
}

// look asks the coordinator.
func (g *group) look(ctx context.Context) (sight, error) {
	if g.Protocol == "consumer" {
		return g.lookConsumer(ctx)
	}
	return g.lookClassic(ctx)
}

func (g *group) lookClassic(ctx context.Context) (sight, error) {
	req := kmsg.NewPtrDescribeGroupsRequest()
	req.Groups = []string{g.name}
	resp, err := req.RequestWith(ctx, g.admin)
	if err != nil {
		return sight{}, err
	}
	described, err := only(resp.Groups)
	if err != nil {
		return sight{}, err
	}
	stable := described.State == "Stable"
	seen := sight{members: len(described.Members), assigned: stable, stable: stable}
	for _, member := range described.Members {
		var assigned kmsg.ConsumerMemberAssignment
		if len(member.MemberAssignment) > 0 {
			if err := assigned.ReadFrom(member.MemberAssignment); err != nil {
				return seen, err
			}
		}
		for _, topic := range assigned.Topics {
			seen.partitions += len(topic.Partitions)
		}
	}
	return seen, kerr.ErrorForCode(described.ErrorCode)
}

func (g *group) lookConsumer(ctx context.Context) (sight, error) {
	req := kmsg.NewPtrConsumerGroupDescribeRequest()
	req.Groups = []string{g.name}
	resp, err := req.RequestWith(ctx, g.admin)
	if err != nil {
		return sight{}, err
	}
	described, err := only(resp.Groups)
	if err != nil {
		return sight{}, err
	}
	seen := sight{members: len(described.Members), assigned: described.Epoch == described.AssignmentEpoch, stable: described.State == "Stable"}
	for _, member := range described.Members {
		seen.assigned = seen.assigned && sameAssignment(member.Assignment, member.TargetAssignment)
		for _, topic := range member.Assignment.TopicPartitions {
			seen.partitions += len(topic.Partitions)
		}
	}
	return seen, kerr.ErrorForCode(described.ErrorCode)
}

// only is the one group that was asked for.
func only[T any](groups []T) (one T, err error) {
	if len(groups) != 1 {
		return one, fmt.Errorf("%d groups are described instead of one", len(groups))
	}
	return groups[0], nil
}

// sameAssignment says whether two assignments have the same partitions, in whatever order.
func sameAssignment(a, b kmsg.Assignment) bool {
	partitions := func(of kmsg.Assignment) map[[16]byte][]int32 {
		all := map[[16]byte][]int32{}
		for _, topic := range of.TopicPartitions {
			all[topic.TopicID] = slices.Sorted(slices.Values(topic.Partitions))
		}
		return all
	}
	return maps.EqualFunc(partitions(a), partitions(b), slices.Equal[[]int32])
}
