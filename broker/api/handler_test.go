package api

import (
	"context"
	"errors"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/server"
)

// TestEveryVersionAnswers sends each request as it is without content, in each version, and reads the answer in that version.
func TestEveryVersionAnswers(t *testing.T) {
	for _, each := range handlers {
		for version := each.min; version <= each.max; version++ {
			h := newHouse(t)
			h.controller.respond = func(req kmsg.Request) (kmsg.Response, error) { return req.ResponseKind(), nil }
			req := kmsg.RequestForKey(int16(each.key))
			if produce, ok := req.(*kmsg.ProduceRequest); ok {
				produce.Acks = 1
			}
			if acls, ok := req.(*kmsg.DescribeACLsRequest); ok {
				acls.ResourceType, acls.ResourcePatternType, acls.Operation, acls.PermissionType = 1, 1, 1, 1
			}
			do[kmsg.Response](h, version, req)
		}
	}
}

// TestNobodyWithoutPermission asks with an authorizer that allows nothing: no request gets anything done, and each says so.
func TestNobodyWithoutPermission(t *testing.T) {
	topicA := "a"
	for _, test := range []struct {
		name    string
		version int16
		req     kmsg.Request
		code    func(kmsg.Response) int16
		want    *kerr.Error
	}{
		{"produce", 9, produceTo("a", 0), func(r kmsg.Response) int16 { return r.(*kmsg.ProduceResponse).Topics[0].Partitions[0].ErrorCode }, kerr.TopicAuthorizationFailed},
		{"produce by id", 13, produceTo("a", 0), func(r kmsg.Response) int16 { return r.(*kmsg.ProduceResponse).Topics[0].Partitions[0].ErrorCode }, kerr.TopicAuthorizationFailed},
		{"produce to nothing", 9, produceTo("none", 0), func(r kmsg.Response) int16 { return r.(*kmsg.ProduceResponse).Topics[0].Partitions[0].ErrorCode }, kerr.TopicAuthorizationFailed},
		{"fetch", 12, fetchOf(-1, "a", 0), func(r kmsg.Response) int16 { return r.(*kmsg.FetchResponse).Topics[0].Partitions[0].ErrorCode }, kerr.TopicAuthorizationFailed},
		{"fetch as a follower", 12, fetchOf(2, "a", 0), func(r kmsg.Response) int16 { return r.(*kmsg.FetchResponse).ErrorCode }, kerr.ClusterAuthorizationFailed},
		{"fetch as a follower, before errors of requests", 5, fetchOf(2, "a", 0), func(r kmsg.Response) int16 { return r.(*kmsg.FetchResponse).Topics[0].Partitions[0].ErrorCode }, kerr.ClusterAuthorizationFailed},
		{"metadata", 12, metadataOf("a"), func(r kmsg.Response) int16 { return r.(*kmsg.MetadataResponse).Topics[0].ErrorCode }, kerr.TopicAuthorizationFailed},
		{"metadata by id", 12, metadataByID(idA), func(r kmsg.Response) int16 { return r.(*kmsg.MetadataResponse).Topics[0].ErrorCode }, kerr.UnknownTopicID},
		{"all metadata", 12, &kmsg.MetadataRequest{}, func(r kmsg.Response) int16 { return int16(len(r.(*kmsg.MetadataResponse).Topics)) }, nil},
		{"list offsets", 7, listOf("a", 0, -1), func(r kmsg.Response) int16 { return r.(*kmsg.ListOffsetsResponse).Topics[0].Partitions[0].ErrorCode }, kerr.TopicAuthorizationFailed},
		{"offset for epoch", 4, &kmsg.OffsetForLeaderEpochRequest{Topics: []kmsg.OffsetForLeaderEpochRequestTopic{{Topic: "a", Partitions: []kmsg.OffsetForLeaderEpochRequestTopicPartition{{}}}}},
			func(r kmsg.Response) int16 {
				return r.(*kmsg.OffsetForLeaderEpochResponse).Topics[0].Partitions[0].ErrorCode
			}, kerr.TopicAuthorizationFailed},
		{"create topics", 7, &kmsg.CreateTopicsRequest{Topics: []kmsg.CreateTopicsRequestTopic{{Topic: "new"}}}, func(r kmsg.Response) int16 { return r.(*kmsg.CreateTopicsResponse).Topics[0].ErrorCode }, kerr.TopicAuthorizationFailed},
		{"delete topics", 6, &kmsg.DeleteTopicsRequest{Topics: []kmsg.DeleteTopicsRequestTopic{{Topic: &topicA}}}, func(r kmsg.Response) int16 { return r.(*kmsg.DeleteTopicsResponse).Topics[0].ErrorCode }, kerr.TopicAuthorizationFailed},
		{"delete topics by id", 6, &kmsg.DeleteTopicsRequest{Topics: []kmsg.DeleteTopicsRequestTopic{{TopicID: idA}}}, func(r kmsg.Response) int16 { return r.(*kmsg.DeleteTopicsResponse).Topics[0].ErrorCode }, kerr.UnknownTopicID},
		{"create partitions", 3, &kmsg.CreatePartitionsRequest{Topics: []kmsg.CreatePartitionsRequestTopic{{Topic: "a", Count: 9}}}, func(r kmsg.Response) int16 { return r.(*kmsg.CreatePartitionsResponse).Topics[0].ErrorCode }, kerr.TopicAuthorizationFailed},
		{"producer id", 4, &kmsg.InitProducerIDRequest{ProducerID: -1, ProducerEpoch: -1}, func(r kmsg.Response) int16 { return r.(*kmsg.InitProducerIDResponse).ErrorCode }, kerr.ClusterAuthorizationFailed},
		{"elect leaders", 2, &kmsg.ElectLeadersRequest{}, func(r kmsg.Response) int16 { return r.(*kmsg.ElectLeadersResponse).ErrorCode }, kerr.ClusterAuthorizationFailed},
		{"describe a topic's configs", 4, describeConfigsOf(kmsg.ConfigResourceTypeTopic, "a"), func(r kmsg.Response) int16 { return r.(*kmsg.DescribeConfigsResponse).Resources[0].ErrorCode }, kerr.TopicAuthorizationFailed},
		{"describe a broker's configs", 4, describeConfigsOf(kmsg.ConfigResourceTypeBroker, "1"), func(r kmsg.Response) int16 { return r.(*kmsg.DescribeConfigsResponse).Resources[0].ErrorCode }, kerr.ClusterAuthorizationFailed},
		{"alter configs", 2, &kmsg.AlterConfigsRequest{Resources: []kmsg.AlterConfigsRequestResource{{ResourceType: kmsg.ConfigResourceTypeTopic, ResourceName: "a"}}},
			func(r kmsg.Response) int16 { return r.(*kmsg.AlterConfigsResponse).Resources[0].ErrorCode }, kerr.TopicAuthorizationFailed},
		{"incremental alter configs", 1, &kmsg.IncrementalAlterConfigsRequest{Resources: []kmsg.IncrementalAlterConfigsRequestResource{{ResourceType: kmsg.ConfigResourceTypeBroker}}},
			func(r kmsg.Response) int16 {
				return r.(*kmsg.IncrementalAlterConfigsResponse).Resources[0].ErrorCode
			}, kerr.ClusterAuthorizationFailed},
		{"describe a group's configs", 4, describeConfigsOf(kmsg.ConfigResourceTypeGroupConfig, "g"), func(r kmsg.Response) int16 { return r.(*kmsg.DescribeConfigsResponse).Resources[0].ErrorCode }, kerr.GroupAuthorizationFailed},
		{"alter a group's configs", 2, &kmsg.AlterConfigsRequest{Resources: []kmsg.AlterConfigsRequestResource{{ResourceType: kmsg.ConfigResourceTypeGroupConfig, ResourceName: "g"}}},
			func(r kmsg.Response) int16 { return r.(*kmsg.AlterConfigsResponse).Resources[0].ErrorCode }, kerr.GroupAuthorizationFailed},
		{"reassign", 1, &kmsg.AlterPartitionAssignmentsRequest{}, func(r kmsg.Response) int16 { return r.(*kmsg.AlterPartitionAssignmentsResponse).ErrorCode }, kerr.ClusterAuthorizationFailed},
		{"list reassignments", 0, &kmsg.ListPartitionReassignmentsRequest{}, func(r kmsg.Response) int16 { return r.(*kmsg.ListPartitionReassignmentsResponse).ErrorCode }, kerr.ClusterAuthorizationFailed},
		{"list config resources", 1, &kmsg.ListConfigResourcesRequest{}, func(r kmsg.Response) int16 { return r.(*kmsg.ListConfigResourcesResponse).ErrorCode }, kerr.ClusterAuthorizationFailed},
		{"update features", 1, &kmsg.UpdateFeaturesRequest{}, func(r kmsg.Response) int16 { return r.(*kmsg.UpdateFeaturesResponse).ErrorCode }, kerr.ClusterAuthorizationFailed},
		{"unregister a broker", 0, &kmsg.UnregisterBrokerRequest{}, func(r kmsg.Response) int16 { return r.(*kmsg.UnregisterBrokerResponse).ErrorCode }, kerr.ClusterAuthorizationFailed},
		{"describe SCRAM users", 0, &kmsg.DescribeUserSCRAMCredentialsRequest{}, func(r kmsg.Response) int16 { return r.(*kmsg.DescribeUserSCRAMCredentialsResponse).ErrorCode }, kerr.ClusterAuthorizationFailed},
		{"alter SCRAM users", 0, &kmsg.AlterUserSCRAMCredentialsRequest{Deletions: []kmsg.AlterUserSCRAMCredentialsRequestDeletion{{Name: "u"}}},
			func(r kmsg.Response) int16 {
				return r.(*kmsg.AlterUserSCRAMCredentialsResponse).Results[0].ErrorCode
			}, kerr.ClusterAuthorizationFailed},
		{"create ACLs", 3, &kmsg.CreateACLsRequest{Creations: []kmsg.CreateACLsRequestCreation{{ResourceType: 2, ResourcePatternType: 3, Operation: 3, PermissionType: 3}}},
			func(r kmsg.Response) int16 { return r.(*kmsg.CreateACLsResponse).Results[0].ErrorCode }, kerr.ClusterAuthorizationFailed},
		{"describe topic partitions", 0, &kmsg.DescribeTopicPartitionsRequest{Topics: []kmsg.DescribeTopicPartitionsRequestTopic{{Topic: "a"}}},
			func(r kmsg.Response) int16 { return r.(*kmsg.DescribeTopicPartitionsResponse).Topics[0].ErrorCode }, kerr.TopicAuthorizationFailed},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := newHouse(t)
			h.Authorizer = func(*server.Peer, Operation, ResourceType, string) bool { return false }
			resp := do[kmsg.Response](h, test.version, test.req)
			want := int16(0)
			if test.want != nil {
				want = test.want.Code
			}
			if got := test.code(resp); got != want {
				t.Errorf("code %d, want %d", got, want)
			}
			if len(h.controller.requests) > 0 {
				t.Errorf("the controller was asked: %v", h.controller.requests)
			}
			for _, p := range h.a[:2] {
				if len(p.appended)+len(p.fetched) > 0 {
					t.Error("a partition was touched")
				}
			}
		})
	}
}

func TestOperationBits(t *testing.T) {
	h := newHouse(t)
	c := call{peer: &server.Peer{}}
	if topic, cluster := h.operations(c, ResourceTopic, "a"), h.operations(c, ResourceCluster, clusterName); topic != 3576 || cluster != 8096 {
		t.Errorf("topic %d and cluster %d, the reference has 3576 and 8096", topic, cluster)
	}
	h.Authorizer = func(_ *server.Peer, operation Operation, _ ResourceType, _ string) bool { return operation == OpRead }
	if got := h.operations(c, ResourceTopic, "a"); got != 1<<3 {
		t.Errorf("reading alone is %b", got)
	}
}

func TestCodes(t *testing.T) {
	for _, test := range []struct {
		name    string
		key     kmsg.Key
		version int16
		err     error
		want    int16
	}{
		{"none", kmsg.Produce, 9, nil, 0},
		{"Kafka's own", kmsg.Produce, 9, kerr.NotEnoughReplicas, 19},
		{"wrapped", kmsg.Produce, 9, errors.Join(kerr.CorruptMessage), 2},
		{"with words", kmsg.DescribeConfigs, 4, configErrorf(kerr.InvalidRequest, "x"), 42},
		{"out of time", kmsg.CreateTopics, 7, context.DeadlineExceeded, 7},
		{"stopping", kmsg.CreateTopics, 7, context.Canceled, 8},
		{"anything else", kmsg.CreateTopics, 7, errors.New("?"), -1},
		{"storage", kmsg.Produce, 4, kerr.KafkaStorageError, 56},
		{"storage, old producer", kmsg.Produce, 3, kerr.KafkaStorageError, 6},
		{"storage, old consumer", kmsg.Fetch, 5, kerr.KafkaStorageError, 6},
		{"offset not available, old consumer", kmsg.ListOffsets, 4, kerr.OffsetNotAvailable, 5},
	} {
		c := call{}
		c.Key, c.Version = int16(test.key), test.version
		if got := codeFor(c, test.err); got != test.want {
			t.Errorf("%s: %d, want %d", test.name, got, test.want)
		}
	}
}

func TestWhatTheControllerCanNotDoInTime(t *testing.T) {
	h := newHouse(t)
	h.controller.respond = func(kmsg.Request) (kmsg.Response, error) { return nil, context.DeadlineExceeded }
	created := do[*kmsg.CreateTopicsResponse](h, 7, &kmsg.CreateTopicsRequest{Topics: []kmsg.CreateTopicsRequestTopic{{Topic: "x"}, {Topic: "y"}}})
	if len(created.Topics) != 2 || created.Topics[1].ErrorCode != kerr.RequestTimedOut.Code || created.Topics[1].Topic != "y" {
		t.Errorf("create: %+v", created.Topics)
	}
	name := "a"
	deleted := do[*kmsg.DeleteTopicsResponse](h, 6, &kmsg.DeleteTopicsRequest{Topics: []kmsg.DeleteTopicsRequestTopic{{Topic: &name}}})
	if deleted.Topics[0].ErrorCode != kerr.RequestTimedOut.Code {
		t.Errorf("delete: %+v", deleted.Topics)
	}
	enlarged := do[*kmsg.CreatePartitionsResponse](h, 3, &kmsg.CreatePartitionsRequest{Topics: []kmsg.CreatePartitionsRequestTopic{{Topic: "a"}}})
	if enlarged.Topics[0].ErrorCode != kerr.RequestTimedOut.Code {
		t.Errorf("create partitions: %+v", enlarged.Topics)
	}
	elected := do[*kmsg.ElectLeadersResponse](h, 2, &kmsg.ElectLeadersRequest{Topics: []kmsg.ElectLeadersRequestTopic{{Topic: "a", Partitions: []int32{0}}}})
	if elected.ErrorCode != kerr.RequestTimedOut.Code || elected.Topics[0].Partitions[0].ErrorCode != kerr.RequestTimedOut.Code {
		t.Errorf("elect: %+v", elected)
	}
}
