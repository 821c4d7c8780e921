package buggify_test

import (
	"testing"

	"odradek/broker/env/buggify"
	"odradek/chaos"
)

// A real build has no bugs of its own making, and plans know every point by its name.
func TestPointsAreOffAndKnownToPlans(t *testing.T) {
	points := buggify.Points()
	if len(points) != len(chaos.BuggifyPoints) {
		t.Fatalf("%v here, %v in plans", points, chaos.BuggifyPoints)
	}
	for i, p := range points {
		if buggify.Fires(p) {
			t.Errorf("%s fires", p)
		}
		if string(p) != chaos.BuggifyPoints[i] {
			t.Errorf("%s is %s in plans", p, chaos.BuggifyPoints[i])
		}
	}
}
