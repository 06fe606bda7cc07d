package pack

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"strings"
)

// block is what a tar is made of, in bytes.
const block = 512

// readTar lists a tar of size bytes. What a tar has between its files must be as any
// program writes it: checksums of headers, zeros of padding and end. So that a bit
// that is flipped there is found, too.
func (l *layout) readTar(size int64) error {
	r := tar.NewReader(l.file)
	for end := int64(0); ; {
		h, err := r.Next()
		if err == io.EOF {
			return l.zeros(end, size)
		}
		if err != nil {
			return notTar(err, end)
		}
		at, err := l.file.Seek(0, io.SeekCurrent) // the reader takes whole headers and no more
		if err != nil {
			return err
		}
		if err := l.checkSum(at-block, h.Name); err != nil {
			return err
		}
		data := extent{at, h.Size}
		if h.Size > size-at { // no sum of the two: that may be more than there is
			return fmt.Errorf("it is cut off in %q, which has %d bytes", shorten(h.Name), h.Size)
		}
		if end = at + (h.Size+block-1)/block*block; end > size {
			return fmt.Errorf("it is cut off in %q, after byte %d", shorten(h.Name), size)
		}
		if err := l.zeros(at+h.Size, end); err != nil {
			return err
		}
		if err := l.addHeader(h, data); err != nil {
			return err
		}
	}
}

func notTar(err error, end int64) error {
	switch {
	case end == 0 && errors.Is(err, tar.ErrHeader):
		return errors.New("it is no tar of an image layout")
	case errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("it is cut off after byte %d", end)
	}
	return fmt.Errorf("its tar is damaged after byte %d: %w", end, err)
}

func (l *layout) addHeader(h *tar.Header, data extent) error {
	name := strings.TrimPrefix(h.Name, "./")
	switch {
	case h.Typeflag == tar.TypeDir && (name == "" || name == blobsFolder+"/" || name == blobFolder+"/"):
		return nil
	case h.Typeflag != tar.TypeReg || sparse(h):
		return fmt.Errorf("it holds %q, which is no part of a pack", shorten(h.Name))
	}
	return l.add(name, data)
}

// sparse tells whether a file has less in the tar than it has: a few bytes of one can
// claim to be exabytes.
func sparse(h *tar.Header) bool {
	for record := range h.PAXRecords {
		if strings.HasPrefix(record, "GNU.sparse.") {
			return true
		}
	}
	return false
}

// checkSum looks at the one part of the header at offset that its checksum does not
// cover: the checksum, which is written in more than one way.
func (l *layout) checkSum(offset int64, name string) error {
	const from, to = 148, 156
	var b [block]byte
	if _, err := l.file.ReadAt(b[:], offset); err != nil {
		return err
	}
	sum := 0
	for i, c := range b {
		if i >= from && i < to {
			c = ' '
		}
		sum += int(c)
	}
	if got := string(b[from:to]); got != fmt.Sprintf("%06o\x00 ", sum) {
		return fmt.Errorf("its tar is damaged: the header of %q has the checksum %q", shorten(name), got)
	}
	return nil
}

// zeros tells whether the file is zero from one offset up to another.
func (l *layout) zeros(from, to int64) error {
	buf := make([]byte, 64<<10)
	for at := from; at < to; {
		n, err := l.file.ReadAt(buf[:min(int64(len(buf)), to-at)], at)
		for i, c := range buf[:n] {
			if c != 0 {
				return fmt.Errorf("its tar is damaged: byte %d is not zero", at+int64(i))
			}
		}
		if err != nil && (err != io.EOF || n == 0) {
			return fmt.Errorf("it is cut off after byte %d", at)
		}
		at += int64(n)
	}
	return nil
}
