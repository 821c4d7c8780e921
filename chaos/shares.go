package chaos

import (
	"fmt"
	"time"
)

// A ShareGroup is a group whose members take records out of the same partitions, each record by itself (KIP-932), and come and go.
type ShareGroup struct {
	Name    string   `json:"name"`
	Topics  []string `json:"topics"`
	Members int      `json:"members"`
	Stay    Duration `json:"stay,omitzero"`     // mean time that a member stays; 0 is always
	Away    Duration `json:"away,omitzero"`     // mean time after which it is back
	Vanish  float64  `json:"vanish,omitempty"`  // share of leaves of which nobody hears
	Pause   Duration `json:"pause,omitzero"`    // between acquiring records and being done with them
	Release float64  `json:"release,omitempty"` // share of records that are given back, to come again
	Reject  float64  `json:"reject,omitempty"`  // share of records that are never to come again
	Forget  float64  `json:"forget,omitempty"`  // share of records of which nothing is said until their lock ends
}

func (g *ShareGroup) check(c *Cluster) error {
	isShare := func(v float64) bool { return v >= 0 && v <= 1 }
	switch {
	case g.Name == "" || len(g.Name) > 100:
		return fmt.Errorf("name %q: allowed are 1 to 100 characters", g.Name)
	case g.Members < 1:
		return fmt.Errorf("members %d: allowed are 1 and above", g.Members)
	case g.Stay < 0 || g.Away < 0 || g.Pause < 0 || g.Pause.D() > time.Minute:
		return fmt.Errorf("stay %s, away %s, pause %s: allowed are 0 and above, and a pause of 1m at most", g.Stay, g.Away, g.Pause)
	case !isShare(g.Vanish) || !isShare(g.Release) || !isShare(g.Reject) || !isShare(g.Forget) || !isShare(g.Release+g.Reject+g.Forget):
		return fmt.Errorf("vanish %v, release %v, reject %v, forget %v: allowed are shares from 0 to 1, of the last three together",
			g.Vanish, g.Release, g.Reject, g.Forget)
	}
	return c.checkTopics(g.Topics)
}

// shareTopic holds what share groups have settled; its settings are those of the brokers.
const shareTopic = "__share_group_state"
