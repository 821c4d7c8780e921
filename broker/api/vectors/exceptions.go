package vectors

import "strings"

// treatment is how a field is compared that can't be compared as it is.
type treatment int

const (
	exact        treatment = iota
	ignored                // it is not looked at
	presence               // there or not is what counts (null, empty, 0 and -1 are not there)
	atLeast                // it must be there where the reference has it
	successes              // compared only beside an ErrorCode of 0
	subset                 // what is there is compared, and more that the reference has is not missed
	wholeBatches           // a piece of a batch at the end does not count
	sameRecords            // batches are compared decompressed
)

// exceptions are all fields that may differ from the reference, and why. A pattern is a path without indexes; it applies
// where a path ends in it, in the steps whose name begins with step.
var exceptions = []struct {
	step      string
	pattern   string
	treatment treatment
	reason    string
}{
	{"", ".Host", ignored, "where the cluster runs"},
	{"", ".Port", ignored, "where the cluster runs"},
	{"", ".ClientHost", ignored, "where the client runs"},
	{"", ".ClusterID", presence, "drawn when the cluster is made"},
	{"", ".ThrottleMillis", ignored, "quotas depend on time"},
	{"", ".ErrorMessage", atLeast, "words; the reference leaves them out here and there"},
	{"", ".SessionID", presence, "drawn"},
	{"", ".ProducerID", presence, "a block of ids starts where the one before it ended, and others took from it"},
	{"", ".LastTimestamp", presence, "when it was"},
	{"", ".StartTimestamp", presence, "when it was"},
	{"committed: ", ".RecordBatches", ignored, "batches bear producer ids that were drawn"},
	{"the quorum", "Partitions[].LeaderEpoch", ignored, "elections of the quorum"},
	{"the quorum", "Partitions[].HighWatermark", presence, "how much metadata there is"},
	{"", ".LogEndOffset", presence, "how much metadata there is"},
	{"", ".LastFetchTimestamp", presence, "a time"},
	{"", ".LastCaughtUpTimestamp", presence, "a time"},
	{"", ".ReplicaDirectoryID", ignored, "drawn; the reference tells it only with kraft.version 1"},
	{"", ".Documentation", presence, "each describes its own"},
	{"", "request.ProducerIDFilters", ignored, "producer ids were drawn"},
	{"", "request.Topics[].Partitions[].Records", ignored, "batches bear producer ids that were drawn"},
	{"converted", "Fetch.Topics[].Partitions[].RecordBatches", sameRecords, "compressors differ in their bytes, and so do the CRC and the length"},
	{"", "Fetch.Topics[].Partitions[].RecordBatches", wholeBatches, "the reference fills a limit with a piece of a batch, which readers skip"},
	{"", "Produce.Topics[].Partitions[].LogStartOffset", successes, "beside an error, the reference says it or not, by the Java class of the error"},
	{"repeated", "Produce.Topics[].Partitions[].LogAppendTime", ignored, "of a repeated batch the reference tells the time its producer gave it"},
	{"", "request.Dirs[].Dir", ignored, "where the cluster's data is"},
	{"", "DescribeLogDirs.Dirs[].Dir", ignored, "where the cluster's data is"},
	{"", "DescribeLogDirs.Dirs[].TotalBytes", ignored, "the size of the disk"},
	{"", "DescribeLogDirs.Dirs[].UsableBytes", ignored, "the size of the disk"},
	{"all", "DescribeLogDirs.Dirs[].Topics", ignored, "what other scripts have left"},
	{"damaged", "Produce.Topics[].Partitions[].ErrorCode", ignored, "INVALID_RECORD, on which producers give up; the reference says that it does not know what happened"},
	{"stamped by the leader", "Produce.Topics[].Partitions[].LogAppendTime", presence, "the leader's clock"},
	{"validate only", "CreateTopics.Topics[].TopicID", ignored, "the reference draws an id for a topic that it does not make"},
	{"offsets, ", "DescribeShareGroupOffsets.Groups[].Topics[].Partitions[].StartOffset", atLeast, "the reference writes a start that moved with the next acknowledgement only"},
	{"", "ShareFetch.Topics[].Partitions[].CurrentLeader.LeaderID", presence, "the reference says 0 for nobody, which clients take for a node"},
	{"", "ShareFetch.Topics[].Partitions[].CurrentLeader.LeaderEpoch", presence, "the reference says 0 for nobody, which clients take for a node"},
	{"", "ShareAcknowledge.Topics[].Partitions[].CurrentLeader.LeaderID", presence, "the reference says 0 for nobody, which clients take for a node"},
	{"", "ShareAcknowledge.Topics[].Partitions[].CurrentLeader.LeaderEpoch", presence, "the reference says 0 for nobody, which clients take for a node"},
	{"no subscription", "JoinGroup.MemberID", presence, "drawn"},
	{"is given an id", "JoinGroup.MemberID", presence, "drawn"},
	{"comes too", "JoinGroup.MemberID", presence, "drawn"},
	{"comes too", "request.MemberID", ignored, "drawn"},
	{"leaves", "request.MemberID", ignored, "drawn"},
	{"leaves", "request.Members[].MemberID", ignored, "drawn"},
	{"leaves", "LeaveGroup.Members[].MemberID", presence, "drawn"},
	{"describe one member", "ShareGroupDescribe.Groups[].GroupEpoch", ignored, "the reference's rises once more when it has begun the partitions"},
	{"describe one member", "ShareGroupDescribe.Groups[].AssignmentEpoch", ignored, "as the group's epoch"},
	{"describe one member", "ShareGroupDescribe.Groups[].Members[].MemberEpoch", ignored, "as the group's epoch"},
	{"", "ConsumerGroupHeartbeat.HeartbeatIntervalMillis", presence, "members of a group that changes are asked to come sooner"},
	{"", "ApiVersions.ApiKeys", subset, "not every API of the reference is served; those that are, are in the same versions"},
	{"", "ApiVersions.SupportedFeatures", subset, "features that are not there are not told"},
	{"", "ApiVersions.FinalizedFeatures", subset, "features that are not there are not told"},
	{"", "ApiVersions.FinalizedFeaturesEpoch", ignored, "an offset in the metadata log"},
	{"", "DescribeConfigs(broker).Resources[].Configs", subset, "only keys that something acts on are described"},
	{"", "DescribeConfigs(group).Resources[].Configs", subset, "only keys of protocols that are served are described"},
	{"", "(broker).Resources[].Configs[].ReadOnly", ignored, "what the reference changes while it runs may be read at start only"},
	{"", "(broker).Resources[].Configs[].Value", ignored, "a node's own settings"},
	{"", "(broker).Resources[].Configs[].Source", ignored, "a node's own settings"},
	{"", "(broker).Resources[].Configs[].IsDefault", ignored, "a node's own settings"},
	{"", "(broker).Resources[].Configs[].ConfigSynonyms", ignored, "a node's own settings"},
}

func exceptionFor(step, pattern string) treatment {
	for _, e := range exceptions {
		if strings.HasPrefix(step, e.step) && strings.HasSuffix(pattern, e.pattern) {
			return e.treatment
		}
	}
	return exact
}
