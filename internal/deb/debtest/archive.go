package debtest

import (
	"archive/tar"
	"bytes"
	"io"
	"path"
	"strings"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"
)

// archive writes a compressed tar stream, so that a bomb never stands in memory
// whole, and panics where it cannot.
type archive struct {
	w    *tar.Writer
	zip  io.WriteCloser
	buf  bytes.Buffer
	time int64
	seen map[string]bool // directories written so far
}

func newArchive(s Spec) *archive {
	a := &archive{time: s.Time, seen: map[string]bool{}}
	a.zip = compressor(s.Compression, &a.buf)
	a.w = tar.NewWriter(a.zip)
	return a
}

func (a *archive) bytes() []byte {
	must(a.w.Close())
	must(a.zip.Close())
	return a.buf.Bytes()
}

func (s Spec) controlTar() []byte {
	a := newArchive(s)
	a.add(Entry{Path: "./", Verbatim: true})
	a.add(Entry{Path: "control", Content: ControlText(s)})
	if len(s.Conffiles) > 0 {
		a.add(Entry{Path: "conffiles", Content: strings.Join(s.Conffiles, "\n") + "\n"})
	}
	for _, m := range s.Scripts {
		e := Entry{Path: m.Name, Mode: m.Mode, Type: m.Type, Content: m.Content, Link: m.Link}
		e.Verbatim = strings.Contains(m.Name, "/")
		if e.Mode == 0 && isScript(m.Name) {
			e.Mode = 0o755
		}
		a.add(e)
	}
	a.bomb(s.Hostile.ControlBomb)
	return a.bytes()
}

func isScript(name string) bool {
	switch name {
	case "preinst", "postinst", "prerm", "postrm", "config":
		return true
	}
	return false
}

func (s Spec) dataTar() []byte {
	a := newArchive(s)
	if !s.Bare {
		a.add(Entry{Path: "./", Verbatim: true})
	}
	for _, e := range s.Entries {
		if !s.Bare && !e.Verbatim {
			a.parents(e.Path)
		}
		a.add(e)
	}
	a.bomb(s.Hostile.Bomb)
	return a.bytes()
}

// parents adds the directories above p that are not there yet, as dpkg-deb would.
func (a *archive) parents(p string) {
	dir := path.Dir(path.Clean(p))
	if dir == "." || dir == "/" || a.seen[dir] {
		return
	}
	a.parents(dir)
	a.add(Entry{Path: dir + "/"})
}

func (a *archive) add(e Entry) {
	h := a.header(e)
	if h.Typeflag == tar.TypeDir {
		a.seen[path.Clean(h.Name)] = true
	}
	must(a.w.WriteHeader(h))
	if h.Typeflag == tar.TypeReg {
		_, err := io.WriteString(a.w, e.Content)
		must(err)
	}
}

func (a *archive) header(e Entry) *tar.Header {
	h := &tar.Header{
		Name: e.Path, Linkname: e.Link, Typeflag: e.flag(), Mode: e.mode(),
		Uid: e.UID, Gid: e.GID, Uname: name(e.Uname, e.UID), Gname: name(e.Gname, e.GID),
		Devmajor: e.Major, Devminor: e.Minor, Format: tar.FormatGNU,
	}
	if e.Time == 0 {
		e.Time = a.time
	}
	h.ModTime = time.Unix(e.Time, 0)
	if h.Typeflag == tar.TypeReg {
		h.Size = int64(len(e.Content))
	}
	if !e.Verbatim {
		h.Name = "./" + h.Name
		if h.Typeflag == tar.TypeLink {
			h.Linkname = "./" + h.Linkname
		}
	}
	for k, v := range e.Xattrs {
		if h.PAXRecords == nil {
			h.Format, h.PAXRecords = tar.FormatPAX, map[string]string{}
		}
		h.PAXRecords["SCHILY.xattr."+k] = v
	}
	return h
}

func (e Entry) flag() byte {
	switch e.Type {
	case 0:
		if strings.HasSuffix(e.Path, "/") {
			return tar.TypeDir
		}
		if e.Link != "" {
			return tar.TypeSymlink
		}
		return tar.TypeReg
	case 'f':
		return tar.TypeReg
	case 'd':
		return tar.TypeDir
	case 'l':
		return tar.TypeSymlink
	case 'h':
		return tar.TypeLink
	case 'c':
		return tar.TypeChar
	case 'b':
		return tar.TypeBlock
	case 'p':
		return tar.TypeFifo
	}
	return e.Type // some other flag, verbatim
}

func (e Entry) mode() int64 {
	if e.Mode != 0 {
		return e.Mode
	}
	switch e.flag() {
	case tar.TypeDir:
		return 0o755
	case tar.TypeSymlink:
		return 0o777
	}
	return 0o644
}

func name(given string, id int) string {
	if given == "" && id == 0 {
		return "root"
	}
	return given
}

// bomb adds a file of n zero bytes, which any compressor makes tiny.
func (a *archive) bomb(n int64) {
	if n == 0 {
		return
	}
	h := a.header(Entry{Path: "bomb"})
	h.Size = n
	must(a.w.WriteHeader(h))
	zeros := make([]byte, 1<<16)
	for ; n > 0; n -= int64(len(zeros)) {
		_, err := a.w.Write(zeros[:min(n, int64(len(zeros)))])
		must(err)
	}
}

// compressor has settings that are fixed, so that a Spec always gives the same
// bytes.
func compressor(kind string, out io.Writer) io.WriteCloser {
	switch kind {
	case "none":
		return plain{out}
	case "gz":
		return gzip.NewWriter(out)
	case "xz":
		w, err := xz.WriterConfig{CheckSum: xz.CRC64, DictCap: 1 << 20}.NewWriter(out)
		must(err)
		return w
	case "zst":
		w, err := zstd.NewWriter(out, zstd.WithEncoderConcurrency(1))
		must(err)
		return w
	}
	panic("bug: debtest: no compression " + kind)
}

type plain struct{ io.Writer }

func (plain) Close() error { return nil }

func must(err error) {
	if err != nil {
		panic("bug: debtest: " + err.Error())
	}
}
