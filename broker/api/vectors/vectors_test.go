package vectors

import (
	"context"
	"flag"
	"net"
	"os"
	"path/filepath"
	"testing"
)

const directory = "../testdata/vectors"

var (
	record = flag.String("record", "", "`host:port` of a fresh reference cluster of one: record its answers")
	check  = flag.String("check", "", "`host:port` of a fresh cluster of one: compare its answers with the recordings")
)

var only = flag.String("only", "", "play, and record, the scripts whose names match this `regexp` only")

func dialer(address string) Dialer {
	return func(ctx context.Context) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "tcp", address)
	}
}

func TestRecord(t *testing.T) {
	if *record == "" {
		t.Skip("no -record address")
	}
	write := func(file string, content []byte) error {
		return os.WriteFile(filepath.Join(directory, file), content, 0o644)
	}
	err := Record(t.Context(), dialer(*record), *only, write)
	if err == nil {
		err = RecordKept(t.Context(), dialer(*record), *only, os.DirFS(directory), write)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestCheck(t *testing.T) {
	if *check == "" {
		t.Skip("no -check address")
	}
	report, err := Run(t.Context(), dialer(*check), os.DirFS(directory))
	for _, d := range report.Differences {
		t.Error(d)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d answers compared", report.Steps)
}
