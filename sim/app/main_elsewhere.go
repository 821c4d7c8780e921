//go:build !wasip1

package app

import (
	"flag"
	"fmt"
	"net"
	"os"
	"strings"
	"time"
)

// enter takes the program's own command line, on a real machine and against a real cluster: it is the only instance, there are no
// faults to wait for, and its time has no end.
func enter() (a *App, until time.Time, err error) {
	servers := flag.String("bootstrap-server", "127.0.0.1:9092", "brokers to start from, host:port, separated by commas")
	flag.Parse()
	return &App{
		Instance: 1, Instances: 1, Args: flag.Args(), Seeds: strings.Split(*servers, ","), healed: time.Now(),
		dial: (&net.Dialer{}).DialContext,
		tell: func(line Line) {
			if !line.OK && line.Kind != Sometimes {
				fmt.Fprintf(os.Stderr, "%s: %s: %s\n", line.Kind, line.Name, line.Detail)
			}
		},
	}, until, nil
}
