package api

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/coord"
	"odradek/broker/group"
)

// DeleteGroups, key 42, versions 0 to 2: groups without members, with their offsets.
func (h *Handler) deleteGroups(_ context.Context, c call, req *kmsg.DeleteGroupsRequest) {
	parts := newGather(len(req.Groups), func(i int, err *kerr.Error) kmsg.DeleteGroupsResponseGroup {
		refused := kmsg.NewDeleteGroupsResponseGroup()
		refused.Group, refused.ErrorCode = req.Groups[i], err.Code
		return refused
	}, func(deleted []kmsg.DeleteGroupsResponseGroup) {
		resp := kmsg.NewPtrDeleteGroupsResponse()
		resp.Groups = deleted
		c.reply(resp)
	})
	for i, to := range parts.callers() {
		id := req.Groups[i]
		if !h.mayGroup(c, OpDelete, id) {
			to.Refuse(kerr.GroupAuthorizationFailed)
			continue
		}
		h.Groups.Do(id, to, func(m *group.Machine, _ time.Time) coord.Effects { return m.Delete(to, id) })
	}
}
