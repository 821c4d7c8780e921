package api

import (
	"context"
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/replica"
)

// DescribeLogDirs, key 35, versions 1 to 5: the data directories of this node with the replicas in each, all or those that are
// asked for. A directory whose disk failed has KAFKA_STORAGE_ERROR and no replicas.
//
//	v3  an error of the whole answer     v4  the sizes of the disk (KIP-827), -1 where they are not known
func (h *Handler) describeLogDirs(_ context.Context, c call, req *kmsg.DescribeLogDirsRequest) *kmsg.DescribeLogDirsResponse {
	resp := kmsg.NewPtrDescribeLogDirsResponse()
	if !h.mayCluster(c, OpDescribe) {
		resp.ErrorCode = kerr.ClusterAuthorizationFailed.Code
		return resp
	}
	for _, state := range h.Replicas.Dirs() {
		dir := kmsg.NewDescribeLogDirsResponseDir()
		dir.Dir, dir.TotalBytes, dir.UsableBytes = state.Path, state.TotalBytes, state.UsableBytes
		if state.Failed {
			dir.ErrorCode = kerr.KafkaStorageError.Code
		}
		for _, r := range state.Replicas {
			if !asksForReplica(req, &r) {
				continue
			}
			if n := len(dir.Topics); n == 0 || dir.Topics[n-1].Topic != r.Topic {
				topic := kmsg.NewDescribeLogDirsResponseDirTopic()
				topic.Topic = r.Topic
				dir.Topics = append(dir.Topics, topic)
			}
			part := kmsg.NewDescribeLogDirsResponseDirTopicPartition()
			part.Partition, part.Size, part.OffsetLag, part.IsFuture = r.Index, r.Bytes, r.OffsetLag, r.Future
			topic := &dir.Topics[len(dir.Topics)-1]
			topic.Partitions = append(topic.Partitions, part)
		}
		resp.Dirs = append(resp.Dirs, dir)
	}
	return resp
}

// asksForReplica says whether a request is for a replica: one without topics is for all.
func asksForReplica(req *kmsg.DescribeLogDirsRequest, r *replica.ReplicaSize) bool {
	return req.Topics == nil || slices.ContainsFunc(req.Topics, func(t kmsg.DescribeLogDirsRequestTopic) bool {
		return t.Topic == r.Topic && slices.Contains(t.Partitions, r.Index)
	})
}
