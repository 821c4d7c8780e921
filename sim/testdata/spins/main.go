// Command spins is an app that never waits for anything.
package main

import "time"

func main() {
	for began := time.Now(); time.Since(began) >= 0; {
	}
}
