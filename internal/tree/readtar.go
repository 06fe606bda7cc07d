package tree

import (
	"archive/tar"
	"fmt"
	"io"
	"strings"

	"kiln"
)

// ReadTar reads a tar stream in any of the usual dialects, up to its end marker,
// and returns its entries in the order of the stream. keep is given the content of each
// file and returns its digest and size; nil means that content is only hashed.
// Names of owners, access and change times, and fractions of a second are
// dropped. A hard link must follow the file that it names. Sparse files are
// refused: a few bytes of them can claim to be exabytes.
func ReadTar(r io.Reader, keep func(io.Reader) (kiln.Digest, int64, error)) ([]Entry, error) {
	if keep == nil {
		keep = hashContent
	}
	tr := tar.NewReader(r)
	var entries []Entry
	files := map[string]int{}
	for {
		h, err := tr.Next()
		if err == io.EOF {
			return entries, nil
		}
		if err != nil {
			return nil, fmt.Errorf("cannot read the tar stream after %d entries: %w", len(entries), err)
		}
		e, err := readEntry(tr, h, keep)
		if err == nil && e.Hard {
			err = completeLink(&e, entries, files)
		}
		if err != nil {
			return nil, fmt.Errorf("cannot read the tar entry %q: %w", h.Name, err)
		}
		if e.Type == File {
			files[e.Path] = len(entries)
		}
		entries = append(entries, e)
	}
}

func hashContent(r io.Reader) (kiln.Digest, int64, error) {
	h := kiln.NewDigester()
	n, err := io.Copy(h, r)
	return h.Digest(), n, err
}

// readEntry turns one header, and the content behind it, into an Entry.
func readEntry(r io.Reader, h *tar.Header, keep func(io.Reader) (kiln.Digest, int64, error)) (Entry, error) {
	p, err := CleanPath(h.Name)
	if err != nil {
		return Entry{}, err
	}
	if isSparse(h) {
		return Entry{}, fmt.Errorf("it is a sparse file")
	}
	e := Entry{
		Path: p, Mode: uint32(h.Mode) & maxMode, UID: h.Uid, GID: h.Gid,
		ModTime: kiln.Epoch(h.ModTime.Unix()), Xattrs: xattrsOf(h),
	}
	switch h.Typeflag {
	case tar.TypeReg:
		e.Type = File
		e.Content, e.Size, err = keep(r)
	case tar.TypeLink:
		e.Type, e.Hard = File, true
		e.Link, err = CleanPath(h.Linkname)
	case tar.TypeDir:
		e.Type = Dir
	case tar.TypeSymlink:
		e.Type, e.Link = Symlink, h.Linkname
	case tar.TypeChar:
		e.Type, e.Major, e.Minor = CharDev, uint32(h.Devmajor), uint32(h.Devminor)
	case tar.TypeBlock:
		e.Type, e.Major, e.Minor = BlockDev, uint32(h.Devmajor), uint32(h.Devminor)
	case tar.TypeFifo:
		e.Type = Fifo
	default:
		err = fmt.Errorf("unknown type of tar entry %q", h.Typeflag)
	}
	return e, err
}

// completeLink gives a further hard link what its header leaves out.
func completeLink(e *Entry, entries []Entry, files map[string]int) error {
	i, ok := files[e.Link]
	if !ok {
		return fmt.Errorf("its hard link target %q is no earlier file", e.Link)
	}
	path, first := e.Path, entries[i].Path
	if entries[i].Hard {
		first = entries[i].Link
	}
	*e = entries[i]
	e.Path, e.Link, e.Hard = path, first, true
	return nil
}

func xattrsOf(h *tar.Header) map[string]string {
	var xattrs map[string]string
	for record, value := range h.PAXRecords { // into a map again
		if name, ok := strings.CutPrefix(record, xattrRecord); ok {
			if xattrs == nil {
				xattrs = map[string]string{}
			}
			xattrs[name] = value
		}
	}
	return xattrs
}

// isSparse knows the GNU format's own type and the records of its PAX form.
func isSparse(h *tar.Header) bool {
	for record := range h.PAXRecords {
		if strings.HasPrefix(record, "GNU.sparse.") {
			return true
		}
	}
	return h.Typeflag == tar.TypeGNUSparse
}
