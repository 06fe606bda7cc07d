package xz_test

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"os"
	"testing"

	"kiln/internal/xz"
)

// branchFilters are xz's names of the filters that we have.
func branchFilters() []string {
	return []string{"x86", "powerpc", "ia64", "arm", "armthumb", "sparc", "arm64"}
}

// program is so many bytes of what the branch filters look for, in groups of 16.
func program(size int) []byte {
	r := rand.New(rand.NewPCG(4, 2))
	var b []byte
	for len(b) < size {
		var group [16]byte
		for i := range group {
			group[i] = byte(r.Uint32())
		}
		switch kind := r.IntN(8); kind {
		case 0, 1: // x86, crowded, so that its rules about neighbours matter
			for i := range group {
				group[i] = []byte{0xe8, 0xe9, 0x00, 0xff, 0xff, 0x00, group[i], group[i]}[r.IntN(8)]
			}
		case 2: // IA-64: a template with branches, then opcode and branch type
			group[0] = group[0]&^31 | 16 + byte(r.IntN(14))
			for slot := range 3 {
				bit := 5 + 41*slot
				setBits(group[:], bit+37, 4, 5)
				setBits(group[:], bit+9, 3, uint(r.IntN(2)))
			}
		default:
			for i := 0; i < 16; i += 4 {
				branchWord(group[i:], kind, r)
			}
		}
		b = append(b, group[:]...)
	}
	return b[:size]
}

func branchWord(b []byte, kind int, r *rand.Rand) {
	v := binary.LittleEndian.Uint32(b)
	switch kind {
	case 3: // ARM BL
		b[3] = 0xeb
	case 4: // ARM Thumb BL
		b[1], b[3] = b[1]&7|0xf0, b[3]&7|0xf8
	case 5: // PowerPC bl
		b[0], b[3] = b[0]&3|0x48, b[3]&^3|1
	case 6: // SPARC call
		binary.BigEndian.PutUint32(b, v&0x3fffff|[]uint32{0x40000000, 0x7fc00000}[r.IntN(2)])
	case 7: // ARM64 BL, ADRP near and far
		binary.LittleEndian.PutUint32(b, []uint32{v&0x3ffffff | 0x94000000, v&0x6007ffff | 0x90000000, v&0x6007ffff | 0x90e00000, v&0x60ffffff | 0x90000000}[r.IntN(4)])
	}
}

func setBits(b []byte, at, n int, v uint) {
	for i := range n {
		bit := byte(1) << ((at + i) % 8)
		b[(at+i)/8] &^= bit
		if v>>i&1 != 0 {
			b[(at+i)/8] |= bit
		}
	}
}

// TestBranches compares with what the xz tool made of the program.
func TestBranches(t *testing.T) {
	want := program(4099)
	for _, name := range branchFilters() {
		data, err := os.ReadFile("testdata/branches/" + name + ".xz")
		if err != nil {
			t.Fatal(err)
		}
		for way, decode := range ways() {
			got, err := decode(data, xz.Limits{})
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("%s, %s: got %v and %d bytes, which differ", name, way, err, len(got))
			}
		}
	}
}
