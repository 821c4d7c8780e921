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
		h.Groups.Do(id, to, func(m *group.Machine, _ time.Time) coord.Effects {
			if m.IsShare(id) {
				return m.ShareState(shareDeleter{h, id, to}, id)
			}
			return m.Delete(to, id)
		})
	}
}

// shareDeleter has the share coordinator forget a share group before the group itself is deleted, so that nothing is left of it.
type shareDeleter struct {
	h  *Handler
	id string
	to coord.Caller
}

// Refuse implements coord.Caller.
func (s shareDeleter) Refuse(err *kerr.Error) { s.to.Refuse(err) }

// Answer implements coord.Caller.
func (s shareDeleter) Answer(response any) {
	topics := response.(group.ShareTopics)
	s.h.inBackground(func(ctx context.Context) {
		if topics.Empty {
			if err := s.h.forgetShares(ctx, s.id, topics.Topics); err != nil {
				s.to.Refuse(err)
				return
			}
		}
		s.h.Groups.Do(s.id, s.to, func(m *group.Machine, _ time.Time) coord.Effects { return m.Delete(s.to, s.id) })
	})
}
