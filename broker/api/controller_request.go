package api

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// defaultRequestTimeout is for requests that don't say how long the controller may take; Kafka's request.timeout.ms.
const defaultRequestTimeout = 30 * time.Second

// ask runs a request at the active controller, for at most as long as the client waits.
func ask[R kmsg.Response](ctx context.Context, h *Handler, timeoutMs int32, req kmsg.Request) (resp R, err error) {
	timeout := defaultRequestTimeout
	if timeoutMs > 0 {
		timeout = time.Duration(timeoutMs) * time.Millisecond
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	rested := meterOf(ctx).rest()
	answer, err := h.Controller.Request(ctx, req)
	rested()
	if err != nil {
		return resp, err
	}
	return answer.(R), nil
}
