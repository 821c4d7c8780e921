package api

import (
	"context"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/coord"
	"odradek/broker/metadata"
)

// The kinds of coordinators.
const (
	coordinatorGroup       = 0
	coordinatorTransaction = 1
	coordinatorShare       = 2
)

// versionShareCoordinator is the version from which share coordinators are found.
const versionShareCoordinator = 6

// FindCoordinator, key 10, versions 0 to 6: the node that leads a group's partition of the offsets topic, or a transactional id's of the
// transaction topic. The first to ask has the topic made, and is told to ask again.
//
//	v1  kinds of coordinators     v4  several keys at once (KIP-699)     v6  a share-partition's coordinator (KIP-932)
func (h *Handler) findCoordinator(_ context.Context, c call, req *kmsg.FindCoordinatorRequest) *kmsg.FindCoordinatorResponse {
	resp := kmsg.NewPtrFindCoordinatorResponse()
	if c.Version < 4 {
		found := h.coordinatorOf(c, req.CoordinatorType, req.CoordinatorKey)
		resp.ErrorCode, resp.ErrorMessage = found.ErrorCode, found.ErrorMessage
		resp.NodeID, resp.Host, resp.Port = found.NodeID, found.Host, found.Port
		return resp
	}
	for _, key := range req.CoordinatorKeys {
		resp.Coordinators = append(resp.Coordinators, h.coordinatorOf(c, req.CoordinatorType, key))
	}
	return resp
}

func (h *Handler) coordinatorOf(c call, kind int8, key string) kmsg.FindCoordinatorResponseCoordinator {
	found := kmsg.NewFindCoordinatorResponseCoordinator()
	found.Key, found.NodeID, found.Port = key, metadata.NoLeader, -1
	node, err := h.coordinator(c, kind, key)
	if err != nil {
		found.ErrorCode, found.ErrorMessage = codeOf(err), messageOf(err)
		return found
	}
	fine := "" // as the reference puts it
	if c.Version < 4 {
		fine = "NONE"
	}
	found.NodeID, found.Host, found.Port, found.ErrorMessage = node.ID, node.Host, node.Port, &fine
	return found
}

func (h *Handler) coordinator(c call, kind int8, key string) (*metadata.Broker, error) {
	name := GroupTopic
	switch {
	case kind == coordinatorTransaction && !h.mayTransact(c, OpDescribe, key):
		return nil, kerr.TransactionalIDAuthorizationFailed
	case kind == coordinatorShare && c.Version >= versionShareCoordinator:
		if !h.mayCluster(c, OpClusterAction) {
			return nil, kerr.ClusterAuthorizationFailed
		}
		if !validShareKey(key) {
			return nil, kerr.InvalidRequest
		}
		name = ShareTopic
	case kind == coordinatorTransaction:
		name = TransactionTopic
	case kind != coordinatorGroup:
		return nil, kerr.InvalidRequest
	case !h.mayGroup(c, OpDescribe, key):
		return nil, kerr.GroupAuthorizationFailed
	}
	img := h.Controller.Image()
	topic := img.Topics[name]
	if topic == nil {
		h.createInBackground(name)
		return nil, kerr.CoordinatorNotAvailable
	}
	leader := topic.Partitions[coord.PartitionFor(key, int32(len(topic.Partitions)))].Leader
	if !img.Alive(leader) {
		return nil, kerr.CoordinatorNotAvailable
	}
	return img.Brokers[leader], nil
}
