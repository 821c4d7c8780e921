package vectors

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// Move is one request of a drawn sequence: what is asked, in which version, and which option of each of its dimensions was drawn.
// Moves name no ids: each side has its own members, producers and topic ids, and a move means the latest of them.
type Move struct {
	Kind    string
	Version int16
	With    []string
}

// String says it in a line.
func (m Move) String() string {
	return fmt.Sprintf("%s (%s)", m.Kind, strings.Join(m.With, ", "))
}

// Dimension is one thing that a move can be told, and the options there are; the first is the plainest.
type Dimension struct {
	Name    string
	Options []string
}

// Kind is a kind of moves.
type Kind struct {
	Name       string
	Key        kmsg.Key
	Dimensions []Dimension

	ask func(s *sequencer, version int16, with options)
}

// options are by dimension what was drawn.
type options map[string]string

// Kinds are all moves there are.
func Kinds() []Kind {
	return slices.Concat(dataMoves, topicMoves, configMoves, groupMoves, consumerMoves, shareMoves, transactionMoves)
}

// dims are dimensions from pairs of a name and its options.
func dims(pairs ...any) (all []Dimension) {
	for i := 0; i+1 < len(pairs); i += 2 {
		all = append(all, Dimension{pairs[i].(string), pairs[i+1].([]string)})
	}
	return all
}

// sequencer plays moves. Every sequence has topics, groups and transactional ids of its own, which begin with its name: "t0" has three
// partitions, "t1" is compacted and takes small batches only, "t2" is not there.
type sequencer struct {
	*player
	name      string
	said      string // of the move that is played
	classic   map[string]member
	consumers map[string]member
	producers map[string]*drawnProducer
	prompted  map[string]bool
	barriers  int
}

// member is who joined last, with its latest generation or epoch.
type member struct {
	id         string
	generation int32
}

// drawnProducer is a producer with the sequence that it would go on with, by partition.
type drawnProducer struct {
	transactor
	next map[place]int32
}

// Sequence plays moves against a broker that Prepared, and returns what was asked and answered. The name is not to be used twice on a cluster.
func Sequence(ctx context.Context, dial Dialer, name string, moves []Move) ([]Step, error) {
	byName := make(map[string]Kind)
	for _, k := range Kinds() {
		byName[k.Name] = k
	}
	return play(ctx, dial, script{name, func(p *player) {
		s := &sequencer{player: p, name: name, classic: map[string]member{}, consumers: map[string]member{}, producers: map[string]*drawnProducer{}, prompted: map[string]bool{}}
		s.furnish()
		for _, m := range moves {
			k, known := byName[m.Kind]
			if !known || len(m.With) != len(k.Dimensions) {
				p.err = fmt.Errorf("no such move: %v", m)
				return
			}
			with := make(options, len(m.With))
			for i, d := range k.Dimensions {
				with[d.Name] = m.With[i]
			}
			s.said = "drawn: " + m.String()
			k.ask(s, m.Version, with)
		}
	}})
}

// furnish makes what sequences begin with. It is no part of them.
func (s *sequencer) furnish() {
	const withoutConfigs = 4 // in the answer
	s.do("furnish", withoutConfigs, creation(
		topic(s.topic("t0"), 3, 1, "retention.ms", "-1"),
		topic(s.topic("t1"), 1, 1, "cleanup.policy", "compact", "max.message.bytes", "1000"),
		topic(s.topic("barrier"), 1, 1)))
	s.settle(s.topic("t0"), 3)
	s.settle(s.topic("t1"), 1)
	s.learn(s.topic("t0"))
	s.learn(s.topic("t1"))
	s.barrier()
	s.awaitProducerIDs()
}

// topic, group: names of this sequence.
func (s *sequencer) topic(name string) string {
	if name == "" || strings.HasPrefix(name, "__") {
		return name
	}
	return s.name + "-" + name
}

func (s *sequencer) group(name string) string { return s.topic(name) }

// ask asks what the move is about.
func (s *sequencer) ask(version int16, req kmsg.Request) kmsg.Response {
	return s.do(s.said, version, req)
}

// barrier waits until the node acts on all that was changed in the cluster's metadata before: two changes of its own are visible one after
// the other, and the reference is done with the first when it shows the second.
func (s *sequencer) barrier() {
	for range 2 {
		s.barriers++
		value := fmt.Sprint(1_000_000_000 + s.barriers)
		req := incrementally(kmsg.ConfigResourceTypeTopic, s.topic("barrier"), change{"retention.ms", setConfig, &value})
		req.Version = 1
		s.await("a barrier", func() (bool, error) {
			_, err := s.client.ask(req, req.Version)
			return err == nil, err
		})
		s.awaitConfig(s.topic("barrier"), "retention.ms", value)
	}
}

// Prepare makes a fresh cluster of one ready for sequences: its coordinators have loaded, and it is set as the reference sets itself.
func Prepare(ctx context.Context, dial Dialer) error {
	if err := prepare(ctx, dial); err != nil {
		return err
	}
	_, err := play(ctx, dial, script{"prepare", func(p *player) {
		p.make("prepare", 1)
		p.coordinated()
		for i := range 32 {
			p.transactor(fmt.Sprint("prepare-", i))
		}
	}})
	return err
}

// CompareSteps compares what two brokers answered to the same sequence, the second of which is the reference. The first difference comes first.
func CompareSteps(name string, got, want []Step) ([]Difference, error) {
	got, err := throughJSON(got)
	if err != nil {
		return nil, err
	}
	if want, err = throughJSON(want); err != nil {
		return nil, err
	}
	var all []Difference
	for i := range min(len(got), len(want)) {
		all = append(all, compareStep(name, got[i], want[i])...)
	}
	if len(got) != len(want) && len(all) == 0 {
		return nil, fmt.Errorf("%s: %d steps, the reference has %d", name, len(got), len(want))
	}
	return all, nil
}

// Versions asks which versions of each key a broker advertises.
func Versions(ctx context.Context, dial Dialer) (map[kmsg.Key][2]int16, error) {
	all := make(map[kmsg.Key][2]int16)
	_, err := play(ctx, dial, script{"versions", func(p *player) {
		resp, _ := p.do("versions", 0, kmsg.NewPtrApiVersionsRequest()).(*kmsg.ApiVersionsResponse)
		for _, k := range resp.ApiKeys {
			all[kmsg.Key(k.ApiKey)] = [2]int16{k.MinVersion, k.MaxVersion}
		}
	}})
	return all, err
}

// kept is a sequence with the reference's answers, as a file under keptDirectory of the vectors; the file's name is the sequence's.
type kept struct {
	Moves []Move
	Steps []Step
}

const keptDirectory = "drawn"

// Keep asks the reference a sequence once more, under a name that it keeps, and returns the file to write.
func Keep(ctx context.Context, reference Dialer, name string, moves []Move) (file string, content []byte, err error) {
	steps, err := Sequence(ctx, reference, name, moves)
	if err != nil {
		return "", nil, err
	}
	told, err := json.Marshal(moves)
	if err != nil {
		return "", nil, err
	}
	answers, err := linePerStep(steps)
	if err != nil {
		return "", nil, err
	}
	return path.Join(keptDirectory, name+".json"), fmt.Appendf(nil, "{\"Moves\":%s,\n\"Steps\":%s}\n", told, answers), nil
}

// RecordKept asks the reference the kept sequences whose names match the pattern only once more, and hands the recordings to write.
func RecordKept(ctx context.Context, dial Dialer, only string, files fs.FS, write func(file string, content []byte) error) error {
	wanted, err := regexp.Compile(only)
	if err != nil {
		return err
	}
	all, err := readKept(files)
	if err != nil {
		return err
	}
	if err := Prepare(ctx, dial); err != nil {
		return err
	}
	for name, k := range all {
		if !wanted.MatchString(name) {
			continue
		}
		file, content, err := Keep(ctx, dial, name, k.Moves)
		if err == nil {
			err = write(file, content)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// readKept returns the kept sequences by name.
func readKept(files fs.FS) (map[string]kept, error) {
	names, err := fs.Glob(files, keptDirectory+"/*.json")
	if err != nil {
		return nil, err
	}
	all := make(map[string]kept, len(names))
	for _, file := range names {
		content, err := fs.ReadFile(files, file)
		if err != nil {
			return nil, err
		}
		var k kept
		if err := json.Unmarshal(content, &k); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		all[strings.TrimSuffix(path.Base(file), ".json")] = k
	}
	return all, nil
}
