package api

import (
	"context"
	"errors"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// codeOf translates an error of the layers below to Kafka's code. Those of replica and controller are *kerr.Error already.
func codeOf(err error) int16 {
	var known *kerr.Error
	switch {
	case err == nil:
		return 0
	case errors.As(err, &known):
		return known.Code
	case errors.Is(err, context.DeadlineExceeded):
		return kerr.RequestTimedOut.Code
	case errors.Is(err, context.Canceled):
		// The connection ends or the node stops; if anyone still reads the answer, it is to ask another node.
		return kerr.BrokerNotAvailable.Code
	}
	return kerr.UnknownServerError.Code
}

// codeFor is codeOf for clients of an old version that don't know a code yet, as the message's schema says.
func codeFor(c call, err error) int16 {
	code := codeOf(err)
	switch kmsg.Key(c.Key) {
	case kmsg.Produce:
		if code == kerr.KafkaStorageError.Code && c.Version < 4 {
			return kerr.NotLeaderForPartition.Code
		}
	case kmsg.Fetch:
		if code == kerr.KafkaStorageError.Code && c.Version < 6 {
			return kerr.NotLeaderForPartition.Code
		}
	case kmsg.ListOffsets:
		if code == kerr.OffsetNotAvailable.Code && c.Version < 5 {
			return kerr.LeaderNotAvailable.Code
		}
	}
	return code
}

// messageOf is the text that goes with an error, nil without one.
func messageOf(err error) *string {
	if err == nil {
		return nil
	}
	text := err.Error()
	var known *kerr.Error
	if errors.As(err, &known) {
		text = known.Description
	}
	return &text
}
