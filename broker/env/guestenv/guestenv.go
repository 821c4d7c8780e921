//go:build wasip1

// Package guestenv is the environment of a guest of the simulator: files by the system interface that Go's wasip1 port has
// anyway, and what that interface lacks by host functions of the simulator's own module, "odradek": connections that are
// dialed, listeners, their addresses, locks, and syncs that don't stop the whole guest.
//
// Names of files are relative to the node's root directory.
package guestenv

import "odradek/broker/env"

// New returns the node's environment. A process needs one.
func New() env.Env { return env.Env{Net: network{}, Disk: disk{}} }
