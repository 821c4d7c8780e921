package chaos

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// PlanVersion is the version of the format that this package reads and writes.
const PlanVersion = 1

// A Plan is everything that a universe is drawn to be. Two universes of one plan and one seed are the same.
type Plan struct {
	Version   int          `json:"odradek_plan"`
	Seed      uint64       `json:"seed"` // of every random choice that the plan itself does not make
	Phases    Phases       `json:"phases"`
	Cluster   Cluster      `json:"cluster"`
	Producers []Producer   `json:"producers"` // named producer-1, producer-2 … in this order
	Consumers []Consumer   `json:"consumers"` // named consumer-1, consumer-2 … in this order
	Deleters  []Deleter    `json:"deleters,omitempty"`
	Copiers   []Copier     `json:"copiers,omitempty"`
	Groups    []Group      `json:"groups,omitempty"`
	Shares    []ShareGroup `json:"shares,omitempty"`
	App       *App         `json:"app,omitempty"`
	Schedule  Schedule     `json:"schedule"`
	// Reassignments and ReplicaMoves are an operator's, beside the faults.
	Reassignments []Reassignment `json:"reassignments,omitempty"`
	ReplicaMoves  []ReplicaMove  `json:"replica_moves,omitempty"`
}

// Phases divide a run's virtual time. See the package comment for what each is for.
type Phases struct {
	Calm   Duration `json:"calm"`
	Faults Duration `json:"faults"`
	Heal   Duration `json:"heal"`
	Read   Duration `json:"read"`
}

// FaultsEnd is when every fault has been undone and the heal phase begins.
func (p Phases) FaultsEnd() Duration { return p.Calm + p.Faults }

// HealEnd is when producers stop and the final read begins.
func (p Phases) HealEnd() Duration { return p.FaultsEnd() + p.Heal }

// End is the length of the run.
func (p Phases) End() Duration { return p.HealEnd() + p.Read }

// A Cluster is its nodes, numbered from 1, and the topics made in the calm phase.
type Cluster struct {
	Nodes  int               `json:"nodes"`
	Config map[string]string `json:"config,omitempty"` // Kafka's broker keys, the same on every node
	Topics []Topic           `json:"topics"`
	// Racks is how many racks the nodes are dealt to in turn, numbered from 1; 0 for none.
	Racks int `json:"racks,omitempty"`
	// Dirs is how many log directories a node has; 0 for one.
	Dirs int `json:"dirs,omitempty"`
	// Buggify are the points at which the brokers do what they hardly ever do, and in how many of the times that they pass them.
	Buggify *Buggify `json:"buggify,omitempty"`
}

// Buggify is a choice of points and how often they fire.
type Buggify struct {
	Points []string `json:"points"` // of BuggifyPoints
	Share  float64  `json:"share"`
}

// BuggifyPoints are the broker's, in its own order.
var BuggifyPoints = []string{"roll-early", "refuse-append", "sip-fetched", "fetch-little", "skip-heartbeat"}

// A Topic as CreateTopics makes it.
type Topic struct {
	Name              string            `json:"name"`
	Partitions        int               `json:"partitions"`
	ReplicationFactor int               `json:"replication_factor"`
	Config            map[string]string `json:"config,omitempty"` // Kafka's topic keys
}

// A Producer sends records, each of a value that is unique in the run, to its topics in turn.
type Producer struct {
	Topics           []string `json:"topics"`
	Acks             string   `json:"acks"`       // "0", "1" or "all"
	Idempotent       bool     `json:"idempotent"` // needs acks "all"
	Linger           Duration `json:"linger"`
	BatchBytes       int      `json:"batch_bytes"`
	RecordsPerSecond float64  `json:"records_per_second"`
	ValueBytes       int      `json:"value_bytes"`   // the unique value is padded to this
	Keys             int      `json:"keys"`          // distinct keys, drawn uniformly; 0 sends records without a key
	MaxInFlight      int      `json:"max_in_flight"` // produce requests a connection
	Compression      string   `json:"compression,omitempty"`
	Tombstones       float64  `json:"tombstones,omitempty"` // share of records without a value; needs keys
}

// A Consumer reads every partition of its topics, assigned by hand, from the beginning.
type Consumer struct {
	Topics   []string `json:"topics"`
	MaxBytes int      `json:"max_bytes"`      // of one fetch
	MaxWait  Duration `json:"max_wait"`       // of one fetch
	Pause    Duration `json:"pause,omitzero"` // after each poll, so that the log's head may overtake it
	// Committed: it reads committed records only, wherever they are.
	Committed bool `json:"committed,omitempty"`
	Rack      int  `json:"rack,omitempty"` // on which it is, so that it may be sent to a follower; 0 for none
}

// A Deleter has records deleted (DeleteRecords): of one partition after the other of its topics, up to anywhere in the log.
type Deleter struct {
	Topics []string `json:"topics"`
	Every  Duration `json:"every"`
}

// A Group is a consumer group whose members come and go.
type Group struct {
	Name    string   `json:"name"`
	Topics  []string `json:"topics"`
	Members int      `json:"members"`
	// Protocol is "consumer" for one whose partitions the coordinator assigns and hands over one by one (KIP-848), or empty for classic.
	Protocol string `json:"protocol,omitempty"`
	// Balancer is "range", with which every rebalance of a classic group takes everything; or "cooperative-sticky" of a classic group,
	// "uniform" of the other.
	Balancer string   `json:"balancer"`
	Static   bool     `json:"static,omitempty"` // members keep their names (group.instance.id, KIP-345): who comes back is who went
	Session  Duration `json:"session"`          // session.timeout.ms, and the time that a rebalance waits for members
	Stay     Duration `json:"stay,omitzero"`    // mean time that a member stays; 0 is always
	Away     Duration `json:"away,omitzero"`    // mean time after which it is back
	Vanish   float64  `json:"vanish,omitempty"` // share of leaves of which the coordinator hears nothing
	Pause    Duration `json:"pause,omitzero"`   // between a poll and its commit
	Zombie   float64  `json:"zombie,omitempty"` // share of commits before which the member is cut off for longer than its session
}

// Limits of a plan: a universe is one process on one machine.
const (
	nodesMax      = 9
	topicsMax     = 64
	partitionsMax = 256
	clientsMax    = 64
	rateMax       = 100_000
	valueBytesMin = 16 // room for the unique part
	valueBytesMax = 1 << 20
	batchBytesMax = 16 << 20
	keysMax       = 1_000_000
	inFlightMax   = 100
	runMax        = 24 * time.Hour
)

var codecs = []string{"", "none", "gzip", "snappy", "lz4", "zstd"}

// topicName is Kafka's rule for names (Topic.validate), without "." and "..".
var topicName = regexp.MustCompile(`^[a-zA-Z0-9_-][a-zA-Z0-9._-]{0,248}$`)

// RackOf is the name of the rack that a node is on, empty for none.
func (c *Cluster) RackOf(number int) string {
	if c.Racks == 0 {
		return ""
	}
	return RackName((number-1)%c.Racks + 1)
}

// RackName is the name of a rack by its number, empty for 0.
func RackName(rack int) string {
	if rack == 0 {
		return ""
	}
	return "rack-" + strconv.Itoa(rack)
}

// SettingsOf is a node's configuration as far as the plan says it.
func (c *Cluster) SettingsOf(number int) map[string]string {
	settings := maps.Clone(c.Config)
	if settings == nil {
		settings = map[string]string{}
	}
	if rack := c.RackOf(number); rack != "" {
		settings["broker.rack"] = rack
	}
	return settings
}

func (c *Cluster) topic(name string) *Topic {
	i := slices.IndexFunc(c.Topics, func(t Topic) bool { return t.Name == name })
	if i < 0 {
		return nil
	}
	return &c.Topics[i]
}

// MinInsyncReplicas is what the topic asks for: its own key, else the cluster's, else Kafka's default of 1.
func (c *Cluster) MinInsyncReplicas(t Topic) int {
	n, err := strconv.Atoi(c.setting(t, "min.insync.replicas", "min.insync.replicas", "1"))
	if err != nil {
		return 1
	}
	return n
}

// Durable is true when every acknowledged batch has been synced (flush.messages=1), so that power loss forgets none.
func (c *Cluster) Durable(t Topic) bool {
	return c.setting(t, "flush.messages", "log.flush.interval.messages", "") == "1"
}

// unclean is true when a replica outside the ISR may be elected.
func (c *Cluster) unclean(t Topic) bool {
	const key = "unclean.leader.election.enable"
	return c.setting(t, key, key, "false") == "true"
}

func (c *Cluster) setting(t Topic, topicKey, brokerKey, otherwise string) string {
	if v, ok := t.Config[topicKey]; ok {
		return v
	}
	if v, ok := c.Config[brokerKey]; ok {
		return v
	}
	return otherwise
}

// Validate says what is wrong with a plan first, and what is allowed there.
func (p *Plan) Validate() error {
	if p.Version != PlanVersion {
		return fmt.Errorf("odradek_plan %d: this program reads version %d", p.Version, PlanVersion)
	}
	if err := p.Phases.check(); err != nil {
		return err
	}
	if err := p.Cluster.check(); err != nil {
		return err
	}
	if n := len(p.Producers) + len(p.Consumers) + len(p.Deleters) + len(p.Copiers) + p.members(); n > clientsMax {
		return fmt.Errorf("%d clients: allowed are %d", n, clientsMax)
	}
	for i := range p.Producers {
		if err := p.Producers[i].check(&p.Cluster); err != nil {
			return fmt.Errorf("producers[%d]: %w", i, err)
		}
	}
	for i := range p.Consumers {
		if err := p.Consumers[i].check(&p.Cluster); err != nil {
			return fmt.Errorf("consumers[%d]: %w", i, err)
		}
	}
	for i := range p.Deleters {
		if err := p.Deleters[i].check(&p.Cluster); err != nil {
			return fmt.Errorf("deleters[%d]: %w", i, err)
		}
	}
	for i := range p.Copiers {
		if err := p.Copiers[i].check(&p.Cluster); err != nil {
			return fmt.Errorf("copiers[%d]: %w", i, err)
		}
	}
	if len(p.Reassignments) > reassignmentsMax {
		return fmt.Errorf("%d reassignments: allowed are %d", len(p.Reassignments), reassignmentsMax)
	}
	for i := range p.Reassignments {
		if err := p.Reassignments[i].check(&p.Cluster, p.Phases); err != nil {
			return fmt.Errorf("reassignments[%d]: %w", i, err)
		}
	}
	if len(p.ReplicaMoves) > replicaMovesMax {
		return fmt.Errorf("%d replica moves: allowed are %d", len(p.ReplicaMoves), replicaMovesMax)
	}
	for i := range p.ReplicaMoves {
		if err := p.ReplicaMoves[i].check(&p.Cluster, p.Phases); err != nil {
			return fmt.Errorf("replica_moves[%d]: %w", i, err)
		}
	}
	for i := range p.Groups {
		if err := p.Groups[i].check(&p.Cluster); err != nil {
			return fmt.Errorf("groups[%d]: %w", i, err)
		}
	}
	for i := range p.Shares {
		if err := p.Shares[i].check(&p.Cluster); err != nil {
			return fmt.Errorf("shares[%d]: %w", i, err)
		}
	}
	if p.App != nil {
		if err := p.App.check(p.Phases); err != nil {
			return fmt.Errorf("app: %w", err)
		}
	}
	return p.Schedule.check(&p.Cluster, p.Phases)
}

// GroupNames lists the consumer groups.
func (p *Plan) GroupNames() (names []string) {
	for _, g := range p.Groups {
		names = append(names, g.Name)
	}
	return names
}

// ShareNames lists the share groups.
func (p *Plan) ShareNames() (names []string) {
	for _, g := range p.Shares {
		names = append(names, g.Name)
	}
	return names
}

// members counts the members of all groups.
func (p *Plan) members() (sum int) {
	for _, g := range p.Groups {
		sum += min(max(g.Members, 0), clientsMax+1)
	}
	for _, g := range p.Shares {
		sum += min(max(g.Members, 0), clientsMax+1)
	}
	return sum
}

func (p Phases) check() error {
	for _, d := range []Duration{p.Calm, p.Faults, p.Heal, p.Read} {
		// Each is bounded before they are added: a sum of four must not overflow.
		if d < 0 || d.D() > runMax {
			return fmt.Errorf("phases: %s: allowed are 0 to %s", d, runMax)
		}
	}
	if p.End() == 0 || p.End().D() > runMax {
		return fmt.Errorf("phases: %s in all: allowed is more than 0 and at most %s", p.End(), runMax)
	}
	return nil
}

func (c *Cluster) check() error {
	if c.Nodes < 1 || c.Nodes > nodesMax {
		return fmt.Errorf("cluster.nodes %d: allowed are 1 to %d", c.Nodes, nodesMax)
	}
	if b := c.Buggify; b != nil {
		for _, point := range b.Points {
			if !slices.Contains(BuggifyPoints, point) {
				return fmt.Errorf("cluster.buggify: point %q: allowed are %s", point, strings.Join(BuggifyPoints, ", "))
			}
		}
		if !(b.Share > 0 && b.Share <= 1) {
			return fmt.Errorf("cluster.buggify: share %v: allowed is more than 0 and at most 1", b.Share)
		}
	}
	if c.Racks < 0 || c.Racks > c.Nodes {
		return fmt.Errorf("cluster.racks %d: allowed are 0 to %d, the number of nodes", c.Racks, c.Nodes)
	}
	if len(c.Topics) > topicsMax {
		return fmt.Errorf("cluster.topics: %d topics: allowed are %d", len(c.Topics), topicsMax)
	}
	for i, t := range c.Topics {
		if err := c.checkTopic(t); err != nil {
			return fmt.Errorf("cluster.topics[%d]: %w", i, err)
		}
		if c.topic(t.Name) != &c.Topics[i] {
			return fmt.Errorf("cluster.topics[%d]: %q is named twice", i, t.Name)
		}
	}
	return nil
}

func (c *Cluster) checkTopic(t Topic) error {
	switch {
	case !topicName.MatchString(t.Name):
		return fmt.Errorf("name %q: allowed are 1 to 249 of a-z, A-Z, 0-9, '.', '_' and '-', not beginning with '.'", t.Name)
	case t.Partitions < 1 || t.Partitions > partitionsMax:
		return fmt.Errorf("partitions %d: allowed are 1 to %d", t.Partitions, partitionsMax)
	case t.ReplicationFactor < 1 || t.ReplicationFactor > c.Nodes:
		return fmt.Errorf("replication_factor %d: allowed are 1 to %d, the number of nodes", t.ReplicationFactor, c.Nodes)
	}
	const key = "min.insync.replicas"
	value := c.setting(t, key, key, "1")
	if n, err := strconv.Atoi(value); err != nil || n < 1 || n > t.ReplicationFactor {
		return fmt.Errorf("%s %q: allowed are 1 to %d, the replication factor", key, value, t.ReplicationFactor)
	}
	return nil
}

func (p *Producer) check(c *Cluster) error {
	switch {
	case !slices.Contains([]string{"0", "1", "all"}, p.Acks):
		return fmt.Errorf(`acks %q: allowed are "0", "1", "all"`, p.Acks)
	case p.Idempotent && p.Acks != "all":
		return fmt.Errorf(`idempotent with acks %q: allowed is "all"`, p.Acks)
	case p.Linger < 0 || p.Linger.D() > time.Minute:
		return fmt.Errorf("linger %s: allowed are 0 to 1m", p.Linger)
	case p.BatchBytes < 1 || p.BatchBytes > batchBytesMax:
		return fmt.Errorf("batch_bytes %d: allowed are 1 to %d", p.BatchBytes, batchBytesMax)
	case !(p.RecordsPerSecond > 0 && p.RecordsPerSecond <= rateMax):
		return fmt.Errorf("records_per_second %v: allowed is more than 0 and at most %d", p.RecordsPerSecond, rateMax)
	case p.ValueBytes < valueBytesMin || p.ValueBytes > valueBytesMax:
		return fmt.Errorf("value_bytes %d: allowed are %d to %d", p.ValueBytes, valueBytesMin, valueBytesMax)
	case p.Keys < 0 || p.Keys > keysMax:
		return fmt.Errorf("keys %d: allowed are 0 to %d", p.Keys, keysMax)
	case p.MaxInFlight < 1 || p.MaxInFlight > inFlightMax:
		return fmt.Errorf("max_in_flight %d: allowed are 1 to %d", p.MaxInFlight, inFlightMax)
	case !slices.Contains(codecs, p.Compression):
		return fmt.Errorf("compression %q: allowed are none, gzip, snappy, lz4, zstd", p.Compression)
	case !(p.Tombstones >= 0 && p.Tombstones <= 1) || p.Tombstones > 0 && p.Keys == 0:
		return fmt.Errorf("tombstones %v: allowed is a share from 0 to 1, and more than 0 only with keys", p.Tombstones)
	}
	for _, name := range p.Topics {
		if t := c.topic(name); t != nil && c.compacts(*t) && p.Keys == 0 {
			return fmt.Errorf("keys 0: the compacted topic %s takes only records with a key", name)
		}
	}
	return c.checkTopics(p.Topics)
}

func (c *Consumer) check(cluster *Cluster) error {
	switch {
	case c.MaxBytes < 1 || c.MaxBytes > 1<<30:
		return fmt.Errorf("max_bytes %d: allowed are 1 to %d", c.MaxBytes, 1<<30)
	case c.MaxWait < 0 || c.MaxWait.D() > time.Minute:
		return fmt.Errorf("max_wait %s: allowed are 0 to 1m", c.MaxWait)
	case c.Pause < 0 || c.Pause.D() > time.Minute:
		return fmt.Errorf("pause %s: allowed are 0 to 1m", c.Pause)
	}
	if err := cluster.checkRack(c.Rack); err != nil {
		return err
	}
	return cluster.checkTopics(c.Topics)
}

func (d *Deleter) check(c *Cluster) error {
	if d.Every <= 0 || d.Every.D() > runMax {
		return fmt.Errorf("every %s: allowed is more than 0 and at most %s", d.Every, runMax)
	}
	for _, name := range d.Topics {
		if t := c.topic(name); t != nil && !c.deletes(*t) {
			return fmt.Errorf("topics: cleanup.policy of %s has no delete", name)
		}
	}
	return c.checkTopics(d.Topics)
}

// ConsumerProtocol is the protocol of KIP-848.
const ConsumerProtocol = "consumer"

func (g *Group) balancers() []string {
	if g.Protocol == ConsumerProtocol {
		return []string{"range", "uniform"}
	}
	return []string{"range", "cooperative-sticky"}
}

func (g *Group) check(c *Cluster) error {
	switch {
	case g.Name == "" || len(g.Name) > 100:
		return fmt.Errorf("name %q: allowed are 1 to 100 characters", g.Name)
	case g.Members < 1:
		return fmt.Errorf("members %d: allowed are 1 and above", g.Members)
	case g.Protocol != "" && g.Protocol != ConsumerProtocol:
		return fmt.Errorf("protocol %q: allowed are consumer, or none for classic", g.Protocol)
	case !slices.Contains(g.balancers(), g.Balancer):
		return fmt.Errorf("balancer %q: allowed are %s", g.Balancer, strings.Join(g.balancers(), ", "))
	case g.Session <= 0 || g.Session.D() > time.Hour:
		return fmt.Errorf("session %s: allowed is more than 0 and at most 1h", g.Session)
	case g.Stay < 0 || g.Away < 0 || g.Pause < 0 || g.Pause.D() > time.Minute:
		return fmt.Errorf("stay %s, away %s, pause %s: allowed are 0 and above, and a pause of 1m at most", g.Stay, g.Away, g.Pause)
	case !(g.Vanish >= 0 && g.Vanish <= 1) || !(g.Zombie >= 0 && g.Zombie <= 1):
		return fmt.Errorf("vanish %v, zombie %v: allowed are shares from 0 to 1", g.Vanish, g.Zombie)
	}
	return c.checkTopics(g.Topics)
}

func (c *Cluster) checkRack(rack int) error {
	if rack < 0 || rack > c.Racks {
		return fmt.Errorf("rack %d: allowed are 0 to %d, the number of racks", rack, c.Racks)
	}
	return nil
}

func (c *Cluster) checkTopics(names []string) error {
	if len(names) == 0 {
		return fmt.Errorf("topics: at least one is needed")
	}
	for _, name := range names {
		if c.topic(name) == nil {
			return fmt.Errorf("topics: the cluster has no topic %q", name)
		}
	}
	return nil
}
