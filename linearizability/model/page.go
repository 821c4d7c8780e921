package model

import (
	"fmt"
	"io"

	"github.com/anishathalye/porcupine"

	"odradek/linearizability/history"
)

// Page writes porcupine's own page, a self-contained HTML document, of the first window of operations that no order explains: its
// operations over time, the longest orders that were found, and what did not fit. It says whether there is such a window; a history can be
// refused without one, when two operations alone exclude each other. Errors are w's.
func Page(w io.Writer, t *history.Table, p history.Promises, limits Limits) (written bool, err error) {
	c := &checker{table: t, promises: p, limits: limits.orDefaults()}
	for l := range c.logs() {
		windows := l.windows(c.limits.OpsMax, c.forks(l))
		for i := range windows {
			if result, info := windows[i].search(c.limits.Timeout); result == porcupine.Illegal {
				return true, porcupine.Visualize(c.described(l, &windows[i]), info, w)
			}
		}
	}
	return false, nil
}

// described is a window's model with words for the page.
func (c *checker) described(l *partitionLog, w *window) porcupine.Model {
	m := w.model()
	m.DescribeOperation = func(input, _ any) string { return c.words(input.(*op)) }
	m.DescribeState = func(s any) string { return fmt.Sprintf("%s ends at %d", l.name, s.(state).end) }
	return m
}
