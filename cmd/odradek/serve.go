package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/pprof"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"odradek/broker"
	"odradek/broker/config"
	"odradek/broker/env"
	"odradek/broker/env/osenv"
	"odradek/broker/env/slowenv"
)

// shutdownMax is how long a node tries to hand over its leaderships before it stops without.
const shutdownMax = 10 * time.Second

// serveOptions are the flags of `odradek serve`: short forms of configuration keys, which --set and --config take as well.
type serveOptions struct {
	data, listen, controllers, configFile string
	nodeID                                int32
	settings                              []string
	verbose                               bool
	cpuProfile                            string
	faultsOnStdin                         bool
}

func serveCommand() *cobra.Command {
	var o serveOptions
	command := &cobra.Command{
		Use:   "serve",
		Short: "Run a broker; with --data alone it is a whole cluster of one",
		Example: "  odradek serve --data /var/lib/odradek\n" +
			"  odradek serve --data d1 --node-id 1 --listen 127.0.0.1:19092 --controllers 1@127.0.0.1:19102,2@127.0.0.1:19103,3@127.0.0.1:19104",
		Args: cobra.NoArgs,
	}
	flags := command.Flags()
	flags.StringVar(&o.data, "data", "", "data directory (log.dirs); made when missing")
	flags.StringVar(&o.listen, "listen", "127.0.0.1:9092", "where clients and other brokers connect (listeners)")
	flags.Int32Var(&o.nodeID, "node-id", 1, "this node's number in the cluster (node.id)")
	flags.StringVar(&o.controllers, "controllers", "", "the metadata quorum's voters as ID@HOST:PORT,… (controller.quorum.voters); empty: this node alone")
	flags.StringVar(&o.configFile, "config", "", "a properties file with Kafka's keys; flags win over it")
	flags.StringArrayVar(&o.settings, "set", nil, "KEY=VALUE of a configuration key; may be repeated and wins over all else")
	flags.BoolVar(&o.verbose, "verbose", false, "log at debug level")
	flags.StringVar(&o.cpuProfile, "cpu-profile", "", "write to this file, until the broker stops, where it spends its time (for go tool pprof)")
	flags.BoolVar(&o.faultsOnStdin, "faults-on-stdin", false, "take the state of a slowed disk as lines of JSON on standard input (for odradek chaos)")
	if err := flags.MarkHidden("faults-on-stdin"); err != nil {
		panic(err)
	}
	command.RunE = func(command *cobra.Command, _ []string) error {
		static, warnings, err := o.load(command)
		if err != nil {
			return err
		}
		level := slog.LevelInfo
		if o.verbose {
			level = slog.LevelDebug
		}
		logger := slog.New(slog.NewTextHandler(command.ErrOrStderr(), &slog.HandlerOptions{Level: level}))
		for _, warning := range warnings {
			logger.Warn(warning)
		}
		world := osenv.New()
		if o.faultsOnStdin {
			world = slowed(world, command.InOrStdin(), logger)
		}
		return profiled(o.cpuProfile, func() error { return serve(command.Context(), world, static, logger) })
	}
	return command
}

// profiled runs fn and, when a file is named, writes its CPU profile.
func profiled(name string, fn func() error) error {
	if name == "" {
		return fn()
	}
	file, err := os.Create(name)
	if err != nil {
		return err
	}
	if err := pprof.StartCPUProfile(file); err != nil {
		return errors.Join(err, file.Close())
	}
	err = fn()
	pprof.StopCPUProfile()
	return errors.Join(err, file.Close())
}

// slowed is the world with a disk that does what the lines of JSON on in say.
func slowed(world env.Env, in io.Reader, logger *slog.Logger) env.Env {
	world, disk := slowenv.Wrap(world)
	go func() {
		for lines := json.NewDecoder(in); ; {
			var state slowenv.State
			if err := lines.Decode(&state); err != nil {
				if !errors.Is(err, io.EOF) {
					logger.Error("the faults on standard input can't be read", "error", err)
				}
				return
			}
			disk.Set(state)
		}
	}()
	return world
}

// load puts the file, the flags and --set together, the later over the earlier.
func (o serveOptions) load(command *cobra.Command) (*config.Static, []string, error) {
	var properties []config.Property
	if o.configFile != "" {
		text, err := os.ReadFile(o.configFile)
		if err != nil {
			return nil, nil, err
		}
		properties, err = config.ParseProperties(string(text))
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", o.configFile, err)
		}
		for i := range properties {
			properties[i].Origin = o.configFile + ": " + properties[i].Origin
		}
	}
	set := func(flag, key, value string) {
		if command.Flags().Changed(flag) || !hasKey(properties, key) {
			properties = append(properties, config.Property{Key: key, Value: value, Origin: "--" + flag})
		}
	}
	if o.data != "" {
		data, err := filepath.Abs(o.data)
		if err != nil {
			return nil, nil, err
		}
		set("data", "log.dirs", filepath.ToSlash(data))
	} else if !hasKey(properties, "log.dirs") && !hasKey(properties, "log.dir") {
		return nil, nil, fmt.Errorf("--data DIR is needed, or log.dirs in the file of --config")
	}
	set("node-id", "node.id", fmt.Sprint(o.nodeID))
	set("listen", "listeners", "PLAINTEXT://"+o.listen)
	if o.controllers != "" {
		set("controllers", "controller.quorum.voters", o.controllers)
		if !hasKey(properties, "process.roles") && !strings.Contains(","+o.controllers, fmt.Sprintf(",%d@", o.nodeID)) {
			properties = append(properties, config.Property{Key: "process.roles", Value: "broker", Origin: "--controllers"})
		}
	}
	for _, each := range o.settings {
		key, value, ok := strings.Cut(each, "=")
		if !ok {
			return nil, nil, fmt.Errorf("--set %q: KEY=VALUE is expected", each)
		}
		properties = append(properties, config.Property{Key: key, Value: value, Origin: "--set"})
	}
	return config.Load(properties)
}

func hasKey(properties []config.Property, key string) bool {
	for _, p := range properties {
		if p.Key == key {
			return true
		}
	}
	return false
}

// serve runs until ctx ends, then stops in good order, or until the broker fails.
func serve(ctx context.Context, world env.Env, static *config.Static, logger *slog.Logger) error {
	failed := make(chan error, 1) // the first failure ends the process; later ones are of no interest
	b, err := broker.Start(broker.Options{
		Env: world, Static: static, Logger: logger,
		OnFailure: func(err error) {
			select {
			case failed <- err:
			default:
			}
		},
	})
	if err != nil {
		return err
	}
	logger.Info("listening", "addresses", b.Addresses())
	for ready := b.Ready(); ; {
		select {
		case <-ready:
			logger.Info("serving", "addresses", b.Addresses()) // from here on clients find leaders here: scripts wait for this line
			ready = nil
			continue
		case err := <-failed:
			return fmt.Errorf("the broker can't go on: %w", err)
		case <-ctx.Done():
		}
		break
	}
	logger.Info("stopping")
	limited, cancel := context.WithTimeout(context.Background(), shutdownMax)
	defer cancel()
	return b.Shutdown(limited)
}
