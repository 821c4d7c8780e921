package api

import (
	"context"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// autoCreateTimeout bounds how long a topic's creation is tried after a client asked for its metadata.
const autoCreateTimeout = 30 * time.Second

// autoCreationsMax bounds the topics that are being created for clients that asked for their metadata.
const autoCreationsMax = 1000

// creations are the topics that are being created because somebody asked for them.
type creations struct {
	mu    sync.Mutex
	names map[string]bool
}

// begin says whether name is to be created by the caller, who must call end then.
func (c *creations) begin(name string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.names[name] || len(c.names) >= autoCreationsMax {
		return false
	}
	if c.names == nil {
		c.names = make(map[string]bool)
	}
	c.names[name] = true
	return true
}

func (c *creations) end(name string) {
	c.mu.Lock()
	delete(c.names, name)
	c.mu.Unlock()
}

// createOnAsking has the controller create a topic with the defaults, in the background. As with the reference, the client is
// told that there is no such topic, and asks again.
func (h *Handler) createOnAsking(c call, name string) error {
	if !h.mayCluster(c, OpCreate) && !h.mayTopic(c, OpCreate, name) {
		return kerr.TopicAuthorizationFailed
	}
	h.createInBackground(name)
	return kerr.UnknownTopicOrPartition
}

// EnsureTopic has the controller create an internal topic, in the background, unless it is there or under way.
func (h *Handler) EnsureTopic(name string) { h.createInBackground(name) }

// createInBackground has the controller create a topic unless that is under way.
func (h *Handler) createInBackground(name string) {
	if h.ctx.Err() == nil && h.creating.begin(name) {
		h.background.Go(func() {
			defer h.creating.end(name)
			h.autoCreate(name)
		})
	}
}

func (h *Handler) autoCreate(name string) {
	ctx, cancel := context.WithTimeout(h.ctx, autoCreateTimeout)
	defer cancel()
	req := kmsg.NewPtrCreateTopicsRequest()
	req.Version, req.TimeoutMillis = createTopicsVersion, int32(autoCreateTimeout/time.Millisecond)
	req.Topics = append(req.Topics, h.newTopic(name, h.Controller.Image()))
	resp, err := h.Controller.Request(ctx, req)
	if err == nil {
		created := resp.(*kmsg.CreateTopicsResponse)
		if len(created.Topics) == 1 && created.Topics[0].ErrorCode != kerr.TopicAlreadyExists.Code {
			err = kerr.ErrorForCode(created.Topics[0].ErrorCode)
		}
	}
	if err != nil {
		h.Logger.Warn("a topic that a client asked for could not be created", "topic", name, "error", err)
	}
}
