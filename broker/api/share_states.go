package api

import (
	"encoding/base64"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"odradek/broker/coord"
	"odradek/broker/metadata"
	"odradek/broker/share/state"
)

// ShareStates are the share coordinator's shards on this node; a coord.Runtime is one.
type ShareStates interface {
	// Do has the machine of a share-partition's shard decide. caller is answered, then or later, or refused.
	Do(key string, caller coord.Caller, decide func(m *state.Machine, now time.Time) coord.Effects)
}

// ShareKey is how a share-partition is named to find its coordinator: group, topic and partition.
func ShareKey(key state.Key) string {
	return key.Group + ":" + base64.RawURLEncoding.EncodeToString(key.Topic[:]) + ":" + strconv.Itoa(int(key.Partition))
}

// validShareKey says whether a client's key is one of ShareKey's. A group's name may have colons in it.
func validShareKey(text string) bool {
	rest, partition, _ := cutLast(text, ":")
	group, topic, found := cutLast(rest, ":")
	id, err := base64.RawURLEncoding.DecodeString(topic)
	index, indexErr := strconv.ParseInt(partition, 10, 32)
	return found && strings.TrimSpace(group) != "" && err == nil && len(id) == len(metadata.UUID{}) && indexErr == nil && index >= 0
}

func cutLast(s, separator string) (before, after string, found bool) {
	if i := strings.LastIndex(s, separator); i >= 0 {
		return s[:i], s[i+len(separator):], true
	}
	return s, "", false
}

// shareAnswer is what came of one share-partition: an error with words, or a state.
type shareAnswer struct {
	code  int16
	text  *string
	state state.State
}

func shareRefused(code *kerr.Error, text string) shareAnswer {
	return shareAnswer{code: code.Code, text: &text}
}

// askShareStates has the coordinator decide about each of keys. The answers come in their order, once all are there.
func (h *Handler) askShareStates(c call, keys []state.Key, decide func(i int, m *state.Machine, to coord.Caller, now time.Time) coord.Effects, done func([]shareAnswer)) {
	refused := func(_ int, err *kerr.Error) shareAnswer { return shareRefused(err, err.Description) }
	parts := newGather(len(keys), refused, done)
	for i, caller := range parts.callers() {
		to := shareCaller{caller}
		switch {
		case !h.mayCluster(c, OpClusterAction):
			to.Refuse(kerr.ClusterAuthorizationFailed)
		case keys[i].Partition < 0:
			to.Answer(state.Refusal{Code: kerr.InvalidRequest, Text: "The partition id cannot be a negative number."})
		default:
			h.ShareStates.Do(ShareKey(keys[i]), to, func(m *state.Machine, now time.Time) coord.Effects { return decide(i, m, to, now) })
		}
	}
}

// shareCaller turns the machine's answers into shareAnswers.
type shareCaller struct{ coord.Caller }

func (s shareCaller) Answer(response any) {
	var answer shareAnswer
	switch r := response.(type) {
	case state.Refusal:
		answer = shareRefused(r.Code, r.Text)
	case state.State:
		answer.state = r
	}
	s.Caller.Answer(answer)
}
