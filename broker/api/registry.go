package api

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// handler is one API key with the versions that are served.
type handler struct {
	key      kmsg.Key
	min, max int16
	handle   func(h *Handler, ctx context.Context, c call, req kmsg.Request)
}

// handlers is all that is served. Versions are those of the reference; Produce is advertised from 0 besides (wire.Registry).
var handlers = []handler{
	{kmsg.Produce, 3, 13, typed((*Handler).produce)},
	{kmsg.Fetch, 4, 18, typed((*Handler).fetch)},
	{kmsg.ListOffsets, 1, 11, answered((*Handler).listOffsets)},
	{kmsg.Metadata, 0, 13, answered((*Handler).metadata)},
	{kmsg.OffsetCommit, 2, 10, typed((*Handler).offsetCommit)},
	{kmsg.OffsetFetch, 1, 10, typed((*Handler).offsetFetch)},
	{kmsg.FindCoordinator, 0, 6, answered((*Handler).findCoordinator)},
	{kmsg.JoinGroup, 0, 9, typed((*Handler).joinGroup)},
	{kmsg.Heartbeat, 0, 4, typed((*Handler).heartbeat)},
	{kmsg.LeaveGroup, 0, 5, typed((*Handler).leaveGroup)},
	{kmsg.SyncGroup, 0, 5, typed((*Handler).syncGroup)},
	{kmsg.DescribeGroups, 0, 6, typed((*Handler).describeGroups)},
	{kmsg.ListGroups, 0, 5, typed((*Handler).listGroups)},
	{kmsg.SASLHandshake, 0, 1, answered((*Handler).saslHandshake)},
	{kmsg.ApiVersions, 0, 4, answered((*Handler).apiVersions)},
	{kmsg.CreateTopics, 2, 7, answered((*Handler).createTopics)},
	{kmsg.DeleteTopics, 1, 6, answered((*Handler).deleteTopics)},
	{kmsg.DeleteRecords, 0, 2, typed((*Handler).deleteRecords)},
	{kmsg.InitProducerID, 0, 5, typed((*Handler).initProducerID)},
	{kmsg.OffsetForLeaderEpoch, 2, 4, answered((*Handler).offsetForLeaderEpoch)},
	{kmsg.DescribeACLs, 1, 3, typed((*Handler).describeACLs)},
	{kmsg.CreateACLs, 1, 3, typed((*Handler).createACLs)},
	{kmsg.DeleteACLs, 1, 3, typed((*Handler).deleteACLs)},
	{kmsg.AddPartitionsToTxn, 0, 5, typed((*Handler).addPartitionsToTxn)},
	{kmsg.AddOffsetsToTxn, 0, 4, typed((*Handler).addOffsetsToTxn)},
	{kmsg.EndTxn, 0, 5, typed((*Handler).endTxn)},
	{kmsg.WriteTxnMarkers, 1, 2, typed((*Handler).writeTxnMarkers)},
	{kmsg.TxnOffsetCommit, 0, 5, typed((*Handler).txnOffsetCommit)},
	{kmsg.DescribeConfigs, 1, 4, answered((*Handler).describeConfigs)},
	{kmsg.AlterConfigs, 0, 2, answered((*Handler).alterConfigs)},
	{kmsg.AlterReplicaLogDirs, 1, 2, answered((*Handler).alterReplicaLogDirs)},
	{kmsg.DescribeLogDirs, 1, 5, answered((*Handler).describeLogDirs)},
	{kmsg.SASLAuthenticate, 0, 2, answered((*Handler).saslAuthenticate)},
	{kmsg.CreatePartitions, 0, 3, answered((*Handler).createPartitions)},
	{kmsg.CreateDelegationToken, 1, 3, answered((*Handler).createDelegationToken)},
	{kmsg.RenewDelegationToken, 1, 2, answered((*Handler).renewDelegationToken)},
	{kmsg.ExpireDelegationToken, 1, 2, answered((*Handler).expireDelegationToken)},
	{kmsg.DescribeDelegationToken, 1, 3, answered((*Handler).describeDelegationToken)},
	{kmsg.DeleteGroups, 0, 2, typed((*Handler).deleteGroups)},
	{kmsg.ElectLeaders, 0, 2, answered((*Handler).electLeaders)},
	{kmsg.IncrementalAlterConfigs, 0, 1, answered((*Handler).incrementalAlterConfigs)},
	{kmsg.AlterPartitionAssignments, 0, 1, answered((*Handler).alterPartitionReassignments)},
	{kmsg.ListPartitionReassignments, 0, 0, answered((*Handler).listPartitionReassignments)},
	{kmsg.OffsetDelete, 0, 0, typed((*Handler).offsetDelete)},
	{kmsg.DescribeClientQuotas, 0, 1, answered((*Handler).describeClientQuotas)},
	{kmsg.AlterClientQuotas, 0, 1, answered((*Handler).alterClientQuotas)},
	{kmsg.DescribeUserSCRAMCredentials, 0, 0, answered((*Handler).describeUserSCRAM)},
	{kmsg.AlterUserSCRAMCredentials, 0, 0, answered((*Handler).alterUserSCRAM)},
	{kmsg.DescribeQuorum, 0, 2, answered((*Handler).describeQuorum)},
	{kmsg.UpdateFeatures, 0, 2, answered((*Handler).updateFeatures)},
	{kmsg.DescribeCluster, 0, 2, answered((*Handler).describeCluster)},
	{kmsg.DescribeProducers, 0, 0, answered((*Handler).describeProducers)},
	{kmsg.UnregisterBroker, 0, 0, answered((*Handler).unregisterBroker)},
	{kmsg.ListConfigResources, 0, 1, answered((*Handler).listConfigResources)},
	{kmsg.DescribeTransactions, 0, 0, typed((*Handler).describeTransactions)},
	{kmsg.ListTransactions, 0, 2, typed((*Handler).listTransactions)},
	{kmsg.ConsumerGroupHeartbeat, 0, 1, typed((*Handler).consumerGroupHeartbeat)},
	{kmsg.ConsumerGroupDescribe, 0, 1, typed((*Handler).consumerGroupDescribe)},
	{kmsg.ShareGroupHeartbeat, 1, 1, typed((*Handler).shareGroupHeartbeat)},
	{kmsg.ShareGroupDescribe, 1, 1, typed((*Handler).shareGroupDescribe)},
	{kmsg.ShareFetch, 1, 2, typed((*Handler).shareFetch)},
	{kmsg.ShareAcknowledge, 1, 2, typed((*Handler).shareAcknowledge)},
	{kmsg.DescribeShareGroupOffsets, 0, 1, typed((*Handler).describeShareGroupOffsets)},
	{kmsg.AlterShareGroupOffsets, 0, 0, typed((*Handler).alterShareGroupOffsets)},
	{kmsg.DeleteShareGroupOffsets, 0, 0, typed((*Handler).deleteShareGroupOffsets)},
	{kmsg.InitializeShareGroupState, 0, 0, typed((*Handler).initializeShareGroupState)},
	{kmsg.ReadShareGroupState, 0, 0, typed((*Handler).readShareGroupState)},
	{kmsg.WriteShareGroupState, 0, 1, typed((*Handler).writeShareGroupState)},
	{kmsg.DeleteShareGroupState, 0, 0, typed((*Handler).deleteShareGroupState)},
	{kmsg.ReadShareGroupStateSummary, 0, 1, typed((*Handler).readShareGroupStateSummary)},
	{kmsg.DescribeTopicPartitions, 0, 0, answered((*Handler).describeTopicPartitions)},
}

var handlerByKey map[kmsg.Key]*handler

func init() {
	handlerByKey = make(map[kmsg.Key]*handler, len(handlers))
	for i := range handlers {
		handlerByKey[handlers[i].key] = &handlers[i]
	}
}

// typed gives a handler its request by its own type.
func typed[R kmsg.Request](fn func(*Handler, context.Context, call, R)) func(*Handler, context.Context, call, kmsg.Request) {
	return func(h *Handler, ctx context.Context, c call, req kmsg.Request) {
		request, ok := req.(R)
		if !ok {
			panic(fmt.Sprintf("api: key %d is registered for another request than %T", c.Key, req))
		}
		fn(h, ctx, c, request)
	}
}

// answered is typed for handlers that return their answer.
func answered[R kmsg.Request, A kmsg.Response](fn func(*Handler, context.Context, call, R) A) func(*Handler, context.Context, call, kmsg.Request) {
	return typed(func(h *Handler, ctx context.Context, c call, req R) { c.reply(fn(h, ctx, c, req)) })
}
