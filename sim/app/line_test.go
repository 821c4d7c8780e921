package app

import (
	"context"
	"strings"
	"testing"
	"time"
)

// What is told of an assertion comes back; what a program prints is its own.
func TestLines(t *testing.T) {
	want := Line{Kind: Always, Name: "no \"order\"\nis lost", Detail: "\x00"}
	if got, ok := ParseLine(AppendLine(nil, want)); !ok || got != want {
		t.Errorf("%+v, %v", got, ok)
	}
	for _, text := range []string{"", "hello", linePrefix, linePrefix + "{}", linePrefix + `{"kind":"never"}`, " " + linePrefix + `{"kind":"always"}`} {
		if _, ok := ParseLine([]byte(text)); ok {
			t.Errorf("%q is taken for an assertion", text)
		}
	}
}

// Eventually waits for the faults to be over, asks until it is so, and gives up with its context.
func TestEventually(t *testing.T) {
	var told []Line
	a := &App{healed: time.Now().Add(20 * time.Millisecond), tell: func(l Line) { told = append(told, l) }}
	asked := 0
	ok := a.Eventually(t.Context(), "done", func(context.Context) (bool, string) {
		asked++
		return a.FaultsOver() && asked == 2, "not yet"
	})
	if !ok || asked != 2 || len(told) != 3 || told[0].OK || told[1].OK || told[1].Detail != "not yet" || !told[2].OK {
		t.Errorf("%v after %d times: %+v", ok, asked, told)
	}
	ctx, cancel := context.WithCancel(t.Context())
	if a.Eventually(ctx, "never", func(context.Context) (bool, string) { cancel(); return false, "" }) {
		t.Error("it is true after the end")
	}
	a.Always("sound", false, "because of ", 7)
	if last := told[len(told)-1]; last.Detail != "because of 7" || !strings.HasPrefix(last.Kind, "always") {
		t.Errorf("%+v", last)
	}
}
