package record

import "testing"

func BenchmarkValidate(b *testing.B) {
	batch := build(b, NewBuilder(), sampleRecords(150))
	b.SetBytes(int64(len(batch)))
	b.ReportAllocs()
	for b.Loop() {
		if err := batch.Validate(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRecords(b *testing.B) {
	for _, c := range codecs {
		b.Run(c.name, func(b *testing.B) {
			builder := NewBuilder()
			builder.Codec, builder.Xerial = c.codec, c.xerial
			batch := build(b, builder, sampleRecords(150))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := collect(batch, 1<<20); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func TestValidateAllocatesNothing(t *testing.T) {
	batch := build(t, NewBuilder(), sampleRecords(100))
	if allocs := testing.AllocsPerRun(100, func() {
		if batch.Validate() != nil {
			t.Fatal("invalid")
		}
	}); allocs > 0 {
		t.Errorf("%v allocations", allocs)
	}
}
