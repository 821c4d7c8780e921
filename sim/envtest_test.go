package sim

import (
	"strings"
	"testing"

	"odradek/sim/clock"
	"odradek/sim/guest"
	"odradek/sim/host"
)

// The suite that the real kernel passes, run by a guest: that its cases pass here too is what lets a universe stand for a machine.
func TestSimulatedKernelPassesEnvtest(t *testing.T) {
	config := host.DefaultConfig(1, program(t))
	var passed, failed, leftOut []string
	config.OnStdout = func(_ *host.Node, _ clock.Time, line []byte) {
		switch text := string(line); {
		case strings.HasPrefix(text, "ok "):
			passed = append(passed, text)
		case strings.HasPrefix(text, "left out "):
			leftOut = append(leftOut, text)
		default:
			failed = append(failed, text)
		}
	}
	config.OnStderr = func(_ *host.Node, _ clock.Time, line []byte) { t.Logf("%s", line) }
	ended := host.Exit{}
	config.OnExit = func(_ *host.Node, exit host.Exit) { ended = exit }
	u := host.New(config)
	defer u.Close()
	n, err := u.AddNode(host.NodeConfig{Name: "node", IP: "10.0.0.1", Args: guest.Task{Role: guest.RoleEnvTest, Name: "node"}.Args()})
	if err != nil {
		t.Fatal(err)
	}
	// A machine without power: what is sent to it is never answered, as the suite's hanging address must be.
	silent, err := u.AddNode(host.NodeConfig{Name: "silent", IP: "10.0.0.99"})
	if err != nil {
		t.Fatal(err)
	}
	silent.PowerLoss()
	if err := n.Start(); err != nil {
		t.Fatal(err)
	}
	if err := u.Run(clock.Time(seconds(300))); err != nil {
		t.Fatal(err)
	}
	for _, text := range failed {
		t.Error(text)
	}
	for _, text := range leftOut {
		t.Log(text)
	}
	if ended.Reason != host.Exited || ended.Code != 0 {
		t.Errorf("the suite's process %s", ended)
	}
	if len(passed) < envtestCasesMin {
		t.Errorf("%d cases passed; there are more", len(passed))
	}
}

// envtestCasesMin guards against a suite that ends early in silence.
const envtestCasesMin = 40
