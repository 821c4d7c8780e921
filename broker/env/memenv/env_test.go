package memenv_test

import (
	"testing"
	"testing/synctest"

	"odradek/broker/env/envtest"
	"odradek/broker/env/memenv"
)

func TestEnv(t *testing.T) {
	for _, c := range envtest.Cases() {
		t.Run(c.Name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				network := memenv.NewNet()
				network.Hang("elsewhere:1", true)
				world := envtest.World{Dir: "suite", Host: "node", HangingAddress: "elsewhere:1"}
				world.Net, world.Disk = network, memenv.NewDisk()
				if err := c.Run(world); err != nil {
					t.Error(err)
				}
			})
		})
	}
}
