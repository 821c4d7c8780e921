package api

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"odradek/broker/coord"
	"odradek/broker/group"
)

// DescribeGroups, key 15, versions 0 to 6.
//
//	v3  authorized operations (KIP-430)     v6  GROUP_ID_NOT_FOUND for what is otherwise a dead group
func (h *Handler) describeGroups(_ context.Context, c call, req *kmsg.DescribeGroupsRequest) {
	parts := newGather(len(req.Groups), func(i int, err *kerr.Error) kmsg.DescribeGroupsResponseGroup {
		refused := kmsg.NewDescribeGroupsResponseGroup()
		refused.Group, refused.ErrorCode = req.Groups[i], err.Code
		return refused
	}, func(described []kmsg.DescribeGroupsResponseGroup) {
		resp := kmsg.NewPtrDescribeGroupsResponse()
		resp.Groups = described
		for i := range described {
			if req.IncludeAuthorizedOperations && described[i].ErrorCode == 0 {
				described[i].AuthorizedOperations = h.operations(c, ResourceGroup, described[i].Group)
			}
		}
		c.reply(resp)
	})
	for i, to := range parts.callers() {
		id := req.Groups[i]
		if !h.mayGroup(c, OpDescribe, id) {
			to.Refuse(kerr.GroupAuthorizationFailed)
			continue
		}
		h.Groups.Do(id, to, func(m *group.Machine, _ time.Time) coord.Effects { return m.Describe(to, id, c.Version) })
	}
}
