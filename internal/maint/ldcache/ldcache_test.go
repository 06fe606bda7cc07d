package ldcache_test

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"kiln/internal/linkage"
	"kiln/internal/maint/ldcache"
)

func TestCompare(t *testing.T) {
	ordered := []string{"libc.a", "libc.so.6", "libc.so.06x", "libc.so.10", "libc1.so", "libcap.so.2", "libcap.so.12"}
	// Digits come after anything else; runs of them count as numbers.
	want := []string{"libc.a", "libc.so.6", "libc.so.06x", "libc.so.10", "libcap.so.2", "libcap.so.12", "libc1.so"}
	slices.SortFunc(ordered, ldcache.Compare)
	if !slices.Equal(ordered, want) {
		t.Errorf("%v, want %v", ordered, want)
	}
}

func TestWrite(t *testing.T) {
	entries := []ldcache.Entry{
		{"liba.so.1", "/lib/liba.so.1", 0x303},
		{"libb.so.2", "/lib/libb.so.2", 0x303},
		{"libb.so.2", "/usr/local/lib/libb.so.2", 0x303},
		{"libb.so.2", "/lib32/libb.so.2", 3},
	}
	got := ldcache.Write(entries, "gen", binary.LittleEndian)
	if !bytes.HasPrefix(got, []byte("glibc-ld.so.cache1.1\x04\x00\x00\x00")) {
		t.Fatalf("bad header %q", got[:48])
	}
	var paths []string
	for i := range 4 {
		e := got[48+24*i:]
		text := func(at int) string {
			s := got[binary.LittleEndian.Uint32(e[at:]):]
			return string(s[:bytes.IndexByte(s, 0)])
		}
		if !strings.HasSuffix(text(8), text(4)) {
			t.Errorf("%q is not the name of %q", text(4), text(8))
		}
		paths = append(paths, text(8))
	}
	want := []string{"/lib/libb.so.2", "/usr/local/lib/libb.so.2", "/lib32/libb.so.2", "/lib/liba.so.1"}
	if !slices.Equal(paths, want) {
		t.Errorf("the order is %v, want %v", paths, want)
	}
	if n := bytes.Count(got, []byte("libb.so.2")); n != 2 {
		t.Errorf("a name stands %d times: endings are not shared", n)
	}
	if !bytes.HasSuffix(got, []byte("gen")) {
		t.Error("the generator is not at the end")
	}
}

func TestBigEndian(t *testing.T) {
	got := ldcache.Write([]ldcache.Entry{{"liba.so.1", "/lib/liba.so.1", 0x403}}, "gen", binary.BigEndian)
	if n := binary.BigEndian.Uint32(got[20:]); n != 1 || got[28] != 3 {
		t.Errorf("%d entries, flags %d", n, got[28])
	}
}

func TestGenerator(t *testing.T) {
	if got, want := ldcache.Generator("2.41-12"), "ldconfig (Debian GLIBC 2.41-12) stable release version 2.41"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestNamed(t *testing.T) {
	for name, want := range map[string]bool{
		"libc.so.6": true, "ld-linux-x86-64.so.2": true, "ld.so.1": true, "libfoo.a": false, "foo.so": false, "libfoo.so.1.2.3": true, "ld64.so.2": true,
	} {
		if got := ldcache.Named(name); got != want {
			t.Errorf("%q: %v", name, got)
		}
	}
}

func TestFlags(t *testing.T) {
	for _, row := range []struct {
		summary string
		file    linkage.File
		arch    string
		want    uint32 // 0: passed over
	}{
		{"a library", linkage.File{Machine: elf.EM_X86_64, Class: elf.ELFCLASS64, Dynamic: true}, "amd64", 0x303},
		{"static", linkage.File{Machine: elf.EM_X86_64, Class: elf.ELFCLASS64}, "amd64", 0},
		{"of 32 bits", linkage.File{Machine: elf.EM_386, Class: elf.ELFCLASS32, Dynamic: true}, "amd64", 3},
		{"another machine's", linkage.File{Machine: elf.EM_AARCH64, Class: elf.ELFCLASS64, Dynamic: true}, "amd64", 0},
		{"its own machine's", linkage.File{Machine: elf.EM_AARCH64, Class: elf.ELFCLASS64, Dynamic: true}, "arm64", 0xa03},
		{"an architecture that nobody knows", linkage.File{Machine: elf.EM_X86_64, Class: elf.ELFCLASS64, Dynamic: true}, "vax", 0},
	} {
		flags, ok := ldcache.Flags(&row.file, row.arch)
		if flags != row.want || ok != (row.want != 0) {
			t.Errorf("%s: %#x, %v, want %#x", row.summary, flags, ok, row.want)
		}
	}
}

// TestAgainstLdconfig writes a cache of this machine's libraries and has the real
// ldconfig read it back.
func TestAgainstLdconfig(t *testing.T) {
	if os.Getenv("KILN_TEST") != "real" {
		t.Skip("has ldconfig read a cache: KILN_TEST=real")
	}
	arch, err := exec.Command("dpkg", "--print-architecture").Output()
	if err != nil {
		t.Fatal(err)
	}
	libs, _ := filepath.Glob("/usr/lib/*-linux-gnu/lib*.so.*")
	var entries []ldcache.Entry
	for _, p := range libs {
		content, err := os.ReadFile(p)
		if err != nil {
			continue
		}
		f, ok, err := linkage.Read(bytes.NewReader(content), int64(len(content)))
		if err != nil || !ok || f.Soname != filepath.Base(p) {
			continue
		}
		if flags, ok := ldcache.Flags(f, strings.TrimSpace(string(arch))); ok {
			entries = append(entries, ldcache.Entry{Name: f.Soname, Path: p, Flags: flags})
		}
	}
	cache := filepath.Join(t.TempDir(), "ld.so.cache")
	if err := os.WriteFile(cache, ldcache.Write(entries, ldcache.Generator("2.41-12"), binary.LittleEndian), 0o644); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("/sbin/ldconfig", "-p", "-C", cache).CombinedOutput()
	if err != nil {
		t.Fatalf("ldconfig: %v\n%s", err, out)
	}
	for _, e := range entries {
		if !strings.Contains(string(out), "\t"+e.Name+" (libc6") || !strings.Contains(string(out), "=> "+e.Path+"\n") {
			t.Errorf("ldconfig does not list %v", e)
		}
	}
	if len(entries) < 20 || !strings.Contains(string(out), "Cache generated by: ldconfig (Debian GLIBC 2.41-12)") {
		t.Errorf("%d libraries\n%s", len(entries), out)
	}
}

func FuzzWrite(f *testing.F) {
	f.Add("libz.so.1", "/lib/libz.so.1", "/usr/lib/libz.so.1")
	f.Fuzz(func(t *testing.T, name, a, b string) {
		cache := ldcache.Write([]ldcache.Entry{{name, a, 3}, {name, b, 3}}, "gen", binary.LittleEndian)
		text := func(at int) string {
			s := cache[binary.LittleEndian.Uint32(cache[at:]):]
			return string(s[:bytes.IndexByte(s, 0)])
		}
		if strings.ContainsRune(name+a+b, 0) {
			return
		}
		if text(48+4) != name || text(48+8) != a || text(72+8) != b {
			t.Errorf("%q %q %q read back as %q %q %q", name, a, b, text(52), text(56), text(80))
		}
	})
}
