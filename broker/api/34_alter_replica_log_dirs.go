package api

import (
	"context"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// AlterReplicaLogDirs, key 34, versions 1 and 2: moves replicas of this node between its data directories. It is answered when the
// moves have begun; DescribeLogDirs tells how far they are. A replica that is not here yet will be made in the directory, and the
// answer is REPLICA_NOT_AVAILABLE, or UNKNOWN_TOPIC_OR_PARTITION. Errors: LOG_DIR_NOT_FOUND, KAFKA_STORAGE_ERROR for a directory or a replica whose disk failed,
// CLUSTER_AUTHORIZATION_FAILED.
func (h *Handler) alterReplicaLogDirs(_ context.Context, c call, req *kmsg.AlterReplicaLogDirsRequest) *kmsg.AlterReplicaLogDirsResponse {
	resp := kmsg.NewPtrAlterReplicaLogDirsResponse()
	allowed := h.mayCluster(c, OpAlter)
	place := map[string]int{} // of a topic in the answer, as several directories may name it
	for _, dir := range req.Dirs {
		for _, asked := range dir.Topics {
			at, known := place[asked.Topic]
			if !known {
				at = len(resp.Topics)
				place[asked.Topic] = at
				topic := kmsg.NewAlterReplicaLogDirsResponseTopic()
				topic.Topic = asked.Topic
				resp.Topics = append(resp.Topics, topic)
			}
			for _, index := range asked.Partitions {
				var err error = kerr.ClusterAuthorizationFailed
				if allowed {
					err = h.Replicas.Move(asked.Topic, index, dir.Dir)
				}
				part := kmsg.NewAlterReplicaLogDirsResponseTopicPartition()
				part.Partition, part.ErrorCode = index, codeFor(c, err)
				resp.Topics[at].Partitions = append(resp.Topics[at].Partitions, part)
			}
		}
	}
	return resp
}
