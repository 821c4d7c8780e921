package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
)

// groupOptions are the flags of `odradek group`, named as those of kafka-consumer-groups.
type groupOptions struct {
	list, describe, remove, reset bool
	members                       bool
	group, output                 string
	to                            resetOptions
}

func groupCommand() *cobra.Command {
	var o groupOptions
	command := &cobra.Command{
		Use:   "group",
		Short: "List, describe and delete groups of consumers, and set where they go on",
		Example: "  odradek group --list\n" +
			"  odradek group --describe --group G\n" +
			"  odradek group --reset-offsets --group G --topic T --to-earliest --execute\n" +
			"  odradek group --delete --group G",
		Args: cobra.NoArgs,
	}
	seeds := bootstrapFlag(command)
	flags := command.Flags()
	flags.BoolVar(&o.list, "list", false, "list the groups")
	flags.BoolVar(&o.describe, "describe", false, "how far a group is, and who of it reads what")
	flags.BoolVar(&o.remove, "delete", false, "delete a group without members, with its offsets")
	flags.BoolVar(&o.reset, "reset-offsets", false, "set where a group without members goes on; without --execute only say so")
	flags.BoolVar(&o.members, "members", false, "with --describe: the members rather than the partitions")
	flags.StringVar(&o.group, "group", "", "the group's id")
	flags.StringVar(&o.output, "output", "text", "text or json")
	o.to.flags(flags)
	command.MarkFlagsMutuallyExclusive("list", "describe", "delete", "reset-offsets")
	command.MarkFlagsOneRequired("list", "describe", "delete", "reset-offsets")
	command.RunE = func(command *cobra.Command, _ []string) error {
		switch {
		case o.output != "text" && o.output != "json":
			return fmt.Errorf("--output %q: text or json is allowed", o.output)
		case o.group == "" && !o.list:
			return errors.New("--group ID is needed")
		}
		if o.reset {
			if err := o.to.check(); err != nil {
				return err
			}
		}
		client, err := connect(command, *seeds)
		if err != nil {
			return err
		}
		defer client.Close()
		admin, out := kadm.NewClient(client), command.OutOrStdout()
		switch {
		case o.list:
			return o.showList(command.Context(), admin, out)
		case o.remove:
			_, err := admin.DeleteGroup(command.Context(), o.group)
			return err
		case o.reset:
			return o.resetOffsets(command.Context(), admin, out)
		}
		return o.show(command.Context(), admin, out)
	}
	return command
}

func (o groupOptions) showList(ctx context.Context, admin *kadm.Client, out io.Writer) error {
	groups, err := admin.ListGroups(ctx)
	if err != nil {
		return err
	}
	if o.output == "json" {
		return json.NewEncoder(out).Encode(groups.Sorted())
	}
	for _, g := range groups.Sorted() {
		fmt.Fprintln(out, g.Group)
	}
	return nil
}

// groupMember is a member of a group of either protocol, with what it reads.
type groupMember struct {
	ID, Host, ClientID string
	Partitions         kadm.TopicsSet
}

// membersOf describes a group, of whichever protocol it is.
func membersOf(ctx context.Context, admin *kadm.Client, id string) (state string, members []groupMember, err error) {
	newer, err := admin.DescribeConsumerGroups(ctx, id)
	if err != nil && !errors.Is(err, kerr.GroupIDNotFound) {
		return "", nil, err
	}
	if g := newer[id]; err == nil && g.Err == nil {
		for _, m := range g.Members {
			members = append(members, groupMember{m.MemberID, m.ClientHost, m.ClientID, m.Assignment})
		}
		return g.State, members, nil
	}
	classic, err := admin.DescribeGroups(ctx, id)
	if err != nil {
		return "", nil, err
	}
	g := classic[id]
	if g.Err != nil {
		return "", nil, fmt.Errorf("group %s: %w", id, g.Err)
	}
	for _, m := range g.Members {
		each := groupMember{m.MemberID, m.ClientHost, m.ClientID, kadm.TopicsSet{}}
		if assigned, ok := m.Assigned.AsConsumer(); ok {
			for _, t := range assigned.Topics {
				each.Partitions.Add(t.Topic, t.Partitions...)
			}
		}
		members = append(members, each)
	}
	return g.State, members, nil
}

// groupRow is how far a group is in a partition. Numbers that are not known are -1.
type groupRow struct {
	Topic                          string
	Partition                      int32
	Current, End, Lag              int64
	MemberID, ClientHost, ClientID string
}

func (o groupOptions) show(ctx context.Context, admin *kadm.Client, out io.Writer) error {
	state, members, err := membersOf(ctx, admin, o.group)
	if err != nil {
		return err
	}
	if o.members {
		return o.showMembers(out, members)
	}
	rows, err := progressOf(ctx, admin, o.group, members)
	if err != nil {
		return err
	}
	if o.output == "json" {
		return json.NewEncoder(out).Encode(struct {
			Group, State string
			Partitions   []groupRow
		}{o.group, state, rows})
	}
	if len(members) == 0 {
		fmt.Fprintf(out, "Consumer group '%s' has no active members.\n", o.group)
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "GROUP\tTOPIC\tPARTITION\tCURRENT-OFFSET\tLOG-END-OFFSET\tLAG\tCONSUMER-ID\tHOST\tCLIENT-ID")
	for _, r := range rows {
		fmt.Fprintf(table, "%s\t%s\t%d\t%s\t%s\t%s\t%s\t%s\t%s\n", o.group, r.Topic, r.Partition, known(r.Current), known(r.End), known(r.Lag),
			orDash(r.MemberID), orDash(r.ClientHost), orDash(r.ClientID))
	}
	return table.Flush()
}

func (o groupOptions) showMembers(out io.Writer, members []groupMember) error {
	if o.output == "json" {
		return json.NewEncoder(out).Encode(members)
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "GROUP\tCONSUMER-ID\tHOST\tCLIENT-ID\t#PARTITIONS")
	for _, m := range members {
		n := 0
		m.Partitions.Each(func(string, int32) { n++ })
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%d\n", o.group, m.ID, m.Host, m.ClientID, n)
	}
	return table.Flush()
}

// progressOf is what is committed of every partition that is, or that a member reads.
func progressOf(ctx context.Context, admin *kadm.Client, group string, members []groupMember) ([]groupRow, error) {
	offsets, err := admin.FetchOffsets(ctx, group)
	if err != nil {
		return nil, err
	}
	parts, owners := kadm.TopicsSet{}, map[string]map[int32]groupMember{}
	offsets.Each(func(o kadm.OffsetResponse) { parts.Add(o.Topic, o.Partition) })
	for _, m := range members {
		m.Partitions.Each(func(topic string, index int32) {
			parts.Add(topic, index)
			if owners[topic] == nil {
				owners[topic] = map[int32]groupMember{}
			}
			owners[topic][index] = m
		})
	}
	rows := []groupRow{}
	if len(parts) == 0 {
		return rows, nil // of no topics, all would be listed
	}
	ends, err := admin.ListEndOffsets(ctx, parts.Topics()...)
	if err != nil {
		return nil, err
	}
	for _, topic := range parts.Sorted() {
		for _, index := range topic.Partitions {
			owner := owners[topic.Topic][index]
			row := groupRow{topic.Topic, index, -1, -1, -1, owner.ID, owner.Host, owner.ClientID}
			if o, ok := offsets.Lookup(topic.Topic, index); ok && o.Err == nil {
				row.Current = o.At
			}
			if end, ok := ends.Lookup(topic.Topic, index); ok && end.Err == nil {
				row.End = end.Offset
			}
			if row.Current >= 0 && row.End >= 0 {
				row.Lag = max(row.End-row.Current, 0)
			}
			rows = append(rows, row)
		}
	}
	return rows, nil
}

func known(n int64) string {
	if n < 0 {
		return "-"
	}
	return fmt.Sprint(n)
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// commitAs commits offsets as an administrator does, without a member.
func commitAs(ctx context.Context, admin *kadm.Client, group string, offsets kadm.Offsets) error {
	answers, err := admin.CommitOffsets(ctx, group, offsets)
	if err != nil {
		return err
	}
	return answers.Error()
}
