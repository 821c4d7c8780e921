package brokertest_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"odradek/broker/brokertest"
)

// TestStartWaitsForNoTimer starts clusters in a bubble, where time passes only when everybody waits for it: a broker alone does
// not, and the end of a cluster does not. (Three brokers form their quorum by raft's rules, which know pauses.)
func TestStartWaitsForNoTimer(t *testing.T) {
	for _, nodes := range []int{1, 3} {
		t.Run(fmt.Sprint(nodes), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				c, err := brokertest.New(brokertest.InMemory(), brokertest.Nodes(nodes), brokertest.Topic("t", 3))
				if err != nil {
					t.Fatal(err)
				}
				if waited := time.Since(began); waited > 0 && nodes == 1 {
					t.Errorf("starting waited for %v", waited)
				}
				ended := time.Now()
				if err := c.Close(); err != nil {
					t.Fatal(err)
				}
				if waited := time.Since(ended); waited > 0 {
					t.Errorf("closing waited for %v", waited)
				}
			})
		})
	}
}
