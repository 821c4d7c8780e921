package main

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"odradek/sim"
)

// results is the file in which a campaign keeps its outcomes, so that it can go on, and be put together with others.
type results struct {
	file  *os.File
	known []sim.Record
	err   error // the first of writing
}

// openResults opens the file, or begins it. One of another guest, length or app is refused.
func (o *simOptions) openResults() (*results, error) {
	if o.resultsFile == "" {
		return &results{}, nil
	}
	header := sim.ResultsHeader{Version: sim.ResultsVersion, For: o.length.String(), Standard: o.standard}
	if o.app.source != "" {
		header.App = fmt.Sprint(o.app.source, " ", o.app.instances, " ", o.app.args)
	}
	var err error
	if header.Guest, err = o.guestSum(); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(o.resultsFile, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	r := &results{file: file}
	before, known, whole, err := sim.ReadResults(file)
	switch {
	case err == nil && whole == 0:
		r.write(header)
	case err == nil && before != header:
		err = fmt.Errorf("%s is of another campaign: guest %s, %s, standard %t, app %q; this one has guest %s, %s, standard %t, app %q",
			o.resultsFile, before.Guest, before.For, before.Standard, before.App, header.Guest, header.For, header.Standard, header.App)
	case err == nil:
		r.known = known
		if err = file.Truncate(whole); err == nil {
			_, err = file.Seek(whole, io.SeekStart)
		}
	}
	if err = errors.Join(err, r.err); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return r, nil
}

// guestSum tells one build of the guest from another.
func (o *simOptions) guestSum() (string, error) {
	name := o.guestFile
	if name == "" {
		self, err := os.Executable()
		if err != nil {
			return "", err
		}
		name = filepath.Join(filepath.Dir(self), "odradek.wasm")
	}
	file, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer file.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, file); err != nil {
		return "", err
	}
	return fmt.Sprintf("%x", sum.Sum(nil)[:8]), nil
}

func (r *results) write(line any) {
	if r.file == nil || r.err != nil {
		return
	}
	_, r.err = r.file.Write(sim.AppendResult(nil, line))
}

func (r *results) close() error {
	if r.file == nil {
		return nil
	}
	return errors.Join(r.err, r.file.Close())
}

// merge puts results files together and says what they come to.
func (o *simOptions) merge(command *cobra.Command) error {
	var all []sim.Record
	var first sim.ResultsHeader
	for i, name := range o.mergeFiles {
		file, err := os.Open(name)
		if err != nil {
			return err
		}
		header, records, _, err := sim.ReadResults(file)
		if err = errors.Join(err, file.Close()); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if i == 0 {
			first = header
		}
		if header != first {
			return fmt.Errorf("%s is of another campaign than %s: %+v, %+v", name, o.mergeFiles[0], header, first)
		}
		all = append(all, records...)
	}
	tally, different := sim.Merge(all)
	out := command.OutOrStdout()
	for _, seed := range different {
		fmt.Fprintf(out, "seed=%d was not the same wherever it was run\n", seed)
	}
	return o.conclude(out, tally, len(different) > 0)
}
