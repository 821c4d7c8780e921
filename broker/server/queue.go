package server

// queue holds a connection's calls from when they are read until they are written, in the order of the requests.
// Invariant: bytes is the sum of the queued calls' unreleased frames and of the responses' memory; count their number.
type queue struct {
	head, tail *Call
	count      int
	bytes      int
}

func (q *queue) push(c *Call) {
	if q.tail == nil {
		q.head = c
	} else {
		q.tail.next = c
	}
	q.tail = c
	q.count++
	q.bytes += len(c.frame.Bytes)
}

// ready says whether the call at the head is answered.
func (q *queue) ready() bool { return q.head != nil && q.head.answered }

// take moves answered calls from the head to batch, within the bounds of what is written at a go. They count as queued
// until settle. Behind one that hangs up, none is taken.
func (q *queue) take(batch []*Call) []*Call {
	bytes := 0
	for q.ready() && len(batch) < gatherCallsMax && bytes < gatherBytesMax {
		c := q.head
		if q.head = c.next; q.head == nil {
			q.tail = nil
		}
		c.next = nil
		batch = append(batch, c)
		if c.hangUp != nil {
			break
		}
		if !c.response.IsZero() {
			bytes += c.response.Len()
		}
	}
	return batch
}

// small says whether what take would return can be sent by one call from the scratch, without a file that the kernel had better
// send and without a connection to end.
func (q *queue) small() bool {
	bytes, count := 0, 0
	for c := q.head; c != nil && c.answered && count < gatherCallsMax; c = c.next {
		if c.hangUp != nil || !c.response.IsZero() && c.response.SliceLenMax() >= sendfileBytesMin {
			return false
		}
		if !c.response.IsZero() {
			bytes += c.response.Len()
		}
		if count++; bytes > scratchBytes {
			return false
		}
	}
	return true
}

// settle takes the written calls off the count.
func (q *queue) settle(batch []*Call) {
	for _, c := range batch {
		q.count--
		if !c.response.IsZero() {
			q.bytes -= c.response.MemoryLen()
		}
	}
}

// hasRoom says whether a request of size bytes may be queued. An empty queue has room for any.
func (q *queue) hasRoom(size, countMax, bytesMax int) bool {
	return q.count == 0 || q.count < countMax && q.bytes+size <= bytesMax
}
