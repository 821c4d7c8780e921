package group

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/group/assign"
)

// While a group changes its members are asked to come sooner, but those of a large group not all at once.
func TestHeartbeatsComeSooner(t *testing.T) {
	w := newWorld()
	w.topics([]string{"t:4"})
	var answer *kmsg.ConsumerGroupHeartbeatResponse
	w.answered = func(_ string, response any) { answer = response.(*kmsg.ConsumerGroupHeartbeatResponse) }
	beat := func(id string, epoch int32, owned string) time.Duration {
		t.Helper()
		args := words{"id": id, "epoch": fmt.Sprint(epoch), "topics": "t", "rebalance": "30"}
		if owned != "" {
			args["owned"] = owned
		}
		w.perform(w.machine.ConsumerHeartbeat(caller{w, id}, Client{}, w.consumerOf(args), w.now))
		if answer.ErrorCode != 0 {
			t.Fatalf("%s: %s", id, *answer.ErrorMessage)
		}
		return time.Duration(answer.HeartbeatIntervalMillis) * time.Millisecond
	}
	expect := func(what string, got, want time.Duration) {
		t.Helper()
		if got != want {
			t.Errorf("%s: again in %v, want %v", what, got, want)
		}
	}
	expect("a joins", beat("a", 0, ""), 200*time.Millisecond)
	a := answer.MemberEpoch
	w.advance(time.Second)
	expect("a change is a second ago", beat("a", a, ""), time.Second)
	w.advance(10 * time.Second)
	expect("the group rests", beat("a", a, ""), 5*time.Second)
	expect("b joins and has to wait", beat("b", 0, ""), 200*time.Millisecond)
	b := answer.MemberEpoch
	w.advance(4 * time.Second)
	expect("b still waits", beat("b", b, ""), 200*time.Millisecond)
	expect("a hears of it", beat("a", a, "t:0+1+2+3"), 4*time.Second)
	kept := assign.Partitions{}
	for _, topic := range answer.Assignment.Topics {
		kept[topic.TopicID] = topic.Partitions
	}
	beat("a", a, strings.Trim(said(kept), "{}"))
	expect("b has its own", beat("b", b, ""), 4*time.Second)
	if answer.Assignment == nil || len(answer.Assignment.Topics) != 1 {
		t.Errorf("b has %+v", answer.Assignment)
	}
	w.cfg.Consumer.SizeMax = 1000
	for i := range 398 {
		beat(fmt.Sprintf("m%d", i), 0, "")
	}
	expect("one of 401 joins", beat("last", 0, ""), 401*time.Second/200)
	w.advance(time.Minute)
	w.times.HeartbeatInterval = 50 * time.Millisecond
	expect("the configured interval is the longest", beat("another", 0, ""), 50*time.Millisecond)
}
