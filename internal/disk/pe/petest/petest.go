// Package petest makes programs of UEFI firmware for tests: small ones, which do nothing.
package petest

import (
	"encoding/binary"

	"kiln/internal/disk/pe"
)

// Program is the least PE32+ image, for a machine as its header numbers it: headers and one section.
func Program(machine uint16) []byte {
	le := binary.LittleEndian
	b := make([]byte, 0x600)
	copy(b, "MZ")
	le.PutUint32(b[0x3c:], 0x80)
	copy(b[0x80:], "PE\x00\x00")
	le.PutUint16(b[0x84:], machine)
	le.PutUint16(b[0x86:], 1)
	le.PutUint32(b[0x8c:], 0x500) // symbols, which go
	le.PutUint16(b[0x94:], 112+16*8)
	o := b[0x98:]
	le.PutUint16(o, 0x20b)
	le.PutUint32(o[32:], 0x1000)
	le.PutUint32(o[36:], 0x200)
	le.PutUint32(o[56:], 0x2000)
	le.PutUint32(o[60:], 0x200)
	le.PutUint16(o[68:], 10)
	le.PutUint32(o[108:], 16)
	s := b[0x98+112+16*8:]
	copy(s, ".text")
	le.PutUint32(s[8:], 0x123)
	le.PutUint32(s[12:], 0x1000)
	le.PutUint32(s[16:], 0x200)
	le.PutUint32(s[20:], 0x200)
	le.PutUint32(s[36:], 0x60000020)
	copy(b[0x200:], "code")
	return b
}

// Systemd is Program, with what systemd's programs say of themselves: name is systemd-stub, systemd-boot or systemd-addon.
func Systemd(machine uint16, name string) []byte {
	img, err := pe.Parse(Program(machine))
	if err != nil {
		panic(err)
	}
	for _, s := range [][2]string{{".sbat", "sbat,1,SBAT Version,sbat,1,\n" + name + ",1,The systemd Developers,systemd,257,\n"}, {".sdmagic", "#### LoaderInfo: " + name + " 257 ####"}} {
		if err := img.Add(s[0], []byte(s[1])); err != nil {
			panic(err)
		}
	}
	b, err := img.Bytes()
	if err != nil {
		panic(err)
	}
	return b
}
