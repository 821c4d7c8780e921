// Package e2e holds the tests that run real clusters of real processes against clients that others wrote. They need more
// than Go (kcat, a few hundred megabytes of input, minutes), so they have a build tag and a target of their own: make e2e.
package e2e
