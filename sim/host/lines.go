package host

import "bytes"

// maxLine bounds what is kept of a line that doesn't end.
const maxLine = 1 << 20

// lineWriter cuts what a guest writes into lines.
type lineWriter struct {
	pending []byte
	emit    func(line []byte)
}

func (w *lineWriter) write(p []byte) {
	for len(p) > 0 {
		end := bytes.IndexByte(p, '\n')
		if end < 0 {
			w.pending = append(w.pending, p...)
			if len(w.pending) > maxLine {
				w.flush()
			}
			return
		}
		if len(w.pending) > 0 {
			w.pending = append(w.pending, p[:end]...)
			w.flush()
		} else {
			w.emit(p[:end])
		}
		p = p[end+1:]
	}
}

// flush emits a line that has no end yet.
func (w *lineWriter) flush() {
	if len(w.pending) > 0 {
		line := w.pending
		w.pending = nil
		w.emit(line)
		w.pending = line[:0]
	}
}
