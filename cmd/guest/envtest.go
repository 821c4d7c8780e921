//go:build wasip1

package main

import (
	"errors"
	"fmt"

	"odradek/broker/env"
	"odradek/broker/env/envtest"
)

// testEnv runs the suite that every environment passes, in this one.
func testEnv(world env.Env) error {
	failed := 0
	envtest.RunAll(envtest.World{Env: world, Dir: "/envtest", Host: "127.0.0.1", HangingAddress: "10.0.0.99:9"}, func(name string, err error) {
		switch {
		case errors.Is(err, envtest.ErrLeftOut):
			fmt.Printf("left out %s: %v\n", name, err)
		case err != nil:
			failed++
			fmt.Printf("FAIL %s: %v\n", name, err)
		default:
			fmt.Printf("ok %s\n", name)
		}
	})
	if failed > 0 {
		return fmt.Errorf("%d cases failed", failed)
	}
	return nil
}
