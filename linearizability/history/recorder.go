package history

// A Recorder writes one process's events: it counts the ids and reads the clock, under the lock that orders the lines. It is
// safe from any goroutine. The first error of writing stays with the Writer and comes back from every call after it.
type Recorder struct {
	w       *Writer
	process string
	now     func() int64
	ids     int64
	last    int64
}

// NewRecorder makes a recorder of a process. Now gives nanoseconds since the run began.
func NewRecorder(w *Writer, process string, now func() int64) *Recorder {
	return &Recorder{w: w, process: process, now: now}
}

// As makes a recorder of another process, with the same writer and clock: a client that starts over is another process.
func (r *Recorder) As(process string) *Recorder { return NewRecorder(r.w, process, r.now) }

// Process is whose events are written.
func (r *Recorder) Process() string { return r.process }

// Invoke writes an operation's beginning and gives its id. The process and id of e are set here. To keep the order of sends,
// call it, and hand the record to the client library, without another send of the process in between.
func (r *Recorder) Invoke(e Event) (id int64, err error) {
	r.w.mu.Lock()
	defer r.w.mu.Unlock()
	e.Type, e.ID = Invoke, r.ids+1
	if err := r.write(&e); err != nil {
		return 0, err
	}
	r.ids++
	return r.ids, nil
}

// Done writes an operation's end: e says Op, Type and the fields of that end.
func (r *Recorder) Done(id int64, e Event) error {
	r.w.mu.Lock()
	defer r.w.mu.Unlock()
	e.ID = id
	return r.write(&e)
}

// write runs under the writer's lock.
func (r *Recorder) write(e *Event) error {
	r.last = max(r.last, r.now()) // a real clock may step back
	e.Time, e.Process = r.last, r.process
	return r.w.write(e)
}
