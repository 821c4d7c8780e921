package api

import "odradek/broker/server"

// Operation is what someone wants to do, numbered as in Kafka's ACLs (AclOperation).
type Operation int8

// The operations that handlers ask for.
const (
	OpRead            Operation = 3
	OpWrite           Operation = 4
	OpCreate          Operation = 5
	OpDelete          Operation = 6
	OpAlter           Operation = 7
	OpDescribe        Operation = 8
	OpClusterAction   Operation = 9
	OpDescribeConfigs Operation = 10
	OpAlterConfigs    Operation = 11
	OpIdempotentWrite Operation = 12
)

// ResourceType is what is acted on, numbered as in Kafka's ACLs (ResourceType).
type ResourceType int8

// The types of resources.
const (
	ResourceTopic   ResourceType = 2
	ResourceGroup   ResourceType = 3
	ResourceCluster ResourceType = 4
	// ResourceTransactionalID is Kafka's TRANSACTIONAL_ID.
	ResourceTransactionalID ResourceType = 5
)

// clusterName is the name of the one resource of type ResourceCluster.
const clusterName = "kafka-cluster"

// Authorizer says whether a peer may do something. It is called on the way of every request and must not block.
type Authorizer func(peer *server.Peer, operation Operation, resource ResourceType, name string) bool

// AllowAll is the Authorizer of a cluster without ACLs.
func AllowAll(*server.Peer, Operation, ResourceType, string) bool { return true }

func (h *Handler) mayTopic(c call, operation Operation, topic string) bool {
	return h.Authorizer(c.peer, operation, ResourceTopic, topic)
}

func (h *Handler) mayGroup(c call, operation Operation, group string) bool {
	return h.Authorizer(c.peer, operation, ResourceGroup, group)
}

func (h *Handler) mayCluster(c call, operation Operation) bool {
	return h.Authorizer(c.peer, operation, ResourceCluster, clusterName)
}

var (
	topicOperations   = []Operation{OpRead, OpWrite, OpCreate, OpDelete, OpAlter, OpDescribe, OpDescribeConfigs, OpAlterConfigs}
	groupOperations   = []Operation{OpRead, OpDelete, OpDescribe, OpDescribeConfigs, OpAlterConfigs}
	clusterOperations = []Operation{OpCreate, OpAlter, OpDescribe, OpClusterAction, OpDescribeConfigs, OpAlterConfigs, OpIdempotentWrite}
)

// operations is the bit field of what a peer may do (KIP-430): bit n for operation n.
func (h *Handler) operations(c call, resource ResourceType, name string) int32 {
	all := topicOperations
	switch resource {
	case ResourceGroup:
		all = groupOperations
	case ResourceCluster:
		all = clusterOperations
	}
	var bits int32
	for _, operation := range all {
		if h.Authorizer(c.peer, operation, resource, name) {
			bits |= 1 << operation
		}
	}
	return bits
}
