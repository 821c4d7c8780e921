package main

import (
	"bufio"
	"errors"
	"os"
	"regexp"
	"strings"

	"odradek/reports"
)

// writeMeasurement writes the page of a measurement to a file.
func writeMeasurement(name string, m reports.Measurement) (err error) {
	file, err := os.Create(name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	out := bufio.NewWriter(file)
	if err := reports.WriteMeasurement(out, m); err != nil {
		return err
	}
	return out.Flush()
}

// plainWord is what a shell takes as it is.
var plainWord = regexp.MustCompile(`^[-A-Za-z0-9_.,:/=@%+]+$`)

// commandLine is what a shell takes for these arguments.
func commandLine(arguments []string) string {
	words := make([]string, len(arguments))
	for i, each := range arguments {
		if words[i] = each; !plainWord.MatchString(each) {
			words[i] = "'" + strings.ReplaceAll(each, "'", `'\''`) + "'"
		}
	}
	return strings.Join(words, " ")
}
