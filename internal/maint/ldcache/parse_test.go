package ldcache_test

import (
	"encoding/binary"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kiln/internal/maint/ldcache"
)

// What Write writes, Parse reads, in the order that the dynamic linker needs.
func TestParse(t *testing.T) {
	want := []ldcache.Entry{{"libb.so.2", "/lib/libb.so.2", 0x303}, {"libb.so.2", "/usr/local/lib/libb.so.2", 0x303}, {"liba.so.1", "/lib/liba.so.1", 0x303}}
	for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		cache := ldcache.Write(want, "gen", order)
		got, ok := ldcache.Parse(cache)
		if diff := cmp.Diff(want, got); diff != "" || !ok {
			t.Errorf("%s: ok %v (-want +got):\n%s", order, ok, diff)
		}
		for n := range len(cache) - 40 {
			if got, ok := ldcache.Parse(cache[:n]); ok {
				t.Errorf("cut off after %d bytes it is %v", n, got)
			}
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(ldcache.Write([]ldcache.Entry{{"libb.so.2", "/lib/libb.so.2", 0x303}}, "gen", binary.LittleEndian))
	f.Fuzz(func(t *testing.T, cache []byte) {
		entries, ok := ldcache.Parse(cache)
		if !ok && entries != nil {
			t.Errorf("refused, and yet %v", entries)
		}
	})
}
