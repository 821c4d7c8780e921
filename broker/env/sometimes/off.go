//go:build !wasip1

package sometimes

// Reached does nothing: this is a real build.
func Reached(Probe) {}
