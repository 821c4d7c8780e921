package api

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/coord"
	"odradek/broker/group"
)

// ListGroups, key 16, versions 0 to 5: the groups that this node coordinates.
//
//	v4  states, and a choice of them (KIP-518)     v5  types, and a choice of them (KIP-848)
func (h *Handler) listGroups(_ context.Context, c call, req *kmsg.ListGroupsRequest) {
	done := func(shards []any) {
		resp := kmsg.NewPtrListGroupsResponse()
		resp.Groups = []kmsg.ListGroupsResponseGroup{}
		everywhere := h.mayCluster(c, OpDescribe)
		for _, shard := range shards {
			switch found := shard.(type) {
			case *kerr.Error:
				if found != kerr.NotCoordinator { // it just moved: its new node lists it
					resp.ErrorCode = found.Code
				}
			case []kmsg.ListGroupsResponseGroup:
				for _, each := range found {
					if everywhere || h.mayGroup(c, OpDescribe, each.Group) {
						resp.Groups = append(resp.Groups, each)
					}
				}
			}
		}
		if resp.ErrorCode != 0 {
			resp.Groups = nil
		}
		c.reply(resp)
	}
	refused := func(_ int, err *kerr.Error) any { return err }
	h.Groups.Each(func(n int) []coord.Caller { return newGather(n, refused, done).callers() },
		func(m *group.Machine, to coord.Caller, _ time.Time) coord.Effects {
			return m.List(to, req.StatesFilter, req.TypesFilter)
		})
}
