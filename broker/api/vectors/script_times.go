package vectors

import "fmt"

// listOffsetsByTime looks for times in a log whose times are not in order, in batches compressed and not, whole and after its beginning was deleted.
func listOffsetsByTime(p *player) {
	for _, codec := range []string{"", "gzip"} {
		name := "offsets-by-time" + codec
		p.make(name, 1)
		laters := []int64{100, 50, 200, 0, 200}
		for _, later := range laters {
			b := batch{records: 3, producer: -1, epoch: -1, sequence: -1, codec: codec, later: later}
			p.do("fill", 9, p.producing(-1, part{name, 0, b.bytes()}))
		}
		look := func(when string, start int64) {
			for _, v := range []int16{1, 11} {
				for _, later := range []int64{0, 3, 50, 53, 100, 103, 199, 203} {
					p.do(fmt.Sprintf("%s, time %d", when, later), v, listing(name, 0, recordTime+later))
				}
				if v >= 7 && start <= 8 { // beyond, the reference answers a record that is deleted
					p.do(when+", the largest time", v, listing(name, 0, -3))
				}
			}
		}
		look("whole"+codec, 0)
		for _, start := range []int64{1, 3, 7, 8, 14, 15} {
			p.do("delete", 2, deleting(deletion{name, 0, start}))
			look(fmt.Sprintf("from %d%s", start, codec), start)
		}
	}
}
