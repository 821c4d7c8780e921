package controller

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"net"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/controller/decide"
	"odradek/broker/env/buggify"
	"odradek/broker/metadata"
)

const (
	// registrationRetry is the pause after a registration that was refused.
	registrationRetry = 500 * time.Millisecond
	// shutdownPoll is the pause between two heartbeats of a controlled shutdown.
	shutdownPoll = 20 * time.Millisecond
)

// live registers this node and keeps its session alive, until ctx ends.
func (c *Controller) live(ctx context.Context) {
	defer close(c.liveDone)
	for ctx.Err() == nil {
		if !c.register(ctx) {
			return
		}
		c.heartbeats(ctx)
	}
}

// register registers this process. It returns false when it can't be.
func (c *Controller) register(ctx context.Context) bool {
	for ctx.Err() == nil {
		resp, version, err := c.ask(ctx, c.registration())
		if err != nil {
			return false
		}
		registered := resp.(*kmsg.BrokerRegistrationResponse)
		switch err := kerr.ErrorForCode(registered.ErrorCode); err {
		case nil:
			c.epoch.Store(registered.BrokerEpoch)
			if err := c.state.registered(registered.BrokerEpoch); err != nil {
				c.fail(fmt.Errorf("%s: %w", brokerStateName, err))
				return false
			}
			c.cfg.Logger.Info("registered", "epoch", registered.BrokerEpoch)
			return c.dispatch.wait(ctx, version) == nil
		case kerr.InconsistentClusterID, kerr.InvalidRegistration:
			c.fail(fmt.Errorf("registration of node %d refused: %w", c.cfg.NodeID, err))
			return false
		default:
			c.cfg.Logger.Warn("registration refused, trying again", "error", err)
			select {
			case <-time.After(registrationRetry):
			case <-ctx.Done():
			}
		}
	}
	return false
}

func (c *Controller) registration() *kmsg.BrokerRegistrationRequest {
	req := kmsg.NewPtrBrokerRegistrationRequest()
	req.BrokerID = c.cfg.NodeID
	req.ClusterID = c.knownClusterID()
	req.IncarnationID = c.incarnation
	req.LogDirs = [][16]byte{c.identity.directoryID}
	for _, id := range c.usable() {
		if id != c.identity.directoryID {
			req.LogDirs = append(req.LogDirs, id)
		}
	}
	previous, known := c.state.claims()
	req.PreviousBrokerEpoch = previous
	if c.cfg.Rack != "" {
		req.Rack = &c.cfg.Rack
	}
	var incarnations []byte
	for _, id := range known {
		incarnations = append(incarnations, id[:]...)
	}
	req.UnknownTags.Set(decide.PreviousIncarnationsTag, incarnations)
	client := kmsg.NewBrokerRegistrationRequestListener()
	client.Name, client.Host, client.Port = "PLAINTEXT", c.cfg.Host, uint16(c.cfg.Port)
	controller := kmsg.NewBrokerRegistrationRequestListener()
	controller.Name = decide.ControllerListener
	controller.Host, controller.Port = splitAddress(c.listener.advertise)
	req.Listeners = append(req.Listeners, client, controller)
	for _, f := range metadata.SupportedFeatures() {
		feature := kmsg.NewBrokerRegistrationRequestFeature()
		feature.Name, feature.MinSupportedVersion, feature.MaxSupportedVersion = f.Name, f.Min, f.Max
		req.Features = append(req.Features, feature)
	}
	return req
}

// knownClusterID is what this disk, or the operator, says that the cluster must be.
func (c *Controller) knownClusterID() string {
	if id := c.identity.cluster(); id != "" {
		return id
	}
	return c.cfg.ClusterID
}

// heartbeats keeps the session alive until the registration is not valid any more. A heartbeat is sent every interval, and at
// once when there is news: another active controller (so that it hears of this node's end by the connection), the logs being
// open, or the metadata having caught up with the registration.
func (c *Controller) heartbeats(ctx context.Context) {
	ready := c.cfg.Ready
	for ctx.Err() == nil {
		leaderChanged := c.leaderNews.next()
		image, imageChanged := c.dispatch.changed()
		logsOpen := c.isReady()
		wantFence := !logsOpen || !c.seesItself(image)
		resp, err := c.heartbeat(ctx, image, wantFence, false)
		if err != nil {
			if ctx.Err() != nil || c.isClosing() {
				return
			}
			c.cfg.Logger.Warn("heartbeat not answered", "error", err)
			continue
		}
		if resp.ErrorCode != 0 {
			c.cfg.Logger.Warn("registration is not valid any more", "error", kerr.ErrorForCode(resp.ErrorCode))
			return
		}
		if logsOpen {
			ready = nil // this heartbeat said so; what happened since is still to be said
		}
		interval := time.NewTimer(c.cfg.HeartbeatInterval)
		for waiting := true; waiting; {
			select {
			case <-leaderChanged:
				waiting = false
			case <-ready:
				waiting = false
			case <-imageChanged:
				image, imageChanged = c.dispatch.changed()
				waiting = !c.wantsHeartbeat(image, wantFence)
			case <-interval.C:
				if waiting = buggify.Fires(buggify.SkipHeartbeat); waiting {
					interval.Reset(c.cfg.HeartbeatInterval)
				}
			case <-ctx.Done():
				waiting = false
			}
		}
		interval.Stop()
	}
}

// wantsHeartbeat says whether an image is a reason to send one now: this node could be unfenced and has not asked for it, or
// was fenced without having asked for it.
func (c *Controller) wantsHeartbeat(image *metadata.Image, wantedFence bool) bool {
	if !c.isReady() || !c.seesItself(image) {
		return false
	}
	return wantedFence || image.Brokers[c.cfg.NodeID].Fenced
}

// seesItself says whether an image includes this process's registration.
func (c *Controller) seesItself(image *metadata.Image) bool {
	broker := image.Brokers[c.cfg.NodeID]
	return broker != nil && broker.Epoch == c.epoch.Load()
}

func (c *Controller) isReady() bool {
	if c.cfg.Ready == nil {
		return true
	}
	select {
	case <-c.cfg.Ready:
		return true
	default:
		return false
	}
}

func (c *Controller) heartbeat(ctx context.Context, image *metadata.Image, wantFence, wantShutdown bool) (*kmsg.BrokerHeartbeatResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.SessionTimeout)
	defer cancel()
	req := kmsg.NewPtrBrokerHeartbeatRequest()
	req.BrokerID, req.BrokerEpoch = c.cfg.NodeID, c.epoch.Load()
	req.CurrentMetadataOffset = int64(min(image.Version, math.MaxInt64))
	req.WantFence, req.WantShutdown = wantFence, wantShutdown
	resp, _, err := c.ask(ctx, req)
	if err != nil {
		return nil, err
	}
	return resp.(*kmsg.BrokerHeartbeatResponse), nil
}

// errNotRegistered says that this process has not become part of the cluster yet.
var errNotRegistered = errors.New("controller: not registered")

// Shutdown is the controlled shutdown: the active controller moves this node's leaderships away, then, if this node is the
// active controller itself, another one takes over. Call Close after it. Errors: ctx's, ErrClosed, and one when this node is
// not registered.
func (c *Controller) Shutdown(ctx context.Context) error {
	c.stopLiving()
	if c.BrokerEpoch() < 0 {
		return errNotRegistered // it leads nothing that could be handed over, and may never hear from a controller
	}
	for {
		image, _ := c.dispatch.changed()
		resp, err := c.heartbeat(ctx, image, false, true)
		if err != nil {
			return err
		}
		if err := kerr.ErrorForCode(resp.ErrorCode); err != nil {
			return fmt.Errorf("controlled shutdown: %w", err)
		}
		if resp.ShouldShutdown {
			return c.handOver()
		}
		select {
		case <-time.After(shutdownPoll):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func splitAddress(address string) (host string, port uint16) {
	host, text, err := net.SplitHostPort(address)
	if err != nil {
		return address, 0
	}
	number, _ := strconv.ParseUint(text, 10, 16)
	return host, uint16(number)
}

// encodeUUID writes an id as Kafka does.
func encodeUUID(id metadata.UUID) string { return base64.RawURLEncoding.EncodeToString(id[:]) }
