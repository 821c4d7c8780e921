package inspect

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// Decoder reads a record of an internal topic; key and payload are JSON as kafka-dump-log prints it.
type Decoder func(key, value []byte) (keyText, payload string)

// typed is a key or value with its version.
type typed struct {
	Type    string `json:"type,omitempty"`
	Version string `json:"version,omitempty"`
	Data    any    `json:"data"`
}

func (t typed) text() string {
	content, err := json.Marshal(t)
	if err != nil {
		return err.Error()
	}
	return string(content)
}

// versionOf is the number that keys and values of internal topics begin with; -1 when there is none.
func versionOf(b []byte) int16 {
	if len(b) < 2 {
		return -1
	}
	return int16(binary.BigEndian.Uint16(b))
}

// undecoded says of what kind a key or value is that is not known here, or damaged.
func undecoded(b []byte, err error) string {
	text := fmt.Sprintf("unknown (%d bytes)", len(b))
	if err != nil {
		text = fmt.Sprintf("damaged: %v", err)
	}
	return typed{Type: strconv.Itoa(int(versionOf(b))), Data: text}.text()
}

func keyText(b []byte, data any, err error) string {
	if err != nil {
		return undecoded(b, err)
	}
	return typed{Type: strconv.Itoa(int(versionOf(b))), Data: data}.text()
}

func valueText(b []byte, data any, err error) string {
	switch {
	case b == nil:
		return "<DELETE>"
	case err != nil:
		return undecoded(b, err)
	}
	return typed{Version: strconv.Itoa(int(versionOf(b))), Data: data}.text()
}

// DecodeOffsets reads records of __consumer_offsets: committed offsets and classic groups.
func DecodeOffsets(key, value []byte) (string, string) {
	switch versionOf(key) {
	case 0, 1:
		return decodeOffsetCommit(key, value)
	case 2:
		return decodeGroup(key, value)
	}
	return undecoded(key, nil), valueText(value, fmt.Sprintf("unknown (%d bytes)", len(value)), nil)
}

func decodeOffsetCommit(key, value []byte) (string, string) {
	var k kmsg.OffsetCommitKey
	keyErr := k.ReadFrom(key)
	v := kmsg.OffsetCommitValue{LeaderEpoch: -1, ExpireTimestamp: -1}
	var valueErr error
	if value != nil {
		valueErr = v.ReadFrom(value)
	}
	type keyData struct {
		Group     string `json:"group"`
		Topic     string `json:"topic"`
		Partition int32  `json:"partition"`
	}
	type valueData struct {
		Offset          int64  `json:"offset"`
		LeaderEpoch     int32  `json:"leaderEpoch"`
		Metadata        string `json:"metadata"`
		CommitTimestamp int64  `json:"commitTimestamp"`
		ExpireTimestamp *int64 `json:"expireTimestamp,omitempty"`
	}
	data := valueData{v.Offset, v.LeaderEpoch, v.Metadata, v.CommitTimestamp, nil}
	if v.Version == 1 {
		data.ExpireTimestamp = &v.ExpireTimestamp
	}
	return keyText(key, keyData{k.Group, k.Topic, k.Partition}, keyErr), valueText(value, data, valueErr)
}

func decodeGroup(key, value []byte) (string, string) {
	var k kmsg.GroupMetadataKey
	keyErr := k.ReadFrom(key)
	v := kmsg.GroupMetadataValue{CurrentStateTimestamp: -1}
	var valueErr error
	if value != nil {
		valueErr = v.ReadFrom(value)
	}
	type member struct {
		MemberID         string  `json:"memberId"`
		GroupInstanceID  *string `json:"groupInstanceId"`
		ClientID         string  `json:"clientId"`
		ClientHost       string  `json:"clientHost"`
		RebalanceTimeout int32   `json:"rebalanceTimeout"`
		SessionTimeout   int32   `json:"sessionTimeout"`
		Subscription     []byte  `json:"subscription"` // base64
		Assignment       []byte  `json:"assignment"`
	}
	data := struct {
		ProtocolType          string   `json:"protocolType"`
		Generation            int32    `json:"generation"`
		Protocol              *string  `json:"protocol"`
		Leader                *string  `json:"leader"`
		CurrentStateTimestamp int64    `json:"currentStateTimestamp"`
		Members               []member `json:"members"`
	}{v.ProtocolType, v.Generation, v.Protocol, v.Leader, v.CurrentStateTimestamp, []member{}}
	for _, m := range v.Members {
		data.Members = append(data.Members, member{
			m.MemberID, m.InstanceID, m.ClientID, m.ClientHost, m.RebalanceTimeoutMillis, m.SessionTimeoutMillis, m.Subscription, m.Assignment,
		})
	}
	return keyText(key, map[string]string{"group": k.Group}, keyErr), valueText(value, data, valueErr)
}

// DecodeTransactions reads records of __transaction_state.
func DecodeTransactions(key, value []byte) (string, string) {
	if versionOf(key) != 0 {
		return undecoded(key, nil), valueText(value, fmt.Sprintf("unknown (%d bytes)", len(value)), nil)
	}
	var k kmsg.TxnMetadataKey
	keyErr := k.ReadFrom(key)
	v := kmsg.NewTxnMetadataValue()
	var valueErr error
	if value != nil {
		valueErr = v.ReadFrom(value)
	}
	type partitions struct {
		Topic      string  `json:"topic"`
		Partitions []int32 `json:"partitionIds"`
	}
	data := struct {
		ProducerID           int64        `json:"producerId"`
		PreviousProducerID   int64        `json:"previousProducerId"`
		NextProducerID       int64        `json:"nextProducerId"`
		ProducerEpoch        int16        `json:"producerEpoch"`
		TransactionTimeoutMs int32        `json:"transactionTimeoutMs"`
		TransactionStatus    string       `json:"transactionStatus"`
		Partitions           []partitions `json:"transactionPartitions"`
		LastUpdateMs         int64        `json:"transactionLastUpdateTimestampMs"`
		StartMs              int64        `json:"transactionStartTimestampMs"`
	}{v.ProducerID, v.PreviousProducerID, v.NextProducerID, v.ProducerEpoch, v.TimeoutMillis, v.State.String(), []partitions{}, v.LastUpdateTimestamp, v.StartTimestamp}
	for _, t := range v.Topics {
		data.Partitions = append(data.Partitions, partitions{t.Topic, t.Partitions})
	}
	return keyText(key, map[string]string{"transactionalId": k.TransactionalID}, keyErr), valueText(value, data, valueErr)
}
