package rootfs

import (
	"archive/tar"
	"crypto/md5"
	"errors"
	"fmt"
	"io"

	"kiln"
	"kiln/internal/deb"
	"kiln/internal/store"
	"kiln/internal/tree"
)

// maxEntries bounds the memory that a hostile archive can ask for. The largest
// package of Debian 13 has about 100,000.
const maxEntries = 1 << 20

// maxNames bounds it further: the paths, link targets and extended attributes of
// all entries together, in bytes.
const maxNames = 256 << 20

// maxTime is the last second of the year 9999, behind which a time has no form in
// the image's documents (RFC 3339).
const maxTime kiln.Epoch = 253402300799

// unpackDeb decodes a .deb whose digest was checked with so many workers, and
// puts its content into the store.
func unpackDeb(st *store.Store, r io.ReaderAt, size int64, workers int) (*index, error) {
	archive, err := deb.Open(r, size)
	if err != nil {
		return nil, err
	}
	control, err := archive.Control()
	if err != nil {
		return nil, err
	}
	ix := &index{Control: control.Paragraph.String(), Conffiles: control.Conffiles, BuiltAt: archive.BuiltAt()}
	if err := checkTime(ix.BuiltAt); err != nil {
		return nil, refused("the .deb: %v", err)
	}
	data, err := archive.Data(deb.Limits{Workers: workers})
	if err != nil {
		return nil, err
	}
	defer data.Close()
	if err := ix.readData(st, control.Files, data); err != nil {
		return nil, err
	}
	return ix, ix.inspect(st)
}

func parseControl(text string) (*deb.Paragraph, error) {
	return deb.NewTextReader([]byte(text)).Next()
}

// readData fills the entries and makes the content blob.
func (ix *index) readData(st *store.Store, control []deb.ControlFile, data io.Reader) error {
	w, err := st.Create()
	if err != nil {
		return err
	}
	defer w.Discard()
	d := &dataReader{ix: ix, out: w, seen: map[string]int{}, buf: make([]byte, 64<<10)}
	if err := d.control(control); err != nil {
		return err
	}
	if err := d.read(tar.NewReader(data)); err != nil {
		return err
	}
	// The verdict on the compressed stream comes at its very end only.
	if _, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, data, d.buf); err != nil {
		return err
	}
	ix.Content, _, err = w.Commit("")
	return err
}

// dataReader reads a data archive that may have been made to do harm.
type dataReader struct {
	ix     *index
	out    io.Writer
	offset int64
	names  int64          // bytes that count towards maxNames
	seen   map[string]int // path to its place among the entries
	buf    []byte
}

// control puts the members of the control archive first.
func (d *dataReader) control(files []deb.ControlFile) error {
	for _, f := range files {
		n, err := d.out.Write(f.Content)
		if err != nil {
			return err
		}
		d.ix.Files = append(d.ix.Files, controlFile{Name: f.Name, Mode: f.Mode, Size: int64(n), Offset: d.offset, Digest: kiln.DigestOf(f.Content)})
		d.offset += int64(n)
	}
	return nil
}

func (d *dataReader) read(r *tar.Reader) error {
	for {
		h, err := r.Next()
		if err == io.EOF {
			return nil
		}
		if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, deb.ErrTruncated) {
			return fmt.Errorf("the data archive after %d entries: %w", len(d.ix.Entries), err)
		}
		if err != nil {
			return fmt.Errorf("cannot read the data archive after %d entries: %w", len(d.ix.Entries), err)
		}
		if len(d.ix.Entries) == maxEntries {
			return refused("the data archive has more than %d entries", maxEntries)
		}
		if err := d.count(h); err != nil {
			return err
		}
		p, err := d.entry(r, h)
		if err != nil {
			return err
		}
		d.seen[p.Path] = len(d.ix.Entries)
		d.ix.Entries = append(d.ix.Entries, p)
		d.ix.Newest = max(d.ix.Newest, p.ModTime)
	}
}

// count adds up what an entry keeps in memory apart from its fixed fields.
func (d *dataReader) count(h *tar.Header) error {
	d.names += int64(len(h.Name) + len(h.Linkname))
	for record, value := range h.PAXRecords { // only to add up
		d.names += int64(len(record) + len(value))
	}
	if d.names > maxNames {
		return refused("the names and extended attributes of the data archive take more than %d MiB", maxNames>>20)
	}
	return nil
}

func checkTime(t kiln.Epoch) error {
	if t < 0 || t > maxTime {
		return fmt.Errorf("its time, %d seconds since 1970, is not between the years 1970 and 9999", t)
	}
	return nil
}

func refused(format string, args ...any) error {
	return &kiln.Error{Code: kiln.Refused, Text: fmt.Sprintf(format, args...)}
}

func (d *dataReader) entry(r io.Reader, h *tar.Header) (packed, error) {
	p := packed{}
	if err := checkHeader(h); err != nil {
		return p, refused("the entry %q: %v", h.Name, err)
	}
	path, err := tree.CleanPath(h.Name)
	if err != nil {
		return p, refused("an entry leads out of the tree or cannot be named: %v", err)
	}
	if _, twice := d.seen[path]; twice {
		return p, refused("the entry %q stands in the archive twice", tree.Absolute(path))
	}
	p.Entry = tree.Entry{
		Path: path, Mode: uint32(h.Mode) & 0o7777, UID: h.Uid, GID: h.Gid,
		ModTime: kiln.Epoch(h.ModTime.Unix()), Xattrs: xattrs(h),
	}
	if err := d.fill(&p, r, h); err != nil {
		return p, err
	}
	if err := checkTime(kiln.Epoch(h.ModTime.Unix())); err != nil {
		return p, refused("the entry %q: %v", h.Name, err)
	}
	if err := p.Check(); err != nil {
		return p, refused("the entry %v", err)
	}
	return p, nil
}

// fill sets what depends on the type.
func (d *dataReader) fill(p *packed, r io.Reader, h *tar.Header) error {
	switch h.Typeflag {
	case tar.TypeReg:
		p.Type = tree.File
		return d.content(p, r)
	case tar.TypeDir:
		p.Type = tree.Dir
	case tar.TypeSymlink:
		p.Type, p.Link = tree.Symlink, h.Linkname
	case tar.TypeLink:
		return d.hardLink(p, h.Linkname)
	case tar.TypeChar, tar.TypeBlock:
		return refused("the entry %q is a device, which a package may not hold (Debian Policy 10.6)", tree.Absolute(p.Path))
	case tar.TypeFifo:
		return refused("the entry %q is a named pipe, which a package may not hold (Debian Policy 10.6)", tree.Absolute(p.Path))
	default:
		return refused("the entry %q has the type %q, which no package may hold", tree.Absolute(p.Path), h.Typeflag)
	}
	return nil
}

// content copies a file's bytes to the blob and hashes them.
func (d *dataReader) content(p *packed, r io.Reader) error {
	sum, legacy := kiln.NewDigester(), md5.New()
	n, err := io.CopyBuffer(io.MultiWriter(d.out, sum, legacy), struct{ io.Reader }{r}, d.buf)
	if err != nil {
		return fmt.Errorf("cannot read the file %q: %w", tree.Absolute(p.Path), err)
	}
	p.Size, p.Content, p.Offset = n, sum.Digest(), d.offset
	legacy.Sum(p.MD5[:0])
	d.offset += n
	return nil
}

// hardLink makes p a further name of an earlier file of this archive.
func (d *dataReader) hardLink(p *packed, target string) error {
	clean, err := tree.CleanPath(target)
	if err != nil {
		return refused("the hard link %q leads out of the tree: %v", tree.Absolute(p.Path), err)
	}
	i, ok := d.seen[clean]
	if !ok {
		return refused("the hard link %q names %q, which is no earlier file of the package", tree.Absolute(p.Path), tree.Absolute(clean))
	}
	first := d.ix.Entries[i]
	if first.Type != tree.File {
		return refused("the hard link %q names %q, which is %s", tree.Absolute(p.Path), tree.Absolute(clean), first.Type.Name())
	}
	link := first.Path
	if first.Hard {
		link = first.Link
	}
	path := p.Path
	*p = first
	p.Path, p.Hard, p.Link = path, true, link
	return nil
}
