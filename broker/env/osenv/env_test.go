//go:build unix || windows

package osenv

import (
	"errors"
	"testing"

	"odradek/broker/env/envtest"
)

func TestEnv(t *testing.T) {
	world := envtest.World{Env: New(), Dir: t.TempDir(), Host: "127.0.0.1", HangingAddress: hangingAddress(t)}
	for _, c := range envtest.Cases() {
		t.Run(c.Name, func(t *testing.T) {
			if err := c.Run(world); errors.Is(err, envtest.ErrLeftOut) {
				t.Skip(err)
			} else if err != nil {
				t.Error(err)
			}
		})
	}
}
