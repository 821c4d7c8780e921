package api

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/config"
	"odradek/broker/metadata"
)

// DescribeConfigs, key 32, versions 1 to 4: the configuration of topics, of groups, of this broker, and what was set for all
// brokers.
//
//	v1  synonyms: every layer's setting (KIP-226)     v3  types and documentation (KIP-569)
func (h *Handler) describeConfigs(_ context.Context, c call, req *kmsg.DescribeConfigsRequest) *kmsg.DescribeConfigsResponse {
	resp := kmsg.NewPtrDescribeConfigsResponse()
	img := h.Controller.Image()
	// Each resource is answered once: a small request must not ask for all keys many times over.
	seen := make(map[metadata.ConfigResource]bool, len(req.Resources))
	for i := range req.Resources {
		asked := &req.Resources[i]
		if resource := (metadata.ConfigResource{Type: int8(asked.ResourceType), Name: asked.ResourceName}); seen[resource] {
			continue
		} else {
			seen[resource] = true
		}
		answer := kmsg.NewDescribeConfigsResponseResource()
		answer.ResourceType, answer.ResourceName = asked.ResourceType, asked.ResourceName
		noText := ""
		answer.ErrorMessage = &noText
		entries, err := h.entriesOf(c, img, asked)
		if err != nil {
			answer.ErrorCode, answer.ErrorMessage = codeOf(err), configMessage(err)
		}
		for _, entry := range entries {
			if len(asked.ConfigNames) == 0 || slices.Contains(asked.ConfigNames, entry.Key.Name) {
				answer.Configs = append(answer.Configs, configAnswer(req, entry))
			}
		}
		resp.Resources = append(resp.Resources, answer)
	}
	return resp
}

// configError is an error of a resource, with words of its own.
type configError struct {
	kind *kerr.Error
	text string
}

func (e configError) Error() string { return e.text }
func (e configError) Unwrap() error { return e.kind }

func configErrorf(kind *kerr.Error, format string, args ...any) error {
	return configError{kind, fmt.Sprintf(format, args...)}
}

func configMessage(err error) *string {
	if e, ok := err.(configError); ok {
		return &e.text
	}
	return messageOf(err)
}

func (h *Handler) entriesOf(c call, img *metadata.Image, asked *kmsg.DescribeConfigsRequestResource) ([]config.Entry, error) {
	name := asked.ResourceName
	switch asked.ResourceType {
	case kmsg.ConfigResourceTypeTopic:
		switch {
		case !h.mayTopic(c, OpDescribeConfigs, name):
			return nil, kerr.TopicAuthorizationFailed
		case !validTopicName(name):
			return nil, configErrorf(kerr.InvalidTopicException, "Topic name is invalid: %q", name)
		case img.Topics[name] == nil:
			return nil, kerr.UnknownTopicOrPartition
		}
		return h.layers(img).DescribeTopic(img.Configs[metadata.ConfigResource{Type: metadata.ResourceTopic, Name: name}]), nil
	case kmsg.ConfigResourceTypeBroker:
		if !h.mayCluster(c, OpDescribeConfigs) {
			return nil, kerr.ClusterAuthorizationFailed
		}
		if name == "" {
			return h.layers(img).DescribeCluster(), nil
		}
		if err := h.checkOwnID(name); err != nil {
			return nil, err
		}
		return h.layers(img).DescribeBroker(), nil
	case kmsg.ConfigResourceTypeGroupConfig:
		switch {
		case !h.mayGroup(c, OpDescribeConfigs, name):
			return nil, kerr.GroupAuthorizationFailed
		case name == "":
			return nil, configErrorf(kerr.InvalidRequest, "Group name must not be empty")
		}
		return h.layers(img).DescribeGroup(img.Configs[metadata.ConfigResource{Type: metadata.ResourceGroup, Name: name}]), nil
	}
	return nil, configErrorf(kerr.InvalidRequest, "Unsupported resource type: %d", asked.ResourceType)
}

// checkOwnID refuses the configuration of another node: only that node knows its own properties.
func (h *Handler) checkOwnID(name string) error {
	id, err := strconv.ParseInt(name, 10, 32)
	switch {
	case err != nil:
		return configErrorf(kerr.InvalidRequest, "Broker id must be an integer, but it is: %s", name)
	case int32(id) != h.NodeID:
		return configErrorf(kerr.InvalidRequest, "Unexpected broker id, expected %d, but received %s", h.NodeID, name)
	}
	return nil
}

func configAnswer(req *kmsg.DescribeConfigsRequest, entry config.Entry) kmsg.DescribeConfigsResponseResourceConfig {
	answer := kmsg.NewDescribeConfigsResponseResourceConfig()
	answer.Name, answer.Value = entry.Key.Name, entryValue(entry)
	answer.ReadOnly, answer.IsSensitive = entry.ReadOnly, entry.Key.Sensitive()
	answer.Source, answer.ConfigType = kmsg.ConfigSource(entry.Source), kmsg.ConfigType(entry.Key.Type)
	if req.IncludeDocumentation {
		answer.Documentation = &entry.Key.Doc
	}
	if req.IncludeSynonyms {
		for _, s := range entry.Synonyms {
			synonym := kmsg.NewDescribeConfigsResponseResourceConfigConfigSynonym()
			synonym.Name, synonym.Source = s.Name, kmsg.ConfigSource(s.Source)
			if !s.Null {
				synonym.Value = &s.Value
			}
			answer.ConfigSynonyms = append(answer.ConfigSynonyms, synonym)
		}
	}
	return answer
}
