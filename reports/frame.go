package reports

import (
	"embed"
	"html/template"
	"io/fs"
	"strings"
)

//go:embed frame universe measurement
var files embed.FS

// frame is what every kind of page has around its own: the head, the styles, and one script.
type frame struct {
	Tab    string // the name of the browser's tab
	Style  template.CSS
	Script template.JS
}

// newFrame puts together the styles and scripts of the frame and of a kind of page, each in the order of their names.
func newFrame(kind, tab string) (frame, error) {
	style, err := joined("frame/*.css", kind+"/*.css")
	if err != nil {
		return frame{}, err
	}
	script, err := joined(kind+"/*.js", "frame/*.js")
	// In a function, the scripts leave no name behind.
	return frame{tab, template.CSS(style), template.JS("(() => {\n\"use strict\";\n" + script + "})();\n")}, err
}

func joined(patterns ...string) (string, error) {
	var all strings.Builder
	for _, pattern := range patterns {
		names, err := fs.Glob(files, pattern)
		if err != nil {
			return "", err
		}
		for _, name := range names {
			text, err := fs.ReadFile(files, name)
			if err != nil {
				return "", err
			}
			all.Write(text)
		}
	}
	return all.String(), nil
}

// framed is the template of a kind of page.
func framed(kind string, functions template.FuncMap) *template.Template {
	return template.Must(template.New("page.html").Funcs(functions).ParseFS(files, "frame/*.html", kind+"/page.html"))
}
