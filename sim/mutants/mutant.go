package mutants

import (
	"embed"
	"errors"
	"fmt"
	"path"
	"sort"
	"strings"
)

//go:embed known/*.mutant
var known embed.FS

// Mutant is a known bug, as changes to the source.
type Mutant struct {
	Name   string // of its file, without the extension
	Title  string
	Source string
	Lost   string
	Finds  []string // kinds of violation; empty: any
	Edits  []Edit
}

// Edit replaces Old, which stands in File exactly once, by New.
type Edit struct {
	File     string // relative to the module's root
	Old, New string
}

// ErrMalformed says that a mutant's file is not of the form that the package comment gives.
var ErrMalformed = errors.New("malformed mutant")

// Known returns every mutant of the catalogue, by name.
func Known() ([]Mutant, error) {
	entries, err := known.ReadDir("known")
	if err != nil {
		return nil, err
	}
	var all []Mutant
	for _, entry := range entries {
		text, err := known.ReadFile(path.Join("known", entry.Name()))
		if err != nil {
			return nil, err
		}
		mutant, err := Parse(strings.TrimSuffix(entry.Name(), ".mutant"), string(text))
		if err != nil {
			return nil, err
		}
		all = append(all, mutant)
	}
	sort.Slice(all, func(i, j int) bool { return all[i].Name < all[j].Name })
	return all, nil
}

// Parse reads a mutant's file.
func Parse(name, text string) (Mutant, error) {
	m := Mutant{Name: name}
	fields := map[string]*string{"title": &m.Title, "source": &m.Source, "lost": &m.Lost}
	lines := strings.Split(text, "\n")
	for i := 0; i < len(lines); i++ {
		line := strings.TrimSpace(lines[i])
		if line == "" {
			continue
		}
		key, value, ok := strings.Cut(line, ": ")
		switch {
		case !ok:
			return m, fmt.Errorf("%w: %s, line %d: %q", ErrMalformed, name, i+1, line)
		case fields[key] != nil:
			*fields[key] = value
		case key == "finds":
			if value != "any" {
				m.Finds = strings.Fields(strings.ReplaceAll(value, ",", " "))
			}
		case key == "file":
			edit, end, err := parseEdit(value, lines, i+1)
			if err != nil {
				return m, fmt.Errorf("%w: %s, line %d: %w", ErrMalformed, name, i+1, err)
			}
			m.Edits = append(m.Edits, edit)
			i = end
		default:
			return m, fmt.Errorf("%w: %s, line %d: unknown field %q (title, source, lost, finds, file)", ErrMalformed, name, i+1, key)
		}
	}
	if m.Title == "" || m.Source == "" || m.Lost == "" || len(m.Edits) == 0 {
		return m, fmt.Errorf("%w: %s: title, source, lost and at least one file are needed", ErrMalformed, name)
	}
	return m, nil
}

// parseEdit reads the block that starts at lines[start] and returns the index of its last line.
func parseEdit(file string, lines []string, start int) (Edit, int, error) {
	edit := Edit{File: file}
	if start >= len(lines) || lines[start] != "<<<<" {
		return edit, 0, errors.New("<<<< is expected after a file")
	}
	var block []string
	for i := start + 1; i < len(lines); i++ {
		switch {
		case lines[i] == "====" && edit.Old == "":
			edit.Old, block = strings.Join(block, "\n"), nil
		case lines[i] == ">>>>":
			edit.New = strings.Join(block, "\n")
			if edit.Old == "" || edit.Old == edit.New {
				return edit, 0, errors.New("the block changes nothing")
			}
			return edit, i, nil
		default:
			block = append(block, lines[i])
		}
	}
	return edit, 0, errors.New(">>>> is missing")
}
