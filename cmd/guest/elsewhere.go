//go:build !wasip1

package main

import (
	"fmt"
	"os"
)

// Elsewhere than in a universe there is nothing that a guest could run on.
func main() {
	fmt.Fprintln(os.Stderr, "the guest runs in universes only: make build builds it with GOOS=wasip1 GOARCH=wasm, and bin/odradek sim runs it")
	os.Exit(2)
}
