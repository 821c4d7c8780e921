//go:build wasip1

// Command testguest is what the simulator's own tests run in a universe: small programs, named by the first argument, that
// use goroutines, timers, select, files and connections as a broker does, and tell on standard output what they saw.
package main

import (
	"fmt"
	"os"
	"time"

	"odradek/broker/env/guestenv"
)

// world is the node's environment.
var world = guestenv.New()

var programs = map[string]func(args []string) error{
	"server":  server,
	"client":  client,
	"journal": journal,
	"dial":    dialOnce,
	"hold":    hold,
	"clocks":  clocks,
	"calls":   calls,
	"suite":   suite,
	"syncs":   syncs,
	"wait":    wait,
	"spin": func([]string) error {
		for start := time.Now(); time.Since(start) < time.Hour; {
		}
		return nil
	},
	"hang": func([]string) error {
		for i := 0; ; i++ {
		}
	},
	"panic": func([]string) error { panic("as asked") },
	"exit": func([]string) error {
		os.Exit(3)
		return nil
	},
}

func main() {
	program := programs[os.Args[1]]
	if program == nil {
		fmt.Fprintln(os.Stderr, "no program", os.Args[1])
		os.Exit(64)
	}
	if err := program(os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// say prints a line with the time since the program began.
func say(format string, args ...any) {
	fmt.Printf(format+"\n", args...)
}
