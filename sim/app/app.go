// Package app makes a universe's guest of anyone's Go program: several instances of it, beside a cluster that suffers a seed's faults,
// while they are killed and started again themselves. The program says what must hold, and the verdict is about that.
//
//	func main() { app.Main(run) }
//
//	func run(ctx context.Context, a *app.App) error {
//		if err := a.CreateTopic(ctx, "orders", 3); err != nil {
//			return err
//		}
//		client, err := kgo.NewClient(a.Options()...)
//		…
//		a.Always("no order is paid twice", !paid[id], id)
//		a.Sometimes("an order is retried", retries > 0)
//		a.Eventually(ctx, "every order is paid", func(ctx context.Context) (bool, string) { … })
//	}
//
// and
//
//	odradek sim --app ./myapp --seed 7
//	odradek sim --app ./myapp --seeds 1..200
//
// builds it for WebAssembly, runs it, and says in which seeds something did not hold. The same seed gives the same run to the bit.
// `--instances` says how many there are, `--app-arg` what they are given, `--shrink` and `--report` work as for any run.
//
// # What an instance lives through
//
// It starts when the cluster is up, and again each time that it was killed: it finds nothing in memory, and nothing on its disk, which
// it does not have. What it has to remember it keeps in topics. Its context ends when its time is up; it should return then, and may return
// before. An error, a panic or os.Exit is a violation: what a program can't bear of Kafka's errors is a bug of the program, since every
// one of them passes. Time, timers, goroutines, maps and math/rand are as in any Go program, and all decided by the seed.
//
// Topics are made with three replicas and min.insync.replicas=2, where there are so many nodes, and synced before they acknowledge:
// nothing that the cluster has acknowledged by acks=all is ever lost, so whatever gets lost was lost by the program.
//
// # Assertions
//
//	Always      false once is a violation.
//	Sometimes   has to be true in some run. A campaign in which it never was says so, and fails.
//	Eventually  has to become true when the faults are over: it is asked, again and again, from then until the end of the run.
//
// Instances are separate processes. What is to hold of all of them together one of them has to see in Kafka: the examples let the first
// one read what the others wrote.
//
// The examples are programs with a bug that universes find, and `--app-arg mended` runs each without it:
// examples/orders commits what it has read before it has done it, and examples/transform reads, transforms and writes without a
// transaction.
//
// Run by itself, outside of a universe, the same program takes `-bootstrap-server host:port`, and prints what does not hold.
package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// App is what an instance knows of its world.
type App struct {
	Instance  int      // of this process, counted from 1; it stays the same when the process is started again
	Instances int      // how many there are
	Args      []string // what --app-arg gave
	Seeds     []string // brokers to start from, host:port

	healed time.Time // when the last fault is over
	dial   func(ctx context.Context, network, address string) (net.Conn, error)
	tell   func(Line)
}

// Options are what a kgo.Client needs to live here: brokers to start from, how to dial them, and time limits that fit a cluster that
// is up again within seconds.
func (a *App) Options(more ...kgo.Opt) []kgo.Opt {
	return append([]kgo.Opt{
		kgo.SeedBrokers(a.Seeds...),
		kgo.Dialer(a.Dial),
		kgo.ClientID(fmt.Sprintf("app-%d", a.Instance)),
		kgo.RequestTimeoutOverhead(3 * time.Second),
		kgo.ProduceRequestTimeout(3 * time.Second),
		kgo.MetadataMinAge(100 * time.Millisecond),
		kgo.DisableClientMetrics(),
	}, more...)
}

// Dial makes a connection within the universe, for libraries that take a function to dial by.
func (a *App) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	return a.dial(ctx, network, address)
}

// CreateTopic makes a topic as safe as the cluster can, and waits for as long as ctx lives. That it exists is no error.
func (a *App) CreateTopic(ctx context.Context, name string, partitions int) error {
	client, err := kgo.NewClient(a.Options()...)
	if err != nil {
		return err
	}
	defer client.Close()
	for {
		_, err := kadm.NewClient(client).CreateTopic(ctx, int32(partitions), -1, nil, name)
		if err == nil || errors.Is(err, kerr.TopicAlreadyExists) {
			return nil
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("create topic %s: %w", name, err)
		}
	}
}

// Always says that ok must be true whenever it is asked. Details say more when it is not.
func (a *App) Always(name string, ok bool, details ...any) {
	line := Line{Kind: Always, Name: name, OK: ok}
	if !ok {
		line.Detail = fmt.Sprint(details...)
	}
	a.tell(line)
}

// Sometimes says that ok is worth being true in some run.
func (a *App) Sometimes(name string, ok bool) { a.tell(Line{Kind: Sometimes, Name: name, OK: ok}) }

// FaultsOver says that the last fault is over: from now on the cluster and the instances are well.
func (a *App) FaultsOver() bool { return !time.Now().Before(a.healed) }

// eventuallyPause is how long Eventually waits before it asks again.
const eventuallyPause = 200 * time.Millisecond

// Eventually waits until the faults are over and then asks until check is true or ctx ends, and says whether it was. What check says
// besides is told when it never is. A process that is killed while it waits has to ask again when it is started.
func (a *App) Eventually(ctx context.Context, name string, check func(context.Context) (ok bool, detail string)) bool {
	a.tell(Line{Kind: Eventually, Name: name})
	for wait := time.Until(a.healed); ; wait = eventuallyPause {
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return false
		}
		ok, detail := check(ctx)
		a.tell(Line{Kind: Eventually, Name: name, OK: ok, Detail: detail})
		if ok {
			return true
		}
	}
}
