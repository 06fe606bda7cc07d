package erofs_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"

	"kiln"
	"kiln/internal/disk/erofs"
	"kiln/internal/tree"
)

const epoch kiln.Epoch = 1700000000

// capability is cap_net_raw=ep, as the kernel keeps it.
const capability = "\x01\x00\x00\x02\x00\x20\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"

type sample struct {
	entries  []tree.Entry
	contents tree.Bytes
}

func (s *sample) add(e tree.Entry) *tree.Entry {
	if e.Mode == 0 {
		e.Mode = 0o755
	}
	if e.ModTime == 0 {
		e.ModTime = epoch
	}
	s.entries = append(s.entries, e)
	return &s.entries[len(s.entries)-1]
}

func (s *sample) file(path string, size int) *tree.Entry {
	b := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{byte(size), byte(size >> 8), byte(len(path))}).Read(b)
	return s.add(tree.Entry{Path: path, Type: tree.File, Size: int64(size), Content: s.contents.Add(b)})
}

// newSample has one of each that a tree can hold, and sizes around those of a block.
func newSample() *sample {
	s := &sample{contents: tree.Bytes{}}
	for _, dir := range []string{".", "dev", "many", "sizes", "sizes/empty", "long", "owner"} {
		s.add(tree.Entry{Path: dir, Type: tree.Dir})
	}
	for _, size := range []int{0, 1, 100, 4000, 4031, 4032, 4033, 4063, 4064, 4065, 4095, 4096, 4097, 8191, 8192, 8193, 12287, 100_000, 3 << 20} {
		s.file(fmt.Sprintf("sizes/compact-%d", size), size)
		s.file(fmt.Sprintf("sizes/extended-%d", size), size).ModTime = 1
	}
	for i := range 400 { // several blocks of names
		s.file(fmt.Sprintf("many/file number %03d", i), i%7)
	}
	name := strings.Repeat("n", 255)
	s.file("long/"+name, 10)
	s.add(tree.Entry{Path: "long/link", Type: tree.Symlink, Mode: 0o777, Link: "/" + strings.Repeat(name+"/", 15)})
	s.add(tree.Entry{Path: "long/longest", Type: tree.Symlink, Mode: 0o777, ModTime: 5, Link: strings.Repeat("x", 4095)})
	s.add(tree.Entry{Path: "bin", Type: tree.Symlink, Mode: 0o777, Link: "usr/bin"})
	first := *s.file("owner/a", 5000)
	hard := first
	hard.Path, hard.Hard, hard.Link = "sizes/hard", true, "owner/a"
	s.add(hard)
	hard.Path = "zhard"
	s.add(hard)
	owned := s.file("owner/big", 4096)
	owned.UID, owned.GID, owned.Mode = 100_000, 70_000, 0o4750
	small := s.file("owner/small", 7)
	small.UID, small.GID, small.Mode = 33, 44, 0o640
	s.file("owner/capable", 300).Xattrs = map[string]string{"security.capability": capability, "user.note": "a", "user.empty": ""}
	s.file("owner/full", 4000).Xattrs = map[string]string{"trusted.long": strings.Repeat("v", 3900)}
	s.add(tree.Entry{Path: "dev/null", Type: tree.CharDev, Mode: 0o666, Major: 1, Minor: 3})
	s.add(tree.Entry{Path: "dev/large", Type: tree.BlockDev, Mode: 0o600, Major: 259, Minor: 0x12345})
	s.add(tree.Entry{Path: "dev/fifo", Type: tree.Fifo, Mode: 0o600})
	s.add(tree.Entry{Path: "sticky", Type: tree.Dir, Mode: 0o1777, ModTime: 7})
	// What compresses well, what does not, and both in one.
	for _, size := range []int{4097, 8192, 100_000, 256 << 10, 256<<10 + 1, 600_000, 1 << 20} {
		text := bytes.Repeat([]byte(fmt.Sprintf("line %d of what can be compressed\n", size)), size/30+1)[:size]
		s.add(tree.Entry{Path: fmt.Sprintf("sizes/text-%d", size), Type: tree.File, Size: int64(size), Content: s.contents.Add(text)})
		mixed := bytes.Clone(text)
		_, _ = rand.NewChaCha8([32]byte{byte(size)}).Read(mixed[:size/2])
		s.add(tree.Entry{Path: fmt.Sprintf("sizes/mixed-%d", size), Type: tree.File, Size: int64(size), ModTime: 3, Content: s.contents.Add(mixed)})
	}
	return s
}

func (s *sample) tree(t testing.TB) *tree.Tree {
	t.Helper()
	all, err := tree.Of(s.entries...)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// memory is a file in memory.
type memory struct{ b []byte }

func (m *memory) WriteAt(b []byte, off int64) (int, error) {
	if end := off + int64(len(b)); end > int64(len(m.b)) {
		m.b = append(m.b, make([]byte, end-int64(len(m.b)))...)
	}
	return copy(m.b[off:], b), nil
}

func options() erofs.Options {
	return erofs.Options{UUID: [16]byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}, Label: "root", Epoch: epoch}
}

func writeAs(t testing.TB, all *tree.Tree, c tree.Contents, compression erofs.Compression) []byte {
	t.Helper()
	m, o := &memory{}, options()
	o.Compression = compression
	size, err := erofs.Write(context.Background(), m, all, c, o)
	if err != nil {
		t.Fatal(err)
	}
	if size != int64(len(m.b)) || size%erofs.BlockSize != 0 {
		t.Fatalf("said %d bytes, wrote %d", size, len(m.b))
	}
	return m.b
}

// The bytes are a promise, whatever the number of processors.
func TestGolden(t *testing.T) {
	s := newSample()
	for compression, want := range map[erofs.Compression]kiln.Digest{
		erofs.None: "sha256:9273c1f2cea493a54124fecd234ff4dd92b0b87f70a71844904d4dbb308c6893",
		erofs.LZ4:  "sha256:de97d5069604447526ea540a5c64e3b08441653015e08a74b3dc3307cbd4daf7",
		erofs.Zstd: "sha256:20a4c352ceea2caf4ef6770cd87809bb58e63f27e4f7bdf322e774d87bc9772b",
	} {
		for _, processors := range []int{1, 2, 7} {
			before := runtime.GOMAXPROCS(processors)
			got := kiln.DigestOf(writeAs(t, s.tree(t), s.contents, compression))
			runtime.GOMAXPROCS(before)
			if got != want {
				t.Errorf("compression %q, %d processors: digest %s, want %s", compression, processors, got, want)
			}
		}
	}
}

type failing struct{ tree.Contents }

func (failing) OpenContent(kiln.Digest) (io.ReadCloser, error) { return nil, errors.New("gone") }

func TestRefused(t *testing.T) {
	for want, row := range map[string]struct {
		change func(*sample)
		o      func(*erofs.Options)
		c      tree.Contents
	}{
		"the label":              {o: func(o *erofs.Options) { o.Label = strings.Repeat("l", 16) }},
		`"odd.name"`:             {change: func(s *sample) { s.entries[8].Xattrs = map[string]string{"odd.name": ""} }},
		"of extended attributes": {change: func(s *sample) { s.entries[8].Xattrs = map[string]string{"user.a": strings.Repeat("x", 4096)} }},
		"want one of zstd, lz4":  {o: func(o *erofs.Options) { o.Compression = "xz" }},
		"gone":                   {c: failing{}},
	} {
		s, o := newSample(), options()
		var c tree.Contents = s.contents
		if row.change != nil {
			row.change(s)
		}
		if row.o != nil {
			row.o(&o)
		}
		if row.c != nil {
			c = row.c
		}
		if _, err := erofs.Write(t.Context(), &memory{}, s.tree(t), c, o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %s", err, want)
		}
	}
	s := newSample()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := erofs.Write(ctx, &memory{}, s.tree(t), s.contents, options()); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

// fsck.erofs finds nothing wrong, and what it extracts is the tree.
func TestFsck(t *testing.T) {
	if os.Getenv("KILN_TEST") != "real" {
		t.Skip("asks fsck.erofs, as root: KILN_TEST=real")
	}
	s := newSample()
	all := s.tree(t)
	for _, compression := range []erofs.Compression{erofs.None, erofs.LZ4} { // Debian 12's knows no zstd: the kernel judges that
		file, to := filepath.Join(t.TempDir(), "root"), filepath.Join(t.TempDir(), "out")
		if err := os.WriteFile(file, writeAs(t, all, s.contents, compression), 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command("fsck.erofs", "--extract="+to, "--preserve", file).CombinedOutput(); err != nil {
			t.Fatalf("%s: fsck.erofs: %v\n%s", compression, err, out)
		}
		compare(t, all, s.contents, to, false)
	}
}

// The kernel mounts it, and what it shows is the tree.
func TestMount(t *testing.T) {
	if os.Getenv("KILN_TEST") != "real" {
		t.Skip("mounts, as root: KILN_TEST=real")
	}
	s := newSample()
	for _, compression := range []erofs.Compression{erofs.None, erofs.LZ4, erofs.Zstd} {
		t.Run("compression "+string(compression), func(t *testing.T) {
			all := s.tree(t)
			file, to := filepath.Join(t.TempDir(), "root"), t.TempDir()
			if err := os.WriteFile(file, writeAs(t, all, s.contents, compression), 0o600); err != nil {
				t.Fatal(err)
			}
			if out, err := exec.Command("mount", "-t", "erofs", "-o", "loop,ro", file, to).CombinedOutput(); err != nil {
				t.Fatalf("mount: %v\n%s", err, out)
			}
			defer exec.Command("umount", to).Run()
			compare(t, all, s.contents, to, true)
		})
	}
}

// compare compares a folder with a tree; hard links, devices and attributes only where all is kept.
func compare(t *testing.T, all *tree.Tree, c tree.Bytes, dir string, whole bool) {
	t.Helper()
	found := 0
	_ = filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		found++
		return err
	})
	if found != all.Len() {
		t.Errorf("%d paths, want %d", found, all.Len())
	}
	for e := range all.All() {
		path := filepath.Join(dir, e.Path)
		info, err := os.Lstat(path)
		if err != nil {
			if whole || e.Type != tree.BlockDev && e.Type != tree.CharDev {
				t.Error(err)
			}
			continue
		}
		stat := info.Sys().(*syscall.Stat_t)
		kept := uint32(0o7777)
		if !whole {
			kept = 0o1777 // fsck.erofs sets the owner last, which takes setuid away
		}
		if e.Type != tree.Symlink && stat.Mode&kept != e.Mode&kept || int(stat.Uid) != e.UID || int(stat.Gid) != e.GID {
			t.Errorf("%s: mode %o, owner %d:%d, want %v", e.Path, stat.Mode, stat.Uid, stat.Gid, e)
		}
		if stat.Mtim.Sec != int64(e.ModTime) && (whole || e.Type == tree.File) {
			t.Errorf("%s: time %d, want %d", e.Path, stat.Mtim.Sec, e.ModTime)
		}
		switch e.Type {
		case tree.File:
			if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, c[e.Content]) {
				t.Errorf("%s: %d bytes, want %d, %v", e.Path, len(got), e.Size, err)
			}
		case tree.Symlink:
			if got, err := os.Readlink(path); err != nil || got != e.Link {
				t.Errorf("%s: leads to %q, %v", e.Path, got, err)
			}
		case tree.CharDev, tree.BlockDev:
			if want := uint64(e.Minor&0xff | e.Major<<8 | e.Minor&^0xff<<12); stat.Rdev != want {
				t.Errorf("%s: device %x, want %x", e.Path, stat.Rdev, want)
			}
		}
		if !whole {
			continue
		}
		if want := len(all.Names(e.Path)); e.Type == tree.File && int(stat.Nlink) != want {
			t.Errorf("%s: %d names, want %d", e.Path, stat.Nlink, want)
		}
		for name, want := range e.Xattrs {
			b := make([]byte, 8192)
			if n, err := syscall.Getxattr(path, name, b); err != nil || string(b[:n]) != want {
				t.Errorf("%s: %s is %q, %v", e.Path, name, b[:max(n, 0)], err)
			}
		}
	}
}

// counting counts what is opened.
type counting struct {
	tree.Bytes
	opened map[kiln.Digest]int
	mu     *sync.Mutex
}

func (c counting) OpenContent(d kiln.Digest) (io.ReadCloser, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.opened[d]++
	return c.Bytes.OpenContent(d)
}

// What an earlier file system holds is copied out of it: not a byte is another, and what is compressed is not read again.
func TestEarlier(t *testing.T) {
	keep := func(s *sample, earlier *erofs.Earlier) ([]byte, map[kiln.Digest]erofs.Place, counting) {
		m, o, places := &memory{}, options(), map[kiln.Digest]erofs.Place{}
		o.Compression, o.Earlier = erofs.Zstd, earlier
		o.Written = func(d kiln.Digest, p erofs.Place) { places[d] = p }
		c := counting{s.contents, map[kiln.Digest]int{}, &sync.Mutex{}}
		if _, err := erofs.Write(t.Context(), m, s.tree(t), c, o); err != nil {
			t.Fatal(err)
		}
		return m.b, places, c
	}
	first, places, _ := keep(newSample(), nil)
	changed := newSample()
	more := changed.file("bigger", 700_000)
	changed.file("aaa", 300_000) // so that all else moves
	want, wantPlaces, _ := keep(changed, nil)
	got, gotPlaces, c := keep(changed, &erofs.Earlier{Image: bytes.NewReader(first), Files: places})
	if !bytes.Equal(got, want) || !maps.EqualFunc(gotPlaces, wantPlaces, func(x, y erofs.Place) bool { return x.First == y.First && bytes.Equal(x.Blocks, y.Blocks) }) {
		t.Error("with an earlier one it is another")
	}
	for e := range changed.tree(t).All() {
		_, known := places[e.Content]
		if e.Type == tree.File && !e.Hard && e.Size > erofs.BlockSize && known != (c.opened[e.Content] == 0) {
			t.Errorf("%s: known %v, opened %d times", e.Path, known, c.opened[e.Content])
		}
	}
	if c.opened[more.Content] != 1 {
		t.Errorf("what is new was opened %d times", c.opened[more.Content])
	}
	for d := range places {
		p := places[d]
		p.Blocks = bytes.Repeat([]byte{65}, len(p.Blocks))
		places[d] = p
	}
	o := options()
	o.Compression, o.Earlier = erofs.Zstd, &erofs.Earlier{Image: bytes.NewReader(first), Files: places}
	if _, err := erofs.Write(t.Context(), &memory{}, changed.tree(t), changed.contents, o); err == nil {
		t.Error("clusters of 65 blocks are taken")
	}
}
