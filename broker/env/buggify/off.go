//go:build !wasip1

package buggify

// Fires is false: this is a real build.
func Fires(Point) bool { return false }
