// Command goclients tries the Go clients that others wrote against a cluster: sarama and kafka-go. It prints a line a subject, `ok
// WHAT` or `not ok WHAT@@reason`.
//
//	goclients sarama|kafka-go BOOTSTRAP
package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"
)

const patience = 30 * time.Second

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: goclients sarama|kafka-go BOOTSTRAP")
		os.Exit(2)
	}
	servers := strings.Split(os.Args[2], ",")
	switch os.Args[1] {
	case "sarama":
		trySarama(servers)
	case "kafka-go":
		tryKafkaGo(servers)
	default:
		fmt.Fprintln(os.Stderr, "goclients: no client is named", os.Args[1])
		os.Exit(2)
	}
}

// check runs fn and reports how it ended.
func check(what string, fn func(ctx context.Context) error) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
	defer cancel()
	if err := fn(ctx); err != nil {
		fmt.Printf("not ok %s@@%s\n", what, strings.Join(strings.Fields(err.Error()), " "))
		return
	}
	fmt.Println("ok", what)
}

// eventually tries fn until it has no error: what one broker was told the others learn a little later.
func eventually(fn func() error) error {
	for end := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		if err := fn(); err == nil || time.Now().After(end) {
			return err
		}
	}
}

// fresh is a name that nobody used before.
func fresh(name string) string {
	random := make([]byte, 4)
	rand.Read(random)
	return name + "-" + hex.EncodeToString(random)
}

func values(n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprintf("%06d-xxxxxxxxxxxxx", i)
	}
	return all
}

// same compares what came with what was sent, in any order.
func same(got, want []string) error {
	got, want = slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(want))
	if !slices.Equal(got, want) {
		return fmt.Errorf("%d values came, %d were sent, or they differ: %.60q, %.60q", len(got), len(want), got, want)
	}
	return nil
}
