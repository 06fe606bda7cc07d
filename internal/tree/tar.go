package tree

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"
	"time"
)

// xattrRecord is the prefix of the PAX records that carry extended attributes,
// as GNU tar, bsdtar and the container engines write and read them.
const xattrRecord = "SCHILY.xattr."

// TarWriter writes entries as a POSIX (PAX) tar stream. The same entries give
// the same bytes: ids are numbers only, there is no access or change time, PAX
// records appear only where ustar has no room and are sorted by name. Names have
// no leading "./"; directories end in a slash; the root is "./".
type TarWriter struct {
	tw *tar.Writer
	to io.Writer // where content goes: tw, without its ReadFrom
}

// copyBuffers are for contents on their way: a TarWriter may last for one small file.
var copyBuffers = sync.Pool{New: func() any { return new([64 << 10]byte) }}

// NewTarWriter returns a TarWriter to w.
func NewTarWriter(w io.Writer) *TarWriter {
	tw := tar.NewWriter(w)
	return &TarWriter{tw: tw, to: onlyWriter{tw}}
}

// Add writes e and, for a file that is no further hard link, its content out of
// c, which may be nil where no entry has content. When it returns, everything up
// to and including e's padding has gone to the underlying writer: between two
// calls the stream can be cut, as for the members of a Layer. Entries are written
// in the order of the calls; a hard link must follow its first name.
func (t *TarWriter) Add(e Entry, c Contents) error {
	if err := e.Check(); err != nil {
		return fmt.Errorf("cannot write the tar entry: %w", err)
	}
	h := tarHeader(&e)
	if err := t.tw.WriteHeader(h); err != nil {
		return fmt.Errorf("cannot write the tar header of %q: %w", e.Path, err)
	}
	if h.Size > 0 {
		if err := t.copyContent(&e, c); err != nil {
			return fmt.Errorf("cannot write the content of %q: %w", e.Path, err)
		}
	}
	if err := t.tw.Flush(); err != nil {
		return fmt.Errorf("cannot write the content of %q: %w", e.Path, err)
	}
	return nil
}

// WriteTarHead writes what stands before the content of the file e, as Add does.
func WriteTarHead(w io.Writer, e Entry) error {
	if err := e.Check(); err != nil {
		return fmt.Errorf("cannot write the tar entry: %w", err)
	}
	if err := tar.NewWriter(w).WriteHeader(tarHeader(&e)); err != nil {
		return fmt.Errorf("cannot write the tar header of %q: %w", e.Path, err)
	}
	return nil
}

// WriteTarBody writes the content of the file e with its padding, as Add does: what
// follows WriteTarHead.
func WriteTarBody(w io.Writer, e Entry, c Contents) error {
	t := &TarWriter{to: w}
	if err := t.copyContent(&e, c); err != nil {
		return fmt.Errorf("cannot write the content of %q: %w", e.Path, err)
	}
	const block = 512
	if _, err := w.Write(make([]byte, (block-e.Size%block)%block)); err != nil {
		return fmt.Errorf("cannot write the content of %q: %w", e.Path, err)
	}
	return nil
}

// Close writes the end-of-archive marker. It does not close the underlying writer.
func (t *TarWriter) Close() error {
	if err := t.tw.Close(); err != nil {
		return fmt.Errorf("cannot end the tar stream: %w", err)
	}
	return nil
}

// copyContent reads to the very end, where the reader gives its verdict.
func (t *TarWriter) copyContent(e *Entry, c Contents) error {
	if c == nil {
		return errors.New("no contents given")
	}
	r, err := c.OpenContent(e.Content)
	if err != nil {
		return err
	}
	defer r.Close()
	buf := copyBuffers.Get().(*[64 << 10]byte)
	defer copyBuffers.Put(buf)
	n, err := io.CopyBuffer(t.to, io.LimitReader(r, e.Size), buf[:])
	if err != nil {
		return err
	}
	if n != e.Size {
		return fmt.Errorf("%d bytes are there, %d expected: %w", n, e.Size, io.ErrUnexpectedEOF)
	}
	return atEnd(r, e.Size)
}

// atEnd checks that nothing follows the size bytes read from r, and that r
// verifies.
func atEnd(r io.Reader, size int64) error {
	var one [1]byte
	switch n, err := io.ReadFull(r, one[:]); {
	case n > 0:
		return fmt.Errorf("there is more than the %d bytes expected", size)
	case err != io.EOF:
		return err
	}
	return nil
}

// onlyWriter hides tar.Writer's ReadFrom, which would bypass the buffer.
type onlyWriter struct{ io.Writer }

func tarHeader(e *Entry) *tar.Header {
	h := &tar.Header{
		Format:   tar.FormatPAX,
		Name:     e.Path,
		Mode:     int64(e.Mode),
		Uid:      e.UID,
		Gid:      e.GID,
		ModTime:  time.Unix(int64(e.ModTime), 0),
		Devmajor: int64(e.Major),
		Devminor: int64(e.Minor),
	}
	switch e.Type {
	case File:
		h.Typeflag, h.Size = tar.TypeReg, e.Size
		if e.Hard {
			h.Typeflag, h.Size, h.Linkname = tar.TypeLink, 0, e.Link
		}
	case Dir:
		h.Typeflag, h.Name = tar.TypeDir, e.Path+"/"
	case Symlink:
		h.Typeflag, h.Linkname = tar.TypeSymlink, e.Link
	case CharDev:
		h.Typeflag = tar.TypeChar
	case BlockDev:
		h.Typeflag = tar.TypeBlock
	case Fifo:
		h.Typeflag = tar.TypeFifo
	}
	if !e.Hard {
		h.PAXRecords = xattrRecords(e.Xattrs)
	}
	return h
}

func xattrRecords(xattrs map[string]string) map[string]string {
	if len(xattrs) == 0 {
		return nil
	}
	records := make(map[string]string, len(xattrs))
	for name, value := range xattrs { // a map again: archive/tar sorts the records
		records[xattrRecord+name] = value
	}
	return records
}

func sortedKeys(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }
