package vectors

import (
	"errors"
	"fmt"
	"hash/crc32"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// script is a sequence of questions. Each uses topics of its own, so that scripts don't disturb one another; they run in the
// order of this table.
type script struct {
	name string
	run  func(*player)
}

var scripts = []script{
	{"18-api-versions", apiVersions},
	{"03-metadata", metadata},
	{"19-create-topics", createTopics},
	{"00-produce", produce},
	{"00-produce-compacted", produceCompacted},
	{"00-produce-malformed", produceMalformed},
	{"00-produce-converted", produceConverted},
	{"00-produce-timestamps", produceTimestamps},
	{"01-fetch", fetch},
	{"02-list-offsets", listOffsets},
	{"02-list-offsets-times", listOffsetsByTime},
	{"21-delete-records", deleteRecords},
	{"22-init-producer-id", initProducerID},
	{"23-offset-for-leader-epoch", offsetForLeaderEpoch},
	{"32-describe-configs", describeConfigs},
	{"44-incremental-alter-configs", incrementalAlterConfigs},
	{"44-log-configs", logConfigs},
	{"44-replication-throttles", replicationThrottles},
	{"33-alter-configs", alterConfigs},
	{"37-create-partitions", createPartitions},
	{"34-alter-replica-log-dirs", alterReplicaLogDirs},
	{"35-describe-log-dirs", describeLogDirs},
	{"43-elect-leaders", electLeaders},
	{"60-describe-cluster", describeCluster},
	{"75-describe-topic-partitions", describeTopicPartitions},
	{"20-delete-topics", deleteTopics},
	{"10-find-coordinator", findCoordinator},
	{"11-join-group", joinGroup},
	{"14-sync-group", syncGroup},
	{"08-offset-commit", offsetCommit},
	{"09-offset-fetch", offsetFetch},
	{"42-delete-groups", deleteGroups},
	{"47-offset-delete", offsetDelete},
	{"15-describe-groups", describeGroups},
	{"17-sasl", sasl},
	{"29-acls", acls},
	{"38-delegation-tokens", delegationTokens},
	{"45-reassign", reassign},
	{"48-client-quotas", clientQuotas},
	{"50-scram-users", scramUsers},
	{"55-describe-quorum", describeQuorum},
	{"64-unregister-broker", unregisterBroker},
	{"74-list-config-resources", listConfigResources},
	{"32-group-configs", groupConfigs},
	{"57-update-features", updateFeatures},
	{"22-init-transactional-id", initTransactionalID},
	{"24-add-partitions-to-txn", addPartitions},
	{"25-add-offsets-to-txn", addOffsets},
	{"26-end-txn", endTxn},
	{"00-produce-transactional", produceTransactional},
	{"01-fetch-committed", fetchCommitted},
	{"28-txn-offset-commit", txnOffsetCommit},
	{"65-describe-transactions", describeTransactions},
	{"27-write-txn-markers", writeTxnMarkers},
	{"68-consumer-group-heartbeat", consumerGroupHeartbeat},
	{"69-consumer-group-describe", consumerGroupDescribe},
	{"83-share-state", shareStates},
	{"68-group-migration", migration},
	{"68-no-migration", noMigration},
	{"76-share-groups", shareGroups},
	{"91-alter-share-group-offsets", shareGroupsMade},
}

const requestTimeoutMs = 10_000

// recordTime is the timestamp of the first record of batches, in milliseconds: any fixed one does.
const recordTime = 1_700_000_000_000

func text(s string) *string { return &s }

func topic(name string, partitions int32, replication int16, configs ...string) kmsg.CreateTopicsRequestTopic {
	t := kmsg.NewCreateTopicsRequestTopic()
	t.Topic, t.NumPartitions, t.ReplicationFactor = name, partitions, replication
	for i := 0; i+1 < len(configs); i += 2 {
		c := kmsg.NewCreateTopicsRequestTopicConfig()
		c.Name, c.Value = configs[i], text(configs[i+1])
		t.Configs = append(t.Configs, c)
	}
	return t
}

func creation(topics ...kmsg.CreateTopicsRequestTopic) *kmsg.CreateTopicsRequest {
	req := kmsg.NewPtrCreateTopicsRequest()
	req.TimeoutMillis, req.Topics = requestTimeoutMs, topics
	return req
}

// make creates a topic that keeps records whatever their age, and waits until its leader is known.
func (p *player) make(name string, partitions int32) {
	p.do("make "+name, 7, creation(topic(name, partitions, 1, "retention.ms", "-1")))
	p.settle(name, partitions)
}

// settle waits, outside of the script, until a topic's leaders answer: the reference says that a topic is made before its
// node leads it.
func (p *player) settle(name string, partitions int32) {
	req := kmsg.NewPtrListOffsetsRequest()
	req.Version, req.ReplicaID = 4, -1
	t := kmsg.NewListOffsetsRequestTopic()
	t.Topic = name
	for i := range partitions {
		q := kmsg.NewListOffsetsRequestTopicPartition()
		q.Partition, q.CurrentLeaderEpoch, q.Timestamp = i, -1, -1
		t.Partitions = append(t.Partitions, q)
	}
	req.Topics = append(req.Topics, t)
	p.await("leaders of "+name, func() (bool, error) {
		resp, err := p.client.ask(req, req.Version)
		return err == nil && !leaderless(resp.(*kmsg.ListOffsetsResponse)), err
	})
}

// await repeats what is no part of the script until it is true.
func (p *player) await(what string, isTrue func() (bool, error)) {
	for deadline := time.Now().Add(settleTimeout); p.err == nil; time.Sleep(settlePause) {
		ok, err := isTrue()
		if ok {
			return
		}
		if err == nil && time.Now().After(deadline) {
			err = errSettle
		}
		if err != nil {
			p.err = fmt.Errorf("waiting for %s: %w", what, err)
		}
	}
}

var errSettle = errors.New("not true in time")

const (
	settleTimeout = 10 * time.Second
	settlePause   = 20 * time.Millisecond
)

func leaderless(resp *kmsg.ListOffsetsResponse) bool {
	for _, t := range resp.Topics {
		for _, q := range t.Partitions {
			if q.ErrorCode != 0 {
				return true
			}
		}
	}
	return false
}

// batch is one record batch of magic 2 with records of small keys and values.
type batch struct {
	records    int
	producer   int64
	epoch      int16
	sequence   int32
	attributes int16
	valueBytes int
	spoilCRC   bool
	keyless    bool
	codec      string // of codecs; empty is none
	later      int64  // milliseconds after recordTime
	damaged    bool   // what the codec made is not whole
	hidden     int    // records more than the header tells of, or fewer
}

func plain(records int) batch { return batch{records: records, producer: -1, epoch: -1, sequence: -1} }

func (b batch) bytes() []byte {
	var records []byte
	for i := range b.records + b.hidden {
		r := kmsg.Record{TimestampDelta64: int64(i), OffsetDelta: int32(i), Key: fmt.Appendf(nil, "k%d", i), Value: make([]byte, b.valueBytes)}
		if b.valueBytes == 0 {
			r.Value = fmt.Appendf(nil, "value %d", i)
		}
		if b.keyless {
			r.Key = nil
		}
		body := r.AppendTo(nil)
		r.Length = int32(len(body) - 1) // as a varint of one byte stands for the length of 0
		records = append(records, r.AppendTo(nil)...)
	}
	last := int32(max(b.records-1, 0))
	records, codec := compressed(b.codec, records)
	if b.damaged {
		records = records[:len(records)/2]
	}
	whole := kmsg.RecordBatch{
		PartitionLeaderEpoch: -1, Magic: 2, Attributes: b.attributes | codec, LastOffsetDelta: last,
		FirstTimestamp: recordTime + b.later, MaxTimestamp: recordTime + b.later + int64(last), ProducerID: b.producer, ProducerEpoch: b.epoch,
		FirstSequence: b.sequence, NumRecords: int32(b.records), Records: records,
	}
	encoded := whole.AppendTo(nil)
	whole.Length = int32(len(encoded) - 12)
	whole.CRC = int32(crc32.Checksum(encoded[21:], crc32.MakeTable(crc32.Castagnoli)))
	if b.spoilCRC {
		whole.CRC++
	}
	return whole.AppendTo(nil)
}
