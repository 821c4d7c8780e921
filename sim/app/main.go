package app

import (
	"context"
	"fmt"
	"os"
)

// Main runs the program as an instance and ends the process: with 0 when run returns nil or its time was up, else with 1.
func Main(run func(ctx context.Context, a *App) error) {
	a, until, err := enter()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	ctx, cancel := context.Background(), context.CancelFunc(func() {})
	if !until.IsZero() {
		ctx, cancel = context.WithDeadline(ctx, until)
	}
	err = run(ctx, a)
	ended := ctx.Err() != nil
	cancel()
	if err != nil && !ended {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}
