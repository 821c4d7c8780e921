package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// One acknowledged record, and a reader that sees it or sees nothing.
const (
	historyHead = `{"odradek_history":1,"run":"test","promises":{}}
{"t":1,"process":"p","type":"invoke","op":"send","id":1,"topic":"t","partition":0,"value":"a","acks":-1,"idempotent":true}
{"t":2,"process":"p","type":"ok","op":"send","id":1,"partition":0,"offset":0}
{"t":3,"process":"f","type":"invoke","op":"assign","id":1,"positions":[{"topic":"t","partition":0,"offset":0}],"final":true}
{"t":4,"process":"f","type":"ok","op":"assign","id":1}
{"t":5,"process":"f","type":"invoke","op":"offsets","id":2,"topic":"t","partition":0}
`
	historySeen = `{"t":6,"process":"f","type":"ok","op":"offsets","id":2,"start":0,"end":1}
{"t":7,"process":"f","type":"invoke","op":"poll","id":3}
{"t":8,"process":"f","type":"ok","op":"poll","id":3,"records":[{"topic":"t","partition":0,"offset":0,"values":["a"]}]}
`
	historyLost = `{"t":6,"process":"f","type":"ok","op":"offsets","id":2,"start":0,"end":0}
`
)

func TestCheckTellsByItsExitCode(t *testing.T) {
	for name, c := range map[string]struct {
		history string
		code    int
		last    string
	}{
		"pass": {historyHead + historySeen, 0, "verdict=pass operations=4 violations=0"},
		"fail": {historyHead + historyLost, 1, "verdict=fail operations=3 violations=1"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "history")
			if err := os.WriteFile(path, []byte(c.history), 0o644); err != nil {
				t.Fatal(err)
			}
			r := odradek(t, "", "check", path)
			if r.code != c.code || r.lastLine() != c.last {
				t.Errorf("exit code %d, last line %q, standard error %q", r.code, r.lastLine(), r.stderr)
			}
			if c.code == 1 && !strings.Contains(r.stdout, `"a" of p was acknowledged at offset 0`) {
				t.Errorf("it does not say what is wrong: %q", r.stdout)
			}
		})
	}
}

// Readers of two logs: porcupine has a page to show.
const twoLogs = `{"odradek_history":1,"run":"test","promises":{}}
{"t":1,"process":"p","type":"invoke","op":"send","id":1,"topic":"t","partition":0,"value":"a","acks":-1,"idempotent":true}
{"t":2,"process":"p","type":"invoke","op":"send","id":2,"topic":"t","partition":0,"value":"b","acks":-1,"idempotent":true}
{"t":3,"process":"c","type":"invoke","op":"assign","id":1,"positions":[{"topic":"t","partition":0,"offset":0}]}
{"t":4,"process":"c","type":"ok","op":"assign","id":1}
{"t":5,"process":"c","type":"invoke","op":"poll","id":2}
{"t":6,"process":"c","type":"ok","op":"poll","id":2,"records":[{"topic":"t","partition":0,"offset":0,"values":["a"]}]}
{"t":7,"process":"d","type":"invoke","op":"assign","id":1,"positions":[{"topic":"t","partition":0,"offset":0}]}
{"t":8,"process":"d","type":"ok","op":"assign","id":1}
{"t":9,"process":"d","type":"invoke","op":"poll","id":2}
{"t":10,"process":"d","type":"ok","op":"poll","id":2,"records":[{"topic":"t","partition":0,"offset":0,"values":["b"]}]}
`

func TestCheckWritesPorcupinesPage(t *testing.T) {
	for name, c := range map[string]struct {
		history string
		code    int
		page    bool
	}{
		"no order":          {twoLogs, 1, true},
		"all have an order": {historyHead + historySeen, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			path, page := filepath.Join(t.TempDir(), "history"), filepath.Join(t.TempDir(), "page.html")
			if err := os.WriteFile(path, []byte(c.history), 0o644); err != nil {
				t.Fatal(err)
			}
			r := odradek(t, "", "check", "--porcupine", page, path)
			if r.code != c.code {
				t.Errorf("exit code %d, standard output %q, standard error %q", r.code, r.stdout, r.stderr)
			}
			if _, err := os.Stat(page); (err == nil) != c.page {
				t.Errorf("the page: %v; standard output %q", err, r.stdout)
			}
		})
	}
}
