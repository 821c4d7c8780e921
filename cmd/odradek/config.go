package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// configOptions are the flags of `odradek config`, named as those of kafka-configs.
type configOptions struct {
	describe, alter, all bool
	entityType           string
	entityName           string
	entityDefault        bool
	add, remove          []string
	output               string
}

// configEntities are the kinds of things that have a configuration.
var configEntities = map[string]kmsg.ConfigResourceType{
	"topics": kmsg.ConfigResourceTypeTopic, "brokers": kmsg.ConfigResourceTypeBroker, "groups": kmsg.ConfigResourceTypeGroupConfig,
}

func configCommand() *cobra.Command {
	var o configOptions
	command := &cobra.Command{
		Use:   "config",
		Short: "Describe and alter the configuration of topics, brokers and groups",
		Example: "  odradek config --describe --entity-type topics --entity-name T --all\n" +
			"  odradek config --alter --entity-type topics --entity-name T --add-config retention.ms=60000,cleanup.policy=[compact,delete]\n" +
			"  odradek config --alter --entity-type brokers --entity-default --delete-config min.insync.replicas",
		Args: cobra.NoArgs,
	}
	seeds := bootstrapFlag(command)
	flags := command.Flags()
	flags.BoolVar(&o.describe, "describe", false, "show the configuration")
	flags.BoolVar(&o.alter, "alter", false, "change it")
	flags.BoolVar(&o.all, "all", false, "show also what was not set")
	flags.StringVar(&o.entityType, "entity-type", "", "topics, brokers or groups")
	flags.StringVar(&o.entityName, "entity-name", "", "the topic, the broker's id or the group")
	flags.BoolVar(&o.entityDefault, "entity-default", false, "what holds for all brokers")
	flags.StringArrayVar(&o.add, "add-config", nil, "KEY=VALUE,… to set; a value with commas stands in [ ]")
	flags.StringArrayVar(&o.remove, "delete-config", nil, "KEY,… to take back to their defaults")
	flags.StringVar(&o.output, "output", "text", "text or json")
	command.MarkFlagsMutuallyExclusive("describe", "alter")
	command.MarkFlagsOneRequired("describe", "alter")
	command.MarkFlagsMutuallyExclusive("entity-name", "entity-default")
	command.MarkFlagsOneRequired("entity-name", "entity-default")
	command.RunE = func(command *cobra.Command, _ []string) error {
		kind, ok := configEntities[o.entityType]
		switch {
		case o.output != "text" && o.output != "json":
			return fmt.Errorf("--output %q: text or json is allowed", o.output)
		case !ok:
			return fmt.Errorf("--entity-type %q: topics, brokers or groups is allowed", o.entityType)
		case o.entityDefault && o.entityType != "brokers":
			return errors.New("--entity-default is for --entity-type brokers")
		case o.alter && len(o.add)+len(o.remove) == 0:
			return errors.New("--alter needs --add-config or --delete-config")
		}
		client, err := connect(command, *seeds)
		if err != nil {
			return err
		}
		defer client.Close()
		if o.alter {
			return o.change(command, client, kind)
		}
		return o.show(command, client, kind)
	}
	return command
}

// change sets and takes back single keys.
func (o configOptions) change(command *cobra.Command, client *kgo.Client, kind kmsg.ConfigResourceType) error {
	req := kmsg.NewPtrIncrementalAlterConfigsRequest()
	resource := kmsg.NewIncrementalAlterConfigsRequestResource()
	resource.ResourceType, resource.ResourceName = kind, o.entityName
	for _, text := range o.add {
		pairs, err := splitConfigs(text)
		if err != nil {
			return err
		}
		for _, pair := range pairs {
			c := kmsg.NewIncrementalAlterConfigsRequestResourceConfig()
			c.Name, c.Value, c.Op = pair[0], &pair[1], kmsg.IncrementalAlterConfigOpSet
			resource.Configs = append(resource.Configs, c)
		}
	}
	for _, text := range o.remove {
		for key := range strings.SplitSeq(text, ",") {
			c := kmsg.NewIncrementalAlterConfigsRequestResourceConfig()
			c.Name, c.Op = strings.TrimSpace(key), kmsg.IncrementalAlterConfigOpDelete
			resource.Configs = append(resource.Configs, c)
		}
	}
	req.Resources = append(req.Resources, resource)
	resp, err := req.RequestWith(command.Context(), client)
	if err != nil {
		return err
	}
	if answer := resp.Resources[0]; answer.ErrorCode != 0 {
		return withMessage(kerr.ErrorForCode(answer.ErrorCode), text(answer.ErrorMessage))
	}
	fmt.Fprintf(command.OutOrStdout(), "Completed updating config for %s.\n", o.entity())
	return nil
}

func (o configOptions) entity() string {
	if o.entityDefault {
		return "all brokers"
	}
	return strings.TrimSuffix(o.entityType, "s") + " " + o.entityName
}

// splitConfigs takes KEY=VALUE,… apart, as kafka-configs does: a value in brackets may have commas.
func splitConfigs(list string) (pairs [][2]string, err error) {
	for list != "" {
		key, rest, ok := strings.Cut(list, "=")
		if !ok {
			return nil, fmt.Errorf("--add-config %q: KEY=VALUE is expected", list)
		}
		value := rest
		if strings.HasPrefix(rest, "[") {
			inside, behind, closed := strings.Cut(rest[1:], "]")
			if !closed {
				return nil, fmt.Errorf("--add-config: the value of %s begins with [ and has no ]", key)
			}
			value, list = inside, strings.TrimPrefix(behind, ",")
		} else {
			value, list, _ = strings.Cut(rest, ",")
		}
		pairs = append(pairs, [2]string{strings.TrimSpace(key), strings.TrimSpace(value)})
	}
	return pairs, nil
}

func (o configOptions) show(command *cobra.Command, client *kgo.Client, kind kmsg.ConfigResourceType) error {
	req := kmsg.NewPtrDescribeConfigsRequest()
	resource := kmsg.NewDescribeConfigsRequestResource()
	resource.ResourceType, resource.ResourceName = kind, o.entityName
	req.Resources, req.IncludeSynonyms = append(req.Resources, resource), true
	resp, err := req.RequestWith(command.Context(), client)
	if err != nil {
		return err
	}
	answer := resp.Resources[0]
	if answer.ErrorCode != 0 {
		return withMessage(kerr.ErrorForCode(answer.ErrorCode), text(answer.ErrorMessage))
	}
	var shown []kmsg.DescribeConfigsResponseResourceConfig
	for _, c := range answer.Configs {
		if o.all || c.Source != kmsg.ConfigSourceDefaultConfig && c.Source != kmsg.ConfigSourceStaticBrokerConfig {
			shown = append(shown, c)
		}
	}
	return o.print(command.OutOrStdout(), shown)
}

func (o configOptions) print(out io.Writer, configs []kmsg.DescribeConfigsResponseResourceConfig) error {
	if o.output == "json" {
		type entry struct {
			Name      string  `json:"name"`
			Value     *string `json:"value"`
			Source    string  `json:"source"`
			ReadOnly  bool    `json:"read_only"`
			Sensitive bool    `json:"sensitive"`
		}
		entries := []entry{}
		for _, c := range configs {
			entries = append(entries, entry{c.Name, c.Value, c.Source.String(), c.ReadOnly, c.IsSensitive})
		}
		return json.NewEncoder(out).Encode(entries)
	}
	fmt.Fprintf(out, "Configs of %s are:\n", o.entity())
	for _, c := range configs {
		value := "null"
		if c.Value != nil {
			value = *c.Value
		}
		var synonyms []string
		for _, s := range c.ConfigSynonyms {
			synonyms = append(synonyms, fmt.Sprintf("%s:%s=%s", s.Source, s.Name, text(s.Value)))
		}
		fmt.Fprintf(out, "  %s=%s sensitive=%v synonyms={%s}\n", c.Name, value, c.IsSensitive, strings.Join(synonyms, ", "))
	}
	return nil
}

// text is "" for null.
func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
