package cleaner

import (
	"sort"

	"odradek/broker/record"
)

// abortedTxns are the aborted transactions that have records in the dirty part, or begin behind it: 16 bytes each.
//
// None reaches into the dirty part from before it: an earlier round ended before the first open transaction, or, if its map was
// full or the marker lay behind its end, has removed what it saw of the transaction, and what is left of it begins here.
type abortedTxns struct {
	open map[int64]int64 // producer id to the first offset of its transaction
	done map[int64][]aborted
}

type aborted struct{ first, last int64 }

// observe takes in the batches, in order.
func (a *abortedTxns) observe(batch record.Batch) error {
	if a.open == nil {
		a.open, a.done = map[int64]int64{}, map[int64][]aborted{}
	}
	id := batch.ProducerID()
	if !batch.IsControl() {
		if _, known := a.open[id]; batch.IsTransactional() && !known {
			a.open[id] = batch.BaseOffset()
		}
		return nil
	}
	marker, err := markerOf(batch)
	if err != nil || marker == nil {
		return err
	}
	if first, known := a.open[id]; known && marker.Type == record.ControlAbort {
		a.done[id] = append(a.done[id], aborted{first, batch.LastOffset()})
	}
	delete(a.open, id)
	return nil
}

// holds says that a batch is of an aborted transaction. No transactions (nil) hold none.
func (a *abortedTxns) holds(batch record.Batch) bool {
	if a == nil || !batch.IsTransactional() || batch.IsControl() {
		return false
	}
	txns := a.done[batch.ProducerID()]
	i := sort.Search(len(txns), func(i int) bool { return txns[i].last >= batch.LastOffset() })
	return i < len(txns) && txns[i].first <= batch.BaseOffset()
}

// discards says that nothing needs the batch's records: they were aborted, or it is the marker of a transaction of which
// nothing is left.
func (r *round) discards(batch record.Batch) (bool, error) {
	if !batch.IsTransactional() && !batch.IsControl() {
		return false, nil
	}
	id := batch.ProducerID()
	if !batch.IsControl() {
		r.open[id] = true
		return r.aborted.holds(batch), nil
	}
	if batch.NumRecords() == 0 {
		return true, nil // what an earlier round has left of a marker
	}
	marker, err := markerOf(batch)
	if err != nil || marker == nil {
		return false, err
	}
	had := r.open[id]
	delete(r.open, id)
	return !had, nil
}

func markerOf(batch record.Batch) (*record.Marker, error) {
	for each, err := range batch.Records(decompressedMax) {
		if err != nil {
			return nil, err
		}
		marker, ok, err := record.ParseMarker(each)
		if err != nil || !ok {
			return nil, err
		}
		return &marker, nil
	}
	return nil, nil
}
