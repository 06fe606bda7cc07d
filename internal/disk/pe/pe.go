// Package pe adds sections and signatures to programs that UEFI firmware starts: PE32+ images as of
// Microsoft's PE format, and Authenticode signatures as of its "Windows Authenticode Portable Executable Signature
// Format". So a unified kernel image is made of systemd's stub, and Secure Boot accepts it. Nothing here is
// random: RSA signatures of PKCS #1 v1.5 are a function of key and image.
package pe

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
)

const (
	sectionHeader  = 40
	maxSections    = 96
	maxImage       = 1 << 31 // bytes
	offsetPE       = 0x3c    // of the offset of the PE header
	coffSize       = 4 + 20  // the signature and the COFF header
	optionalPlus   = 0x20b
	certificateDir = 112 + 4*8 // in the optional header
	checksumOffset = 64        // in the optional header

	// What a section holds: initialised data, which is read.
	dataSection = 0x40000040
)

// Image is a program.
type Image struct {
	b        []byte // headers, up to SizeOfHeaders
	optional int    // offset of the optional header
	sections []section
	signed   []byte // the certificate table; may be empty
	digest   []byte // Digest, once it was asked for
}

type section struct {
	header [sectionHeader]byte
	data   []byte // as it stands in the file
}

func (s *section) name() string {
	return string(trimZeros(s.header[:8]))
}

func trimZeros(b []byte) []byte {
	if i := slices.Index(b, 0); i >= 0 {
		return b[:i]
	}
	return b
}

func (s *section) field(at int) uint32      { return binary.LittleEndian.Uint32(s.header[at:]) }
func (s *section) set(at int, v uint32)     { binary.LittleEndian.PutUint32(s.header[at:], v) }
func (s *section) size() uint32             { return s.field(8) }
func (s *section) address() uint32          { return s.field(12) }
func (img *Image) field(at int) uint32      { return binary.LittleEndian.Uint32(img.b[img.optional+at:]) }
func (img *Image) sectionAlignment() uint32 { return img.field(32) }
func (img *Image) fileAlignment() uint32    { return img.field(36) }
func (img *Image) sizeOfHeaders() uint32    { return img.field(60) }
func align(n, to uint32) uint32             { return (n + to - 1) / to * to }

// Parse reads a PE32+ image. What follows its sections, such as symbols, is left out.
func Parse(b []byte) (*Image, error) {
	img, err := parse(b)
	if err != nil {
		return nil, fmt.Errorf("cannot read the PE image: %w", err)
	}
	return img, nil
}

func parse(b []byte) (*Image, error) {
	if len(b) < offsetPE+4 || len(b) > maxImage || string(b[:2]) != "MZ" {
		return nil, errors.New("it does not begin as one")
	}
	at := int64(binary.LittleEndian.Uint32(b[offsetPE:]))
	if at+coffSize > int64(len(b)) || string(b[at:at+4]) != "PE\x00\x00" {
		return nil, errors.New("it has no PE header")
	}
	count := int64(binary.LittleEndian.Uint16(b[at+6:]))
	optionalSize := int64(binary.LittleEndian.Uint16(b[at+20:]))
	table := at + coffSize + optionalSize
	if optionalSize < certificateDir+8 || count > maxSections || table+count*sectionHeader > int64(len(b)) {
		return nil, errors.New("its headers are cut off, or too many")
	}
	img := &Image{optional: int(at + coffSize)}
	img.b = b
	if binary.LittleEndian.Uint16(b[img.optional:]) != optionalPlus || img.field(108) < 5 {
		return nil, errors.New("it is no PE32+ image with a place for signatures")
	}
	headers := int64(img.sizeOfHeaders())
	if headers < table+count*sectionHeader || headers > int64(len(b)) {
		return nil, fmt.Errorf("its headers have %d bytes", headers)
	}
	if f, s := img.fileAlignment(), img.sectionAlignment(); f < 512 || f&(f-1) != 0 || f > 1<<16 || s < f || s&(s-1) != 0 || s > 1<<24 {
		return nil, fmt.Errorf("its alignments are %d and %d", f, s)
	}
	for i := range count {
		s := section{header: [sectionHeader]byte(b[table+i*sectionHeader:])}
		first, size := int64(s.field(20)), int64(s.field(16))
		if first+size > int64(len(b)) || size > 0 && first < headers {
			return nil, fmt.Errorf("its section %q lies outside", s.name())
		}
		s.data = slices.Clone(b[first : first+size])
		img.sections = append(img.sections, s)
	}
	if !slices.IsSortedFunc(img.sections, func(x, y section) int { return cmp.Compare(x.address(), y.address()) }) {
		return nil, errors.New("its sections are not in order")
	}
	if first, size := int64(img.field(certificateDir)), int64(img.field(certificateDir+4)); size > 0 {
		if first+size > int64(len(b)) || first < headers {
			return nil, errors.New("its signature lies outside")
		}
		img.signed = slices.Clone(b[first : first+size])
	}
	img.b = slices.Clone(b[:headers])
	// The symbols, if there were any, are gone.
	clear(img.b[at+12 : at+20])
	return img, nil
}

// Machine is what the image runs on, as its header numbers it: 0x8664 of amd64, 0xaa64 of arm64.
func (img *Image) Machine() uint16 {
	return binary.LittleEndian.Uint16(img.b[img.optional-coffSize+4:])
}

// Sections are the names of the sections, in order.
func (img *Image) Sections() (names []string) {
	for i := range img.sections {
		names = append(names, img.sections[i].name())
	}
	return names
}

// Section returns what a section holds; nil where there is none of the name.
func (img *Image) Section(name string) []byte {
	for i := range img.sections {
		if s := &img.sections[i]; s.name() == name {
			return s.data[:min(int(s.size()), len(s.data))]
		}
	}
	return nil
}

// Add adds a section of data behind all others, which must not change from then on. Signatures are of the image as it
// was, and go.
func (img *Image) Add(name string, data []byte) error {
	switch {
	case name == "" || len(name) > 8:
		return fmt.Errorf("cannot add the section %q: want a name of 8 bytes at most", name)
	case img.Section(name) != nil || slices.Contains(img.Sections(), name):
		return fmt.Errorf("cannot add the section %q: there is one", name)
	case len(img.sections) == maxSections || int64(len(data)) > maxImage:
		return fmt.Errorf("cannot add the section %q: too much", name)
	}
	end := img.sizeOfHeaders()
	if len(img.sections) > 0 {
		last := &img.sections[len(img.sections)-1]
		end = last.address() + max(last.size(), uint32(len(last.data)))
	}
	s := section{data: data}
	copy(s.header[:], name)
	s.set(8, uint32(len(data)))
	s.set(12, align(end, img.sectionAlignment()))
	s.set(36, dataSection)
	if int64(s.address())+int64(len(data)) > maxImage {
		return fmt.Errorf("cannot add the section %q: the image is over %d bytes then", name, maxImage)
	}
	img.sections = append(img.sections, s)
	img.signed, img.digest = nil, nil
	return nil
}

// Bytes returns the image as a file.
func (img *Image) Bytes() ([]byte, error) {
	le := binary.LittleEndian
	table := img.optional + int(le.Uint16(img.b[img.optional-coffSize+20:]))
	need := uint32(table + len(img.sections)*sectionHeader)
	headers := align(max(need, img.sizeOfHeaders()), img.fileAlignment())
	if len(img.sections) > 0 && headers > img.sections[0].address() {
		return nil, fmt.Errorf("cannot write the PE image: no room for the headers of %d sections", len(img.sections))
	}
	size := uint64(headers) + uint64(len(img.signed))
	for i := range img.sections {
		size += uint64(align(uint32(len(img.sections[i].data)), img.fileAlignment()))
	}
	out := make([]byte, headers, size)
	copy(out, img.b[:table])
	le.PutUint16(out[img.optional-coffSize+6:], uint16(len(img.sections)))
	end := uint32(0)
	for i := range img.sections {
		s := &img.sections[i]
		raw := align(uint32(len(s.data)), img.fileAlignment())
		s.set(16, raw)
		s.set(20, uint32(len(out)))
		if raw == 0 {
			s.set(20, 0)
		}
		copy(out[table+i*sectionHeader:], s.header[:])
		out = append(append(out, s.data...), make([]byte, raw-uint32(len(s.data)))...)
		end = s.address() + max(s.size(), uint32(len(s.data)))
	}
	le.PutUint32(out[img.optional+56:], align(end, img.sectionAlignment()))
	le.PutUint32(out[img.optional+60:], headers)
	clear(out[img.optional+certificateDir : img.optional+certificateDir+8])
	if len(img.signed) > 0 {
		le.PutUint32(out[img.optional+certificateDir:], uint32(len(out)))
		le.PutUint32(out[img.optional+certificateDir+4:], uint32(len(img.signed)))
		out = append(out, img.signed...)
	}
	le.PutUint32(out[img.optional+checksumOffset:], 0)
	le.PutUint32(out[img.optional+checksumOffset:], checksum(out))
	return out, nil
}

// checksum is that of the optional header, over a file where it is zero: the sum of its words of 16 bits, with
// carries added again, and its size.
func checksum(b []byte) uint32 {
	size, sum := uint32(len(b)), uint64(0)
	for ; len(b) >= 8; b = b[8:] {
		v := binary.LittleEndian.Uint64(b)
		sum += v&0xffffffff + v>>32
	}
	for i, c := range b {
		sum += uint64(c) << (8 * (i & 1))
	}
	for sum > 0xffff {
		sum = sum&0xffff + sum>>16
	}
	return uint32(sum) + size
}
