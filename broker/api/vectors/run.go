package vectors

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"reflect"
	"regexp"
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Step is one request of a script and its answer, as recorded. Response is nil when the broker closed the connection.
type Step struct {
	Name     string
	Key      int16
	Version  int16
	Request  any
	Response any
}

// Report is what a comparison brought.
type Report struct {
	Steps       int // whose answers were compared
	Differences []Difference
}

// Record plays the scripts whose names match the pattern only against the reference and hands the recordings to write, a file a
// script.
func Record(ctx context.Context, dial Dialer, only string, write func(file string, content []byte) error) error {
	wanted, err := regexp.Compile(only)
	if err != nil {
		return err
	}
	for _, s := range scripts {
		if !wanted.MatchString(s.name) {
			continue
		}
		steps, err := play(ctx, dial, s)
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		content, err := linePerStep(steps)
		if err != nil {
			return err
		}
		if err := write(s.name+".json", content); err != nil {
			return err
		}
	}
	return nil
}

// linePerStep is JSON that can be read and searched by line.
func linePerStep(steps []Step) ([]byte, error) {
	lines := make([][]byte, len(steps))
	for i, step := range steps {
		line, err := json.Marshal(step)
		if err != nil {
			return nil, err
		}
		lines[i] = line
	}
	return slices.Concat([]byte("[\n"), bytes.Join(lines, []byte(",\n")), []byte("\n]\n")), nil
}

// Run plays every script against a broker and compares its answers with the recordings in files (testdata/vectors). The broker
// must be a fresh cluster of one, node 1, that is ready to lead, with min.insync.replicas=1 in its properties and everything else as it is by
// default. An error says that the comparison could not be made; differences are in the report.
func Run(ctx context.Context, dial Dialer, files fs.FS) (Report, error) {
	var report Report
	if err := prepare(ctx, dial); err != nil {
		return report, err
	}
	for _, s := range scripts {
		content, err := fs.ReadFile(files, s.name+".json")
		if err != nil {
			return report, err
		}
		var want []Step
		if err := json.Unmarshal(content, &want); err != nil {
			return report, fmt.Errorf("%s: %w", s.name, err)
		}
		steps, playErr := play(ctx, dial, s)
		got, err := throughJSON(steps)
		if err != nil {
			return report, err
		}
		// What came before a failure is compared too: it often says why.
		for i := range min(len(got), len(want)) {
			report.Steps++
			report.Differences = append(report.Differences, compareStep(s.name, got[i], want[i])...)
		}
		switch {
		case playErr != nil:
			return report, fmt.Errorf("%s, after %d steps: %w", s.name, len(steps), playErr)
		case len(got) != len(want):
			return report, fmt.Errorf("%s: %d steps, recorded are %d: record again", s.name, len(got), len(want))
		}
	}
	return report, runKept(ctx, dial, files, &report)
}

// runKept plays the drawn sequences that were kept.
func runKept(ctx context.Context, dial Dialer, files fs.FS, report *Report) error {
	all, err := readKept(files)
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		steps, err := Sequence(ctx, dial, name, all[name].Moves)
		if err != nil {
			return fmt.Errorf("%s, after %d steps: %w", name, len(steps), err)
		}
		differences, err := CompareSteps(name, steps, all[name].Steps)
		if err != nil {
			return err
		}
		report.Steps += len(steps)
		report.Differences = append(report.Differences, differences...)
	}
	return nil
}

// prepare sets, for all brokers, what the reference sets by itself where eligible leader replicas are on (KIP-966).
func prepare(ctx context.Context, dial Dialer) error {
	conn, err := dial(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	req := incrementally(kmsg.ConfigResourceTypeBroker, "", change{"min.insync.replicas", setConfig, text("1")})
	req.Version = 1
	resp, err := newClient(conn).ask(req, req.Version)
	if err != nil {
		return err
	}
	return kerr.ErrorForCode(resp.(*kmsg.IncrementalAlterConfigsResponse).Resources[0].ErrorCode)
}

func compareStep(script string, got, want Step) []Difference {
	c := &compare{script: script, step: fmt.Sprintf("%s v%d", want.Name, want.Version)}
	if got.Name != want.Name || got.Key != want.Key || got.Version != want.Version {
		c.differ("step", got.Name, want.Name)
		return c.differences
	}
	// The requests are held together too, so that a comparison of answers to different questions is noticed.
	if !reflect.DeepEqual(got.Request, want.Request) {
		c.values("request", "request", got.Request, want.Request)
	}
	api := kmsg.NameForKey(want.Key) + qualifier(want)
	c.values(api, api, got.Response, want.Response)
	return c.differences
}

// qualifier tells descriptions of brokers from those of topics, as exceptions differ.
func qualifier(s Step) string {
	if request, _ := s.Request.(map[string]any); s.Key == int16(kmsg.DescribeConfigs) {
		resources, _ := request["Resources"].([]any)
		for _, r := range resources {
			switch r.(map[string]any)["ResourceType"] {
			case float64(kmsg.ConfigResourceTypeBroker):
				return "(broker)"
			case float64(kmsg.ConfigResourceTypeGroupConfig):
				return "(group)"
			}
		}
	}
	return ""
}

func throughJSON(steps []Step) (again []Step, err error) {
	content, err := json.Marshal(steps)
	if err != nil {
		return nil, err
	}
	return again, json.Unmarshal(content, &again)
}

// player runs one script, over a connection that it makes anew when the broker closes it.
type player struct {
	ctx     context.Context
	dial    Dialer
	client  *client
	symbols symbols
	steps   []Step
	err     error // the first thing that kept the script from going on
}

func play(ctx context.Context, dial Dialer, s script) ([]Step, error) {
	p := &player{ctx: ctx, dial: dial, symbols: symbols{}}
	s.run(p)
	if p.client != nil {
		p.client.conn.Close()
	}
	return p.steps, p.err
}

// do asks one question in one version and notes the answer, which is nil when there is none.
func (p *player) do(name string, version int16, req kmsg.Request) kmsg.Response {
	return p.doAs(name, version, version, req)
}

// doAs is do for an answer in another version than the question's.
func (p *player) doAs(name string, version, answerVersion int16, req kmsg.Request) kmsg.Response {
	if p.err != nil {
		return nil
	}
	if p.client == nil {
		conn, err := p.dial(p.ctx)
		if err != nil {
			p.err = err
			return nil
		}
		p.client = newClient(conn)
	}
	req.SetVersion(version)
	request := p.symbols.tree(req)
	resp, err := p.client.ask(req, answerVersion)
	if err != nil {
		p.client.conn.Close()
		p.client = nil
		if !errors.Is(err, errClosed) {
			p.err = fmt.Errorf("%s v%d: %w", name, version, err)
			return nil
		}
	}
	step := Step{Name: name, Key: req.Key(), Version: version, Request: request}
	if resp != nil {
		p.symbols.learnFrom(resp)
		step.Response = p.symbols.tree(resp)
	}
	p.steps = append(p.steps, step)
	return resp
}

// id is a topic's id, as learned; unknown names have one that no topic has.
func (p *player) id(topic string) [16]byte {
	for id, name := range p.symbols {
		if name == topic {
			return id
		}
	}
	return [16]byte{0xde, 0xad, 1}
}
