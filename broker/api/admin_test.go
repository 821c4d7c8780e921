package api

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/metadata"
	"odradek/broker/replica"
)

func metadataOf(names ...string) *kmsg.MetadataRequest {
	req := kmsg.NewPtrMetadataRequest()
	for _, name := range names {
		req.Topics = append(req.Topics, kmsg.MetadataRequestTopic{Topic: &name})
	}
	return req
}

func metadataByID(id metadata.UUID) *kmsg.MetadataRequest {
	return &kmsg.MetadataRequest{Topics: []kmsg.MetadataRequestTopic{{TopicID: id}}}
}

func listOf(topic string, partition int32, timestamp int64) *kmsg.ListOffsetsRequest {
	req := kmsg.NewPtrListOffsetsRequest()
	req.ReplicaID = -1
	p := kmsg.NewListOffsetsRequestTopicPartition()
	p.Partition, p.Timestamp = partition, timestamp
	req.Topics = []kmsg.ListOffsetsRequestTopic{{Topic: topic, Partitions: []kmsg.ListOffsetsRequestTopicPartition{p}}}
	return req
}

func describeConfigsOf(kind kmsg.ConfigResourceType, name string) *kmsg.DescribeConfigsRequest {
	return &kmsg.DescribeConfigsRequest{Resources: []kmsg.DescribeConfigsRequestResource{{ResourceType: kind, ResourceName: name}}}
}

func TestMetadataTellsWhoIsAlive(t *testing.T) {
	h := newHouse(t)
	for version := int16(0); version <= 13; version++ {
		resp := do[*kmsg.MetadataResponse](h, version, metadataOf("a", "b"))
		if len(resp.Brokers) != 2 || resp.Brokers[0].NodeID != 1 || resp.Brokers[1].NodeID != 2 {
			t.Fatalf("v%d: nodes %+v", version, resp.Brokers)
		}
		if version >= 1 && (resp.ControllerID != 2 || *resp.Brokers[0].Rack != "r1" || resp.Brokers[1].Rack != nil) {
			t.Errorf("v%d: controller %d, nodes %+v", version, resp.ControllerID, resp.Brokers)
		}
		a, b := resp.Topics[0].Partitions, resp.Topics[1].Partitions
		if a[0].Leader != 1 || a[0].ErrorCode != 0 || a[2].Leader != 2 {
			t.Errorf("v%d: a is %+v", version, a)
		}
		if version == 0 && (a[1].ErrorCode != kerr.ReplicaNotAvailable.Code || !slices.Equal(a[1].Replicas, []int32{1})) {
			t.Errorf("v0 tells of nodes that are away: %+v", a[1])
		}
		if version >= 1 && !slices.Equal(a[1].Replicas, []int32{1, 3}) {
			t.Errorf("v%d: replicas %v", version, a[1].Replicas)
		}
		if version >= 5 && !slices.Equal(a[1].OfflineReplicas, []int32{3}) {
			t.Errorf("v%d: offline %v", version, a[1].OfflineReplicas)
		}
		if version >= 7 && a[0].LeaderEpoch != 7 {
			t.Errorf("v%d: epoch %d", version, a[0].LeaderEpoch)
		}
		if b[0].Leader != -1 || b[0].ErrorCode != kerr.LeaderNotAvailable.Code {
			t.Errorf("v%d: b is %+v", version, b)
		}
	}
	h.controller.leader = -1
	if resp := do[*kmsg.MetadataResponse](h, 12, metadataOf()); resp.ControllerID != -1 {
		t.Errorf("controller %d where there is none", resp.ControllerID)
	}
}

func TestMetadataCreatesTopicsThatAreAskedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		decide := make(chan struct{})
		h.controller.respond = func(req kmsg.Request) (kmsg.Response, error) {
			<-decide
			return &kmsg.CreateTopicsResponse{}, nil
		}
		req := metadataOf("new")
		req.AllowAutoTopicCreation = true
		for range 3 {
			if resp := do[*kmsg.MetadataResponse](h, 12, req); resp.Topics[0].ErrorCode != kerr.UnknownTopicOrPartition.Code {
				t.Errorf("answered %+v", resp.Topics)
			}
			synctest.Wait()
		}
		if len(h.controller.requests) != 1 {
			t.Fatalf("%d requests to create one topic", len(h.controller.requests))
		}
		created := h.controller.requests[0].(*kmsg.CreateTopicsRequest).Topics[0]
		if created.Topic != "new" || created.NumPartitions != -1 || created.ReplicationFactor != -1 {
			t.Errorf("asked for %+v", created)
		}
		close(decide)
		synctest.Wait()
		do[*kmsg.MetadataResponse](h, 12, req)
		synctest.Wait()
		if len(h.controller.requests) != 2 {
			t.Error("not asked for again after the first was done")
		}
	})
}

func TestMetadataCreatesNothing(t *testing.T) {
	for _, test := range []struct {
		name, setting, topic string
		version              int16
		allow                bool
		want                 *kerr.Error
	}{
		{"not asked to", "num.partitions=1", "new", 12, false, kerr.UnknownTopicOrPartition},
		{"not allowed to", "auto.create.topics.enable=false", "new", 12, true, kerr.UnknownTopicOrPartition},
		{"bad name", "num.partitions=1", "a b", 12, true, kerr.InvalidTopicException},
	} {
		h := newHouse(t, test.setting)
		req := metadataOf(test.topic)
		req.AllowAutoTopicCreation = test.allow
		if resp := do[*kmsg.MetadataResponse](h, test.version, req); resp.Topics[0].ErrorCode != test.want.Code {
			t.Errorf("%s: %+v", test.name, resp.Topics)
		}
		if h.Close(); len(h.controller.requests) > 0 {
			t.Errorf("%s: created", test.name)
		}
	}
}

func TestListOffsetsByVersion(t *testing.T) {
	h := newHouse(t)
	h.a[0].listed = replica.OffsetAtTime{Offset: 12, Timestamp: 34, LeaderEpoch: 7}
	since := map[int64]int16{-1: 1, -2: 1, -3: 7, -4: 8, -5: 9, -6: 11, -7: 99, 5: 1}
	for version := int16(1); version <= 11; version++ {
		for timestamp, first := range since {
			p := do[*kmsg.ListOffsetsResponse](h, version, listOf("a", 0, timestamp)).Topics[0].Partitions[0]
			switch {
			case version < first && p.ErrorCode != kerr.UnsupportedVersion.Code:
				t.Errorf("v%d of %d: %+v", version, timestamp, p)
			case version >= first && (p.ErrorCode != 0 || p.Offset != 12 || p.Timestamp != 34 || version >= 4 && p.LeaderEpoch != 7):
				t.Errorf("v%d of %d: %+v", version, timestamp, p)
			}
		}
	}
	if p := do[*kmsg.ListOffsetsResponse](h, 7, listOf("a", 2, -1)).Topics[0].Partitions[0]; p.ErrorCode != kerr.NotLeaderForPartition.Code {
		t.Errorf("of another node's partition: %+v", p)
	}
}

func TestProducerIDsComeInBlocks(t *testing.T) {
	h := newHouse(t)
	next := int64(100)
	h.controller.respond = func(req kmsg.Request) (kmsg.Response, error) {
		if asked := req.(*kmsg.AllocateProducerIDsRequest); asked.BrokerID != 1 || asked.BrokerEpoch != 5 {
			t.Errorf("asked as %+v", asked)
		}
		next += 100
		return &kmsg.AllocateProducerIDsResponse{ProducerIDStart: next, ProducerIDLen: 2}, nil
	}
	for _, want := range []int64{200, 201, 300} {
		req := kmsg.NewPtrInitProducerIDRequest()
		if resp := do[*kmsg.InitProducerIDResponse](h, 4, req); resp.ErrorCode != 0 || resp.ProducerID != want || resp.ProducerEpoch != 0 {
			t.Errorf("got %+v, want id %d", resp, want)
		}
	}
	h.controller.respond = func(kmsg.Request) (kmsg.Response, error) { return nil, context.DeadlineExceeded }
	do[*kmsg.InitProducerIDResponse](h, 4, kmsg.NewPtrInitProducerIDRequest()) // the last of the block
	if resp := do[*kmsg.InitProducerIDResponse](h, 4, kmsg.NewPtrInitProducerIDRequest()); resp.ErrorCode != kerr.CoordinatorLoadInProgress.Code {
		t.Errorf("without a controller: %+v", resp)
	}
}

func TestDeletionCanBeSwitchedOff(t *testing.T) {
	h := newHouse(t, "delete.topic.enable=false")
	for version, want := range map[int16]*kerr.Error{2: kerr.InvalidRequest, 3: kerr.TopicDeletionDisabled} {
		resp := do[*kmsg.DeleteTopicsResponse](h, version, &kmsg.DeleteTopicsRequest{TopicNames: []string{"a"}})
		if resp.Topics[0].ErrorCode != want.Code {
			t.Errorf("v%d: %+v", version, resp.Topics)
		}
	}
}

func TestPagesOfPartitionsAreBounded(t *testing.T) {
	h := newHouse(t, "max.request.partition.size.limit=2")
	req := kmsg.NewPtrDescribeTopicPartitionsRequest()
	var pages [][]int32
	for len(pages) < 10 {
		resp := do[*kmsg.DescribeTopicPartitionsResponse](h, 0, req)
		var page []int32
		for _, topic := range resp.Topics {
			for _, p := range topic.Partitions {
				page = append(page, p.Partition)
				if p.EligibleLeaderReplicas == nil || p.LastKnownELR == nil {
					t.Errorf("null where Java's admin client can't take it: %+v", p)
				}
			}
		}
		pages = append(pages, page)
		if resp.NextCursor == nil {
			break
		}
		req.Cursor = &kmsg.DescribeTopicPartitionsRequestCursor{Topic: resp.NextCursor.Topic, Partition: resp.NextCursor.Partition}
	}
	if len(pages) != 2 || !slices.Equal(pages[0], []int32{0, 1}) || !slices.Equal(pages[1], []int32{2, 0}) {
		t.Errorf("pages %v", pages)
	}
}

func TestFencedNodesAreToldWhenAskedFor(t *testing.T) {
	h := newHouse(t)
	if resp := do[*kmsg.DescribeClusterResponse](h, 2, &kmsg.DescribeClusterRequest{EndpointType: 1}); len(resp.Brokers) != 2 || resp.ClusterID != "cluster" {
		t.Errorf("%+v", resp)
	}
	resp := do[*kmsg.DescribeClusterResponse](h, 2, &kmsg.DescribeClusterRequest{EndpointType: 1, IncludeFencedBrokers: true})
	if len(resp.Brokers) != 3 || !resp.Brokers[2].IsFenced || resp.Brokers[1].IsFenced {
		t.Errorf("%+v", resp)
	}
}
