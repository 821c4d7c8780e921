package config

import (
	"encoding/json"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestTopicKeysAreKafkas compares the table with what Kafka 4.3.1 answered to DescribeConfigs of a topic without settings.
func TestTopicKeysAreKafkas(t *testing.T) {
	text, err := os.ReadFile("testdata/kafka-4.3.1-topic-keys.json")
	if err != nil {
		t.Fatal(err)
	}
	var reference []struct {
		Name, Value, ConfigType string
		ReadOnly                bool
		Synonyms                []string
	}
	if err := json.Unmarshal(text, &reference); err != nil {
		t.Fatal(err)
	}
	ours := Layers{Static: map[string]string{"min.insync.replicas": "1"}}.DescribeTopic(nil)
	if len(ours) != len(reference) {
		t.Fatalf("%d keys, the reference has %d", len(ours), len(reference))
	}
	for i, want := range reference {
		got := ours[i]
		if got.Key.Name != want.Name || got.Value != want.Value || got.Key.Type.String() != want.ConfigType || got.ReadOnly != want.ReadOnly {
			t.Errorf("got %s=%s (%v, read-only %v), the reference has %+v", got.Key.Name, got.Value, got.Key.Type, got.ReadOnly, want)
		}
		// With eligible leader replicas on, Kafka itself sets min.insync.replicas for the cluster: one synonym more.
		if want.Name == "min.insync.replicas" {
			want.Synonyms = want.Synonyms[1:]
		}
		var names []string
		for _, s := range got.Synonyms {
			names = append(names, s.Name)
		}
		if !slices.Equal(names, want.Synonyms) {
			t.Errorf("%s: synonyms %v, the reference has %v", want.Name, names, want.Synonyms)
		}
	}
}

func TestTablesAreSound(t *testing.T) {
	for _, scope := range []Scope{ScopeTopic, ScopeGroup, ScopeBroker} {
		for _, k := range Keys(scope) {
			if !k.Null {
				if _, err := k.parse(k.Default); err != nil && k.Name != "default.replication.factor" {
					t.Errorf("default: %v", err)
				}
			}
			if k.Doc == "" || k.Type == 0 {
				t.Errorf("%s lacks its doc or type", k.Name)
			}
			if IsKnownInert(k.Name) && scope == ScopeBroker {
				t.Errorf("%s is in a table and in inert.txt", k.Name)
			}
			for _, bound := range k.Bounds {
				if bound != "" && brokerIndex[bound] == nil {
					t.Errorf("%s is bound by %s, which is unknown", k.Name, bound)
				}
			}
			for _, f := range k.Fallbacks {
				if brokerIndex[f.Name] == nil || brokerIndex[f.Name].Inert != k.Inert {
					t.Errorf("%s falls back to %s, which is unknown or differs in effect", k.Name, f.Name)
				}
			}
		}
	}
	if !slices.IsSorted(strings.Fields(inertNames)) {
		t.Error("inert.txt is not sorted")
	}
}

func settings(pairs ...string) []Property {
	var list []Property
	for _, p := range pairs {
		key, value, _ := strings.Cut(p, "=")
		list = append(list, Property{key, value, "--set"})
	}
	return list
}

func TestLoadReferenceProperties(t *testing.T) {
	text, err := os.ReadFile("testdata/server.properties")
	if err != nil {
		t.Fatal(err)
	}
	properties, err := ParseProperties(string(text))
	if err != nil {
		t.Fatal(err)
	}
	static, warnings, err := Load(append(properties, settings("num.partitions=6", "num.network.threads=6")...))
	if err != nil {
		t.Fatal(err)
	}
	n := static.Node()
	if n.ID != 2 || !n.Voter || !slices.Equal(n.LogDirs, []string{"/var/lib/kafka/data"}) || n.MetadataDir != "/var/lib/kafka/data" || n.NumPartitions != 6 || n.InterBroker != "PLAINTEXT" {
		t.Errorf("node is %+v", n)
	}
	if len(n.Listeners) != 1 || n.Listeners[0].Address() != "127.0.0.1:19093" || n.Listeners[0].AdvertisedAddress() != "broker-2.example:9092" {
		t.Errorf("listeners are %+v", n.Listeners)
	}
	if n.Controller == nil || n.Controller.Address() != "127.0.0.1:19103" {
		t.Errorf("controller listener is %+v", n.Controller)
	}
	if len(n.Voters) != 3 || n.Voters[1] != (Voter{2, "127.0.0.1:19103"}) {
		t.Errorf("voters are %v", n.Voters)
	}
	if n.SessionTimeout != 9*time.Second {
		t.Errorf("session timeout is %v", n.SessionTimeout)
	}
	want := []string{"num.network.threads"}
	if len(warnings) != len(want) {
		t.Errorf("warnings %q, want one for each of %v", warnings, want)
	}
	for i := range min(len(want), len(warnings)) {
		if !strings.Contains(warnings[i], want[i]) {
			t.Errorf("warning %q does not name %s", warnings[i], want[i])
		}
	}
}

func TestLoadRefuses(t *testing.T) {
	for _, test := range []struct{ name, setting, says string }{
		{"unknown key", "log.segment.byte=1", "unknown configuration key log.segment.byte"},
		{"not a number", "num.partitions=many", "Invalid value many for configuration num.partitions: Not a number of type INT (allowed: [1,...])"},
		{"beyond an int", "num.partitions=2147483648", "Not a number of type INT"},
		{"too small", "log.segment.bytes=14", "Value must be at least 1048576"},
		{"too large", "compression.zstd.level=23", "Value must be no more than 22"},
		{"not a number at all", "log.cleaner.min.cleanable.ratio=NaN", "Value must be at least 0"},
		{"not a boolean", "auto.create.topics.enable=yes", "Expected value to be either true or false"},
		{"not a choice", "log.message.timestamp.type=Mine", "String must be one of: CreateTime, LogAppendTime"},
		{"listed twice", "log.cleanup.policy=delete,delete", "duplicate"},
		{"old id", "broker.id=3", "set node.id"},
		{"a directory twice", "log.dirs=/a,/b,/a/", "log.dirs"},
		{"bad listener", "listeners=localhost:9092", "NAME://host:port"},
		{"no client listener", "listeners=CONTROLLER://:9093", "isn't a controller's"},
		{"same listener", "listeners=A://:1,A://:2", "A is there twice"},
		{"TLS", "listeners=SSL://:9093", "listener SSL asks for SSL; allowed: PLAINTEXT"},
		{"unmapped listener", "listeners=MINE://:9093", "MINE has no security protocol"},
		{"advertised elsewhere", "advertised.listeners=SSL://x:1", "SSL is not among the listeners"},
		{"advertised nowhere", "advertised.listeners=PLAINTEXT://0.0.0.0:1", "can't be reached"},
		{"bad voter", "controller.quorum.voters=1@localhost", "id@host:port"},
		{"not a voter", "controller.quorum.voters=7@localhost:1", "node.id 1 is not among"},
		{"no broker", "process.roles=controller", "every node is a broker"},
		{"slow heartbeat", "broker.heartbeat.interval.ms=8000", "at most half"},
		{"slow fetch", "replica.fetch.wait.max.ms=40000", "replica.lag.time.max.ms"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, _, err := Load(settings(test.setting))
			if err == nil || !strings.Contains(err.Error(), test.says) {
				t.Fatalf("error %v does not say %q", err, test.says)
			}
			var e *Error
			if !errors.As(err, &e) || e.Key == "" {
				t.Errorf("error %v names no key", err)
			}
		})
	}
}

func TestCheck(t *testing.T) {
	for _, test := range []struct {
		scope       Scope
		name, value string
		want        error
	}{
		{ScopeTopic, "retention.ms", "-1", nil},
		{ScopeTopic, "retention.ms", "-2", ErrInvalidValue},
		{ScopeTopic, "no.such", "1", ErrUnknownKey},
		{ScopeTopic, "log.segment.bytes", "2000000", ErrUnknownKey},
		{ScopeTopic, "cleanup.policy", "compact, delete", nil},
		{ScopeTopic, "compression.gzip.level", "-1", nil},
		{ScopeTopic, "compression.gzip.level", "0", ErrInvalidValue},
		{ScopeTopic, "leader.replication.throttled.replicas", "*", nil},
		{ScopeTopic, "leader.replication.throttled.replicas", "0:1,1:2", nil},
		{ScopeTopic, "leader.replication.throttled.replicas", "0-1", ErrInvalidValue},
		{ScopeBroker, "log.segment.bytes", "2000000", nil},
		{ScopeBroker, "node.id", "2", ErrReadOnly},
		{ScopeBroker, "ssl.keystore.location", "/x", ErrReadOnly},
		{ScopeBroker, "no.such", "2", ErrUnknownKey},
		{ScopeGroup, "consumer.session.timeout.ms", "1", nil},
		{ScopeGroup, "consumer.session.timeout.ms", "x", ErrInvalidValue},
		{ScopeGroup, "retention.ms", "1", ErrUnknownKey},
	} {
		if err := Check(test.scope, test.name, test.value); !errors.Is(err, test.want) {
			t.Errorf("%s=%s: %v, want %v", test.name, test.value, err, test.want)
		}
	}
}

func TestLayersOfATopic(t *testing.T) {
	static, _, err := Load(settings("log.roll.hours=2", "log.retention.minutes=3", "message.max.bytes=1000", "log.flush.scheduler.interval.ms=77", "log.retention.bytes=-1"))
	if err != nil {
		t.Fatal(err)
	}
	layers := static.Layers(map[string]string{"log.index.interval.bytes": "100", "message.max.bytes": "2000"}, map[string]string{"message.max.bytes": "3000"})
	topic := layers.Topic(map[string]string{"segment.bytes": "2000000", "flush.messages": "1", "message.timestamp.type": "LogAppendTime", "segment.index.bytes": "garbage"})
	want := Topic{SegmentBytes: 2000000, SegmentMs: 2 * hourMs, IndexBytesMax: 10485760, IndexIntervalBytes: 100, MessageBytesMax: 3000,
		Compression: "producer", FlushMessages: 1, FlushMs: 77, LogAppendTime: true, TimestampBeforeMaxMs: NeverMs, TimestampAfterMaxMs: 3600000,
		MinInsyncReplicas: 1, Delete: true, RetentionMs: 3 * minuteMs, RetentionBytes: -1, FileDeleteDelayMs: 60_000,
		DeleteRetentionMs: 24 * hourMs, CompactionLagMsMax: NeverMs, DirtyRatioMin: 0.5, ProducerIDExpirationMs: 86400000, VerifyTransactions: true}
	if topic != want {
		t.Errorf("got  %+v\nwant %+v", topic, want)
	}

	for _, each := range []struct {
		set   map[string]string
		level int32
	}{
		{map[string]string{"compression.type": "gzip"}, 0},
		{map[string]string{"compression.type": "gzip", "compression.gzip.level": "7", "compression.zstd.level": "5"}, 7},
		{map[string]string{"compression.type": "zstd"}, 3},
		{map[string]string{"compression.type": "lz4"}, 9},
		{map[string]string{"compression.type": "snappy", "compression.gzip.level": "7"}, 0},
	} {
		if got := layers.Topic(each.set); got.Compression != each.set["compression.type"] || got.CompressionLevel != each.level {
			t.Errorf("%v: %s at level %d", each.set, got.Compression, got.CompressionLevel)
		}
	}

	entries := layers.DescribeTopic(map[string]string{"max.message.bytes": "4000"})
	find := func(name string) Entry {
		return entries[slices.IndexFunc(entries, func(e Entry) bool { return e.Key.Name == name })]
	}
	got := find("max.message.bytes").Synonyms
	sources := []Synonym{
		{"max.message.bytes", "4000", false, SourceTopic}, {"message.max.bytes", "3000", false, SourceBroker},
		{"message.max.bytes", "2000", false, SourceCluster}, {"message.max.bytes", "1000", false, SourceStatic},
		{"message.max.bytes", "1048588", false, SourceDefault}}
	if !slices.Equal(got, sources) || find("max.message.bytes").Source != SourceTopic {
		t.Errorf("synonyms of max.message.bytes: %v", got)
	}
	if e := find("segment.ms"); e.Value != "7200000" || e.Source != SourceDefault || len(e.Synonyms) != 0 {
		t.Errorf("segment.ms from log.roll.hours: %+v", e)
	}
	if e := find("retention.ms"); e.Value != "180000" {
		t.Errorf("retention.ms from log.retention.minutes: %+v", e)
	}
}

func TestNegativeMeansNoLimitInAnyUnit(t *testing.T) {
	layers := Layers{Static: map[string]string{"log.retention.hours": "-1"}}
	for _, e := range layers.DescribeTopic(nil) {
		if e.Key.Name == "retention.ms" && e.Value != "-1" {
			t.Errorf("retention.ms is %s", e.Value)
		}
	}
}

func TestDescribeBroker(t *testing.T) {
	static, _, err := Load(settings("node.id=4", "num.partitions=3"))
	if err != nil {
		t.Fatal(err)
	}
	layers := static.Layers(map[string]string{"message.max.bytes": "2000"}, nil)
	byName := map[string]Entry{}
	for _, e := range layers.DescribeBroker() {
		byName[e.Key.Name] = e
	}
	if e := byName["num.partitions"]; e.Value != "3" || e.Source != SourceStatic || !e.ReadOnly || len(e.Synonyms) != 2 {
		t.Errorf("num.partitions: %+v", e)
	}
	if e := byName["message.max.bytes"]; e.Value != "2000" || e.Source != SourceCluster || e.ReadOnly {
		t.Errorf("message.max.bytes: %+v", e)
	}
	if e := byName["log.roll.ms"]; !e.Null || e.Source != SourceDefault || len(e.Synonyms) != 0 {
		t.Errorf("log.roll.ms: %+v", e)
	}
	if all := layers.DescribeCluster(); len(all) != 1 || all[0].Value != "2000" || all[0].Source != SourceCluster {
		t.Errorf("cluster-wide: %+v", all)
	}
}

func TestGroups(t *testing.T) {
	layers := Layers{Cluster: map[string]string{"group.consumer.assignment.interval.ms": "2000"}}
	const session, heartbeat, assignment = "consumer.session.timeout.ms", "consumer.heartbeat.interval.ms", "consumer.assignment.interval.ms"
	if layers.GroupValue(session, map[string]string{session: "50000"}) != 50000 || layers.GroupValue(session, nil) != 45000 || layers.GroupValue(assignment, nil) != 2000 {
		t.Error("not resolved through the layers")
	}
	for _, test := range []struct {
		set  map[string]string
		fits bool
	}{
		{nil, true},
		{map[string]string{session: "45000", heartbeat: "15000"}, true},
		{map[string]string{session: "44999"}, false},
		{map[string]string{session: "60001"}, false},
		{map[string]string{heartbeat: "4999"}, false},
	} {
		if err := layers.CheckGroup(test.set); (err == nil) != test.fits {
			t.Errorf("%v: %v", test.set, err)
		}
	}
	narrow := Layers{Static: map[string]string{"group.consumer.min.session.timeout.ms": "5000"}}
	if err := narrow.CheckGroup(map[string]string{session: "5000", heartbeat: "5000"}); err == nil {
		t.Error("a heartbeat as long as the session")
	}
}

// TestLogsFollowTheBrokersKeys: what concerns all logs may be set while brokers run, for one of them or for all.
func TestLogsFollowTheBrokersKeys(t *testing.T) {
	static, _, err := Load(settings("producer.id.expiration.ms=3000"))
	if err != nil {
		t.Fatal(err)
	}
	cluster := map[string]string{"producer.id.expiration.ms": "2000", "transaction.partition.verification.enable": "false"}
	own := map[string]string{"producer.id.expiration.ms": "1000"}
	for _, c := range []struct {
		layers   Layers
		expires  int64
		verifies bool
	}{
		{static.Layers(nil, nil), 3000, true},
		{static.Layers(cluster, nil), 2000, false},
		{static.Layers(cluster, own), 1000, false},
	} {
		got := c.layers.Topic(nil)
		if got.ProducerIDExpirationMs != c.expires || got.VerifyTransactions != c.verifies {
			t.Errorf("%v: %d ms, verifies %v", c.layers, got.ProducerIDExpirationMs, got.VerifyTransactions)
		}
	}
	for name := range cluster {
		if err := Check(ScopeBroker, name, cluster[name]); err != nil {
			t.Errorf("%s can't be set: %v", name, err)
		}
	}
}

// TestSettingsTogether: what contradicts, of a topic's settings and of brokers', is refused also where it only does by a default.
func TestSettingsTogether(t *testing.T) {
	for _, test := range []struct {
		cluster, topic map[string]string
		topicFits      bool
		brokerFits     bool
	}{
		{nil, nil, true, true},
		{nil, map[string]string{"min.compaction.lag.ms": "5", "max.compaction.lag.ms": "5"}, true, true},
		{nil, map[string]string{"min.compaction.lag.ms": "6", "max.compaction.lag.ms": "5"}, false, true},
		{map[string]string{"log.cleaner.max.compaction.lag.ms": "5"}, map[string]string{"min.compaction.lag.ms": "6"}, false, true},
		{nil, map[string]string{"remote.storage.enable": "true"}, false, true},
		{nil, map[string]string{"retention.ms": "5", "local.retention.ms": "6"}, true, true},
		{map[string]string{"log.local.retention.ms": "5", "log.retention.ms": "5"}, nil, true, true},
		{map[string]string{"log.local.retention.ms": "6", "log.retention.ms": "5"}, nil, true, false},
		{map[string]string{"log.local.retention.ms": "3600001", "log.retention.hours": "1"}, nil, true, false},
		{map[string]string{"log.local.retention.ms": "-1", "log.retention.ms": "-1"}, nil, true, true},
		{map[string]string{"log.local.retention.bytes": "-1", "log.retention.bytes": "7"}, nil, true, false},
		{map[string]string{"log.local.retention.bytes": "8", "log.retention.bytes": "7"}, nil, true, false},
	} {
		layers := Layers{Cluster: test.cluster}
		if err := layers.CheckTopic(test.topic); (err == nil) != test.topicFits {
			t.Errorf("%v, topic %v: %v", test.cluster, test.topic, err)
		}
		if err := layers.CheckBroker(); (err == nil) != test.brokerFits {
			t.Errorf("%v: %v", test.cluster, err)
		}
	}
}

// TestConnectionsAndThreads: what Kafka 4.3.1 answers to changes of a running node's connections and pools of threads.
func TestConnectionsAndThreads(t *testing.T) {
	const invalid = "Invalid value org.apache.kafka.common.config.ConfigException: %s for configuration Invalid dynamic configuration"
	threads := "Dynamic thread count update validation failed for num.io.threads="
	for _, test := range []struct{ key, value, says string }{
		{"num.io.threads", "16", ""},
		{"num.io.threads", "4", ""},
		{"num.io.threads", "17", strings.Replace(invalid, "%s", threads+"17, value should not be greater than double the current value 8", 1)},
		{"num.io.threads", "3", strings.Replace(invalid, "%s", threads+"3, value should be at least half the current value 8", 1)},
		{"num.io.threads", "0", "Invalid value 0 for configuration num.io.threads: Value must be at least 1"},
		{"num.replica.fetchers", "2", ""},
		{"max.connections", "0", strings.Replace(invalid, "%s", "Invalid max.connections 0", 1)},
		{"max.connections", "-1", "Invalid value -1 for configuration max.connections: Value must be at least 0"},
		{"max.connections.per.ip", "0", "requirement failed: max.connections.per.ip can be set to zero only if max.connections.per.ip.overrides property is set."},
		{"max.connections.per.ip.overrides", "127.0.0.1:5, ::1:7,[::2]:9", ""},
	} {
		err := Check(ScopeBroker, test.key, test.value)
		if after := (Layers{Cluster: map[string]string{test.key: test.value}}); err == nil {
			if err = after.CheckBroker(); err == nil {
				err = after.CheckChange(Layers{})
			}
		}
		said := ""
		if err != nil {
			said = err.Error()
		}
		if said != test.says {
			t.Errorf("%s=%s: %q, want %q", test.key, test.value, said, test.says)
		}
	}
	for _, bad := range []string{"nonsense", "127.0.0.1:x", "localhost:5"} {
		if err := Check(ScopeBroker, "max.connections.per.ip.overrides", bad); !errors.Is(err, ErrInvalidValue) {
			t.Errorf("%q is taken: %v", bad, err)
		}
	}
	few := Layers{Static: map[string]string{"max.connections.per.ip": "0", "max.connections.per.ip.overrides": "127.0.0.1:5,::1:7"}}
	if most, perIP, of := few.ConnectionLimits(); few.CheckBroker() != nil || most == 0 || perIP != 0 || of["127.0.0.1"] != 5 || of["::1"] != 7 {
		t.Errorf("limits %d, %d, %v", most, perIP, of)
	}
}
