package controller

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/hashicorp/raft"

	"odradek/broker/metadata"
)

// formationRetry is the pause between two rounds of asking the other voters.
const formationRetry = 200 * time.Millisecond

// form makes the cluster when it does not exist yet.
//
// A new cluster is made by one node, the configured voter with the lowest id, and only after every other configured voter has
// said that it has no cluster either. So a voter that lost its disk can't found a second cluster beside the one that the others
// hold: they say that they have it, and it joins by registering. When none of them has it there is none to lose. The other
// voters wait to be called. A cluster of one asks nobody.
func (c *Controller) form(ctx context.Context) {
	if c.raft.LastIndex() > 0 || c.founder() != c.cfg.NodeID {
		c.hurry()
		return
	}
	configuration := raft.Configuration{Servers: []raft.Server{c.member(c.cfg.NodeID, c.identity.directoryID, c.listener.advertise)}}
	for _, id := range slices.Sorted(maps.Keys(c.cfg.Controllers)) {
		if id == c.cfg.NodeID {
			continue
		}
		who, ok := c.askVoter(ctx, id)
		if !ok {
			return
		}
		configuration.Servers = append(configuration.Servers, c.member(id, who.directoryID, c.cfg.Controllers[id]))
	}
	if err := c.raft.BootstrapCluster(configuration).Error(); err != nil {
		if ctx.Err() == nil {
			c.cfg.Logger.Info("cluster not formed here", "reason", err) // an entry of the existing cluster came first
		}
		return
	}
	c.cfg.Logger.Info("cluster formed", "voters", len(configuration.Servers))
	c.standNow()
}

// founder is the node that makes a new cluster; -1 when this node is none of the voters.
func (c *Controller) founder() int32 {
	if len(c.cfg.Controllers) == 0 {
		return c.cfg.NodeID
	}
	if _, votes := c.cfg.Controllers[c.cfg.NodeID]; !votes {
		return -1
	}
	return slices.Min(slices.Collect(maps.Keys(c.cfg.Controllers)))
}

// voters are the configured controllers; of a cluster of one that names none, this node where it listens.
func (c *Controller) voters() map[int32]string {
	if len(c.cfg.Controllers) == 0 {
		return map[int32]string{c.cfg.NodeID: c.listener.advertise}
	}
	return c.cfg.Controllers
}

func (c *Controller) member(id int32, directory metadata.UUID, address string) raft.Server {
	return raft.Server{Suffrage: raft.Voter, ID: serverID(directory), Address: raft.ServerAddress(address)}
}

// askVoter waits for a voter to say that it has no cluster. It returns false when it has one, or when this node got one.
func (c *Controller) askVoter(ctx context.Context, id int32) (hello, bool) {
	for told := false; ctx.Err() == nil && c.raft.LastIndex() == 0; told = true {
		who, err := c.askHello(ctx, c.cfg.Controllers[id])
		if err == nil && who.nodeID != id {
			err = fmt.Errorf("node %d answers at the address of node %d", who.nodeID, id)
		}
		if err == nil {
			if who.hasCluster {
				c.cfg.Logger.Info("another voter has a cluster: joining it", "node", id)
				return who, false
			}
			return who, true
		}
		if !told {
			c.cfg.Logger.Info("waiting for a voter to form the cluster", "node", id, "address", c.cfg.Controllers[id], "error", err)
		}
		select {
		case <-time.After(formationRetry):
		case <-ctx.Done():
		}
	}
	return hello{}, false
}

func (c *Controller) askHello(ctx context.Context, address string) (hello, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	p, err := dialPeer(ctx, c.cfg.Net, address, nil)
	if err != nil {
		return hello{}, err
	}
	defer p.fail(context.Canceled)
	return p.sayHello(ctx)
}

// hello is what this node says of itself.
func (c *Controller) hello() hello {
	return hello{
		nodeID: c.cfg.NodeID, directoryID: c.identity.directoryID, incarnation: c.incarnation,
		hasCluster: c.raft.LastIndex() > 0, clusterID: c.Image().ClusterID,
	}
}

// hurry has the only voter there is lead at once instead of after a timeout in which nobody can speak.
func (c *Controller) hurry() {
	future := c.raft.GetConfiguration()
	if future.Error() != nil {
		return
	}
	voters := 0
	for _, server := range future.Configuration().Servers {
		if server.Suffrage == raft.Voter {
			voters++
			if server.ID != serverID(c.identity.directoryID) {
				return
			}
		}
	}
	if voters == 1 {
		c.standNow()
	}
}
