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
	var entries []Entry
	files := map[string]int{}
	err := WalkTar(r, false, func(e Entry, content io.Reader) (err error) {
		switch {
		case e.Hard:
			err = completeLink(&e, entries, files)
		case e.Type == File:
			e.Content, e.Size, err = keep(content)
		}
		if err != nil {
			return err
		}
		if e.Type == File {
			files[e.Path] = len(entries)
		}
		entries = append(entries, e)
		return nil
	})
	return entries, err
}

// WalkTar reads a tar stream as ReadTar does, and hands each entry to visit with
// the content behind it. Content, and of a further hard link all but its names, are
// not known yet and left empty; Size is what the header says. rooted takes names and
// targets of hard links that begin with slashes as counted from the tree's root:
// some tools write layers so.
func WalkTar(r io.Reader, rooted bool, visit func(e Entry, content io.Reader) error) error {
	tr := tar.NewReader(r)
	for n := 0; ; n++ {
		h, err := tr.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("cannot read the tar stream after %d entries: %w", n, err)
		}
		if rooted {
			h.Name = fromRoot(h.Name)
			if h.Typeflag == tar.TypeLink {
				h.Linkname = fromRoot(h.Linkname)
			}
		}
		e, err := readEntry(h)
		if err == nil {
			err = visit(e, tr)
		}
		if err != nil {
			return fmt.Errorf("cannot read the tar entry %q: %w", h.Name, err)
		}
	}
}

// fromRoot makes an absolute name one that counts from the root of the tree.
func fromRoot(name string) string {
	if !strings.HasPrefix(name, "/") {
		return name
	}
	return "./" + strings.TrimLeft(name, "/")
}

func hashContent(r io.Reader) (kiln.Digest, int64, error) {
	h := kiln.NewDigester()
	n, err := io.Copy(h, r)
	return h.Digest(), n, err
}

// readEntry turns one header into an Entry without content.
func readEntry(h *tar.Header) (Entry, error) {
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
		e.Type, e.Size = File, h.Size
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
