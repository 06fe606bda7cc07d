package secrets

import (
	"bufio"
	"compress/flate"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"path"
)

// Signatures of .ZIP's records (PKWARE's APPNOTE 6.3.10, section 4.3).
const (
	zipLocal      = 0x04034b50
	zipDescriptor = 0x08074b50
	zipCentral    = 0x02014b50
	zipArchive    = 0x08064b50
	zipEnd        = 0x06054b50
	zip64End      = 0x06064b50
)

// zipFile is what a local header says.
type zipFile struct {
	name         string
	flags        uint16
	method       uint16
	size, packed uint64 // 0 where a descriptor behind the file says it
	wide         bool   // a descriptor has sizes of eight bytes
}

func (f *zipFile) encrypted() bool { return f.flags&1 != 0 }
func (f *zipFile) described() bool { return f.flags&8 != 0 }

// zip looks into an archive from its start to its end, by the header before each file:
// it need not be there as a whole.
func (u *unpacking) zip(inside string, r *bufio.Reader) error {
	for len(u.list) < MostFindings {
		f, err := nextZipFile(r)
		if f == nil || err != nil {
			return err
		}
		if u.members++; u.members > mostMembers {
			return fmt.Errorf("it has more than %d files", mostMembers)
		}
		if err := u.zipMember(inside+":"+path.Clean(f.name), f, r); err != nil {
			return err
		}
	}
	return nil
}

// nextZipFile reads a local header; nil where no file follows.
func nextZipFile(r *bufio.Reader) (*zipFile, error) {
	var b [30]byte
	if _, err := io.ReadFull(r, b[:4]); err != nil {
		return nil, err
	}
	switch sig := binary.LittleEndian.Uint32(b[:]); sig {
	case zipLocal:
	case zipCentral, zipArchive, zipEnd, zip64End:
		return nil, nil
	default:
		return nil, fmt.Errorf("a record begins with %08x", sig)
	}
	if _, err := io.ReadFull(r, b[4:]); err != nil {
		return nil, err
	}
	le := binary.LittleEndian
	f := &zipFile{flags: le.Uint16(b[6:]), method: le.Uint16(b[8:]), packed: uint64(le.Uint32(b[18:])), size: uint64(le.Uint32(b[22:]))}
	rest := make([]byte, int(le.Uint16(b[26:]))+int(le.Uint16(b[28:])))
	if _, err := io.ReadFull(r, rest); err != nil {
		return nil, err
	}
	f.name = string(rest[:le.Uint16(b[26:])])
	f.extra(rest[le.Uint16(b[26:]):])
	return f, nil
}

// extra reads the sizes of more than 32 bits (section 4.5.3).
func (f *zipFile) extra(b []byte) {
	for len(b) >= 4 {
		id, n := binary.LittleEndian.Uint16(b), int(binary.LittleEndian.Uint16(b[2:]))
		b = b[4:]
		if n > len(b) {
			return
		}
		if field := b[:n]; id == 1 {
			f.wide = true
			if f.size == 0xffffffff && len(field) >= 8 {
				f.size, field = binary.LittleEndian.Uint64(field), field[8:]
			}
			if f.packed == 0xffffffff && len(field) >= 8 {
				f.packed = binary.LittleEndian.Uint64(field)
			}
		}
		b = b[n:]
	}
}

// zipMember scans one file, and leaves r behind it.
func (u *unpacking) zipMember(inside string, f *zipFile, r *bufio.Reader) error {
	known := !f.described() || f.packed > 0
	if !known && (f.method != 8 || f.encrypted()) {
		return errors.New("the size of a file in it stands behind the file")
	}
	if !known { // deflate tells where it ends, and reads no byte beyond
		z := flate.NewReader(r)
		if err := u.deflated(inside, f, z); err != nil {
			return err
		}
		return skipDescriptor(r, f)
	}
	body := &io.LimitedReader{R: r, N: int64(min(f.packed, 1<<62))}
	var err error
	switch {
	case f.encrypted():
		u.pass(inside, "it is encrypted")
	case f.method == 0:
		err = u.member(inside, f.name, bufio.NewReader(limited{u, body}))
	case f.method == 8:
		err = u.deflated(inside, f, flate.NewReader(body))
	default:
		u.pass(inside, fmt.Sprintf("it is compressed by the method %d of zip, which kiln does not read", f.method))
	}
	if err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, body); err != nil {
		return err
	}
	if body.N > 0 {
		return io.ErrUnexpectedEOF
	}
	if f.described() {
		return skipDescriptor(r, f)
	}
	return nil
}

// deflated scans a file that is compressed, to its end.
func (u *unpacking) deflated(inside string, f *zipFile, z io.Reader) error {
	plain := bufio.NewReader(limited{u, z})
	if err := u.member(inside, f.name, plain); err != nil {
		return err
	}
	_, err := io.Copy(io.Discard, plain)
	return err
}

// skipDescriptor reads what stands behind a file whose sizes were not known before
// (section 4.3.9): a signature, which may be left out, checksum, sizes.
func skipDescriptor(r *bufio.Reader, f *zipFile) error {
	n := 12
	if f.wide {
		n = 20
	}
	if sig, err := r.Peek(4); err == nil && binary.LittleEndian.Uint32(sig) == zipDescriptor {
		n += 4
	}
	_, err := r.Discard(n)
	return err
}
