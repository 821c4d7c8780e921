package bench

import (
	"embed"
	"fmt"
	"io/fs"
	"strings"
)

//go:embed presets/*.json
var presetFiles embed.FS

// Presets are the names of the workloads that come with the program.
func Presets() []string {
	files, err := fs.Glob(presetFiles, "presets/*.json")
	if err != nil {
		panic(err) // the pattern is wrong
	}
	for i, file := range files {
		files[i] = strings.TrimSuffix(strings.TrimPrefix(file, "presets/"), ".json")
	}
	return files
}

// Preset is one of them.
func Preset(name string) (Workload, error) {
	text, err := presetFiles.ReadFile("presets/" + name + ".json")
	if err != nil {
		return Workload{}, fmt.Errorf("no workload is named %q; there are %s, or give a file", name, strings.Join(Presets(), ", "))
	}
	w, err := ParseWorkload(text)
	w.Name = name
	return w, err
}
