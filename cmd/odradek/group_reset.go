package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/pflag"
	"github.com/twmb/franz-go/pkg/kadm"
)

// resetOptions say where a group is to go on, under the names of kafka-consumer-groups.
type resetOptions struct {
	topics                        []string
	allTopics, execute            bool
	earliest, latest, current     bool
	offset, shift                 int64
	datetime                      string
	offsetIsSet, shiftIsSet, once func() bool
}

func (o *resetOptions) flags(flags *pflag.FlagSet) {
	flags.StringArrayVar(&o.topics, "topic", nil, "with --reset-offsets: a topic, or partitions of one as T:0,1; may be repeated")
	flags.BoolVar(&o.allTopics, "all-topics", false, "with --reset-offsets: all partitions that the group has offsets of")
	flags.BoolVar(&o.execute, "execute", false, "with --reset-offsets: do it")
	flags.BoolVar(&o.earliest, "to-earliest", false, "go on at the first record that is there")
	flags.BoolVar(&o.latest, "to-latest", false, "go on after the last record")
	flags.BoolVar(&o.current, "to-current", false, "go on where the group is")
	flags.Int64Var(&o.offset, "to-offset", 0, "go on at an offset")
	flags.Int64Var(&o.shift, "shift-by", 0, "go on so many records later, or earlier")
	flags.StringVar(&o.datetime, "to-datetime", "", "go on at the first record of a time, as 2026-01-02T15:04:05Z")
	ways := []string{"to-earliest", "to-latest", "to-current", "to-offset", "shift-by", "to-datetime"}
	o.offsetIsSet = func() bool { return flags.Changed("to-offset") }
	o.shiftIsSet = func() bool { return flags.Changed("shift-by") }
	o.once = func() bool {
		n := 0
		for _, way := range ways {
			if flags.Changed(way) {
				n++
			}
		}
		return n == 1
	}
}

func (o *resetOptions) check() error {
	switch {
	case !o.once():
		return errors.New("--reset-offsets needs one of --to-earliest, --to-latest, --to-current, --to-offset, --shift-by and --to-datetime")
	case len(o.topics) == 0 && !o.allTopics:
		return errors.New("--reset-offsets needs --topic T or --all-topics")
	}
	return nil
}

// resetOffsets says where the group will go on, and has it do so with --execute.
func (o groupOptions) resetOffsets(ctx context.Context, admin *kadm.Client, out io.Writer) error {
	state, _, err := membersOf(ctx, admin, o.group)
	if err != nil {
		return err
	}
	if state != "Empty" && state != "Dead" {
		return fmt.Errorf("the offsets of group %s can only be set while it has no members, and it is %s: stop them first", o.group, state)
	}
	next, err := o.to.offsets(ctx, admin, o.group)
	if err != nil {
		return err
	}
	if o.to.execute {
		if err := commitAs(ctx, admin, o.group, next); err != nil {
			return err
		}
	}
	if o.output == "json" {
		return json.NewEncoder(out).Encode(next.Sorted())
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "GROUP\tTOPIC\tPARTITION\tNEW-OFFSET")
	for _, each := range next.Sorted() {
		fmt.Fprintf(table, "%s\t%s\t%d\t%d\n", o.group, each.Topic, each.Partition, each.At)
	}
	return table.Flush()
}

// offsets are where the group will go on, between the start and the end of each partition.
func (o *resetOptions) offsets(ctx context.Context, admin *kadm.Client, group string) (kadm.Offsets, error) {
	committed, err := admin.FetchOffsets(ctx, group)
	if err != nil {
		return nil, err
	}
	wanted, err := o.partitions(committed)
	if err != nil {
		return nil, err
	}
	starts, err := admin.ListStartOffsets(ctx, wanted.Topics()...)
	if err != nil {
		return nil, err
	}
	ends, err := admin.ListEndOffsets(ctx, wanted.Topics()...)
	if err != nil {
		return nil, err
	}
	at := ends
	if o.datetime != "" {
		moment, err := time.Parse(time.RFC3339, o.datetime)
		if err != nil {
			return nil, fmt.Errorf("--to-datetime: %w", err)
		}
		if at, err = admin.ListOffsetsAfterMilli(ctx, moment.UnixMilli(), wanted.Topics()...); err != nil {
			return nil, err
		}
	}
	next := kadm.Offsets{}
	ends.Each(func(end kadm.ListedOffset) {
		if parts := wanted[end.Topic]; len(parts) > 0 {
			if _, named := parts[end.Partition]; !named {
				return
			}
		}
		start, _ := starts.Lookup(end.Topic, end.Partition)
		found, _ := at.Lookup(end.Topic, end.Partition)
		if end.Err != nil || start.Err != nil || found.Err != nil {
			err = errors.Join(err, fmt.Errorf("%s-%d: %w", end.Topic, end.Partition, errors.Join(end.Err, start.Err, found.Err)))
			return
		}
		to := found.Offset
		switch {
		case o.earliest:
			to = start.Offset
		case o.offsetIsSet():
			to = o.offset
		case o.current, o.shiftIsSet():
			to = end.Offset
			if before, ok := committed.Lookup(end.Topic, end.Partition); ok {
				to = before.At + o.shift
			}
		}
		next.AddOffset(end.Topic, end.Partition, min(max(to, start.Offset), end.Offset), -1)
	})
	return next, err
}

// partitions are those that the flags name, by topic; none is all of them.
func (o *resetOptions) partitions(committed kadm.OffsetResponses) (kadm.TopicsSet, error) {
	wanted := kadm.TopicsSet{}
	if o.allTopics {
		committed.Each(func(each kadm.OffsetResponse) { wanted.Add(each.Topic, each.Partition) })
	}
	for _, each := range o.topics {
		topic, list, named := strings.Cut(each, ":")
		wanted.Add(topic)
		if !named {
			continue
		}
		for part := range strings.SplitSeq(list, ",") {
			index, err := strconv.ParseInt(part, 10, 32)
			if err != nil {
				return nil, fmt.Errorf("--topic %q: T or T:0,1 is expected", each)
			}
			wanted.Add(topic, int32(index))
		}
	}
	if len(wanted) == 0 {
		return nil, errors.New("the group has no offsets")
	}
	return wanted, nil
}
