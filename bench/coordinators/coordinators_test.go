package coordinators

import (
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/brokertest"
)

// told runs something against a real broker on loopback, and returns the names of its figures.
func told(t *testing.T, run func(Options) error) (names []string) {
	t.Helper()
	cluster := brokertest.Start(t, brokertest.Set("group.initial.rebalance.delay.ms", "0"),
		brokertest.Set("group.consumer.min.heartbeat.interval.ms", "50"), brokertest.Set("group.consumer.heartbeat.interval.ms", "50"))
	err := run(Options{BootstrapServers: cluster.Bootstrap(), Tell: func(name string, took time.Duration) {
		if took <= 0 {
			t.Errorf("%s took %v", name, took)
		}
		names = append(names, name)
	}})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// A group of either protocol forms, takes a member in and lets it go.
func TestRebalance(t *testing.T) {
	for _, protocol := range []string{"classic", "consumer"} {
		t.Run(protocol, func(t *testing.T) {
			names := told(t, func(o Options) error {
				return Rebalance{Protocol: protocol, Members: 3, Partitions: 5, Heartbeat: 50 * time.Millisecond, Times: 1}.Run(t.Context(), o)
			})
			if want := []string{"form", "form_stable", "join", "join_stable", "leave", "leave_stable"}; !slices.Equal(names, want) {
				t.Errorf("told %v, want %v", names, want)
			}
		})
	}
}

func TestTransactions(t *testing.T) {
	names := told(t, func(o Options) error { return Transactions{Count: 3, WarmUp: 1, Partitions: 2}.Run(t.Context(), o) })
	if want := []string{"end_p50", "end_p99", "loop_p50", "loop_p99"}; !slices.Equal(names, want) {
		t.Errorf("told %v, want %v", names, want)
	}
}

// The values are those of Java's String.hashCode.
func TestPartitionFor(t *testing.T) {
	for group, want := range map[string]int32{"": 0, "a": 97 % 50, "group": 98629247 % 50, "polygenelubricants": 0} { // the last hashes to the least int
		if got := partitionFor(group, 50); got != want {
			t.Errorf("%q is in %d, want %d", group, got, want)
		}
	}
}

func TestSameAssignment(t *testing.T) {
	of := func(partitions ...int32) kmsg.Assignment {
		return kmsg.Assignment{TopicPartitions: []kmsg.AssignmentTopicPartition{{Topic: "t", Partitions: partitions}}}
	}
	if !sameAssignment(of(2, 1), of(1, 2)) || sameAssignment(of(1), of(1, 2)) || sameAssignment(of(1), kmsg.Assignment{}) {
		t.Error("assignments are not told apart")
	}
}
