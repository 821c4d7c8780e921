package vectors

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
)

func TestCompare(t *testing.T) {
	for _, test := range []struct {
		name, step, api, got, want string
		differs                    string // paths of what differs
	}{
		{"the same", "x", "Produce", `{"A":1,"B":["x"]}`, `{"A":1,"B":["x"]}`, ""},
		{"a number", "x", "Produce", `{"A":1}`, `{"A":2}`, "Produce.A"},
		{"missing", "x", "Produce", `{}`, `{"A":2}`, "Produce.A"},
		{"null for text", "x", "Produce", `{"A":null}`, `{"A":""}`, "Produce.A"},
		{"shorter list", "x", "Produce", `{"A":[1]}`, `{"A":[1,2]}`, "Produce.A"},
		{"another order of what has names", "x", "Metadata", `{"Topics":[{"Topic":"b"},{"Topic":"a"}]}`, `{"Topics":[{"Topic":"a"},{"Topic":"b"}]}`, ""},
		{"another order of what has none", "x", "Metadata", `{"ISR":[1,2]}`, `{"ISR":[2,1]}`, "Metadata.ISR[0] Metadata.ISR[1]"},
		{"deep", "x", "Metadata", `{"Topics":[{"Topic":"a","ErrorCode":3}]}`, `{"Topics":[{"Topic":"a","ErrorCode":0}]}`, "Metadata.Topics[0].ErrorCode"},
		{"ignored", "x", "Metadata", `{"Brokers":[{"Port":1}]}`, `{"Brokers":[{"Port":2}]}`, ""},
		{"drawn", "x", "Metadata", `{"ClusterID":"x"}`, `{"ClusterID":"y"}`, ""},
		{"drawn, but missing", "x", "Metadata", `{"ClusterID":null}`, `{"ClusterID":"y"}`, "Metadata.ClusterID"},
		{"words", "x", "CreateTopics", `{"ErrorMessage":"no"}`, `{"ErrorMessage":null}`, ""},
		{"words missing", "x", "CreateTopics", `{"ErrorMessage":null}`, `{"ErrorMessage":"no"}`, "CreateTopics.ErrorMessage"},
		{"fewer APIs", "x", "ApiVersions", `{"ApiKeys":[{"ApiKey":1,"Max":3}]}`, `{"ApiKeys":[{"ApiKey":0,"Max":9},{"ApiKey":1,"Max":3}]}`, ""},
		{"other versions", "x", "ApiVersions", `{"ApiKeys":[{"ApiKey":1,"Max":4}]}`, `{"ApiKeys":[{"ApiKey":0,"Max":9},{"ApiKey":1,"Max":3}]}`, "ApiVersions.ApiKeys[0].Max"},
		{"an API too many", "x", "ApiVersions", `{"ApiKeys":[{"ApiKey":1},{"ApiKey":2}]}`, `{"ApiKeys":[{"ApiKey":1}]}`, "ApiVersions.ApiKeys"},
		{"log start beside an error", "x", "Produce", `{"Topics":[{"Partitions":[{"ErrorCode":2,"LogStartOffset":0}]}]}`, `{"Topics":[{"Partitions":[{"ErrorCode":2,"LogStartOffset":-1}]}]}`, ""},
		{"log start of a success", "x", "Produce", `{"Topics":[{"Partitions":[{"ErrorCode":0,"LogStartOffset":0}]}]}`, `{"Topics":[{"Partitions":[{"ErrorCode":0,"LogStartOffset":-1}]}]}`, "Produce.Topics[0].Partitions[0].LogStartOffset"},
		{"time of a repeated batch", "repeated v9", "Produce", `{"Topics":[{"Partitions":[{"LogAppendTime":-1}]}]}`, `{"Topics":[{"Partitions":[{"LogAppendTime":5}]}]}`, ""},
		{"time of any batch", "acks 1 v9", "Produce", `{"Topics":[{"Partitions":[{"LogAppendTime":-1}]}]}`, `{"Topics":[{"Partitions":[{"LogAppendTime":5}]}]}`, "Produce.Topics[0].Partitions[0].LogAppendTime"},
		{"no answer", "x", "Produce", `null`, `{"A":1}`, "Produce"},
		{"an answer to what gets none", "x", "Produce", `{"A":1}`, `null`, "Produce"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var got, want any
			if json.Unmarshal([]byte(test.got), &got) != nil || json.Unmarshal([]byte(test.want), &want) != nil {
				t.Fatal("the test's JSON is bad")
			}
			c := &compare{step: test.step}
			c.values(test.api, test.api, got, want)
			var paths []string
			for _, d := range c.differences {
				paths = append(paths, d.Path)
			}
			if strings.Join(paths, " ") != test.differs {
				t.Errorf("differs in %v, want %q", paths, test.differs)
			}
		})
	}
}

func TestTrimBatches(t *testing.T) {
	one := plain(1).bytes()
	s := symbols{}
	whole, cut := s.tree(&struct{ Records []byte }{one}), s.tree(&struct{ Records []byte }{append(one, one[:20]...)})
	text := func(v any) any { return trimBatches(v.(map[string]any)["Records"]) }
	if text(whole) != text(cut) || text(whole) == "" {
		t.Errorf("%v and %v", text(whole), text(cut))
	}
	if trimBatches(nil) != nil {
		t.Error("null became something")
	}
}

func TestTreeNamesWhatItLearnt(t *testing.T) {
	name, id := "t", [16]byte{7}
	resp := kmsg.NewPtrMetadataResponse()
	resp.Topics = []kmsg.MetadataResponseTopic{{Topic: &name, TopicID: id}}
	s := symbols{}
	p := &player{symbols: s}
	if p.id("t") == id {
		t.Error("known before it was learnt")
	}
	s.learnFrom(resp)
	topic := s.tree(resp).(map[string]any)["Topics"].([]any)[0].(map[string]any)
	if p.id("t") != id || topic["TopicID"] != "id of t" {
		t.Errorf("learnt %v: %v", s, topic)
	}
	if other := s.tree(&struct{ ID [16]byte }{[16]byte{8}}).(map[string]any)["ID"]; other != "unknown id" {
		t.Errorf("an unknown id is %q", other)
	}
}
