package disk_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"kiln"
	"kiln/internal/disk"
	"kiln/internal/disk/pe"
	"kiln/internal/disk/pe/petest"
	"kiln/internal/store"
	"kiln/internal/tree"
)

const epoch kiln.Epoch = 1700000000

var amd64 = kiln.Platform{OS: "linux", Architecture: "amd64"}

func openStore(t *testing.T) *store.Store {
	t.Helper()
	st, err := store.Open(t.TempDir(), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	return st
}

// root is a root file system of some files, the last of which holds text.
func root(t *testing.T, text string) (*tree.Tree, tree.Bytes) {
	t.Helper()
	c := tree.Bytes{}
	entries := []tree.Entry{{Path: ".", Type: tree.Dir, Mode: 0o755}, {Path: "usr", Type: tree.Dir, Mode: 0o755}, {Path: "bin", Type: tree.Symlink, Mode: 0o777, Link: "usr/bin"}}
	r := rand.New(rand.NewPCG(1, 2))
	for i := range 20 {
		b := make([]byte, 100_000+10_000*i)
		for j := range b {
			b[j] = byte(r.IntN(40))
		}
		entries = append(entries, tree.Entry{Path: fmt.Sprintf("usr/file%02d", i), Type: tree.File, Mode: 0o644, Size: int64(len(b)), Content: c.Add(b)})
	}
	b := []byte(strings.Repeat(text, 1000))
	entries = append(entries, tree.Entry{Path: "usr/last", Type: tree.File, Mode: 0o644, Size: int64(len(b)), Content: c.Add(b)})
	all, err := tree.Of(entries...)
	if err != nil {
		t.Fatal(err)
	}
	return all, c
}

// system is a small one of each part.
func system(t *testing.T) disk.System {
	t.Helper()
	all, c := root(t, "text")
	return of(all, c, amd64, 0x8664)
}

func of(all *tree.Tree, c tree.Contents, p kiln.Platform, machine uint16) disk.System {
	return disk.System{
		Platform: p, Name: "web", Version: "1.2", Digest: all.Digest(), Epoch: epoch,
		Root:   func(context.Context) (*tree.Tree, tree.Contents, error) { return all, c, nil },
		Kernel: petest.Program(machine), Initrd: []byte("initrd"), Microcode: []byte("micro"), Cmdline: []string{"quiet", "panic=30"}, Uname: "6.12.0",
		OSRelease: []byte("ID=debian\nIMAGE_ID=web\nIMAGE_VERSION=1.2\n"),
		Stub:      petest.Systemd(machine, "systemd-stub"), Loader: petest.Systemd(machine, "systemd-boot"), AddonStub: petest.Systemd(machine, "systemd-addon"),
		Addons: []disk.Addon{{Name: "serial", Cmdline: []string{"console=ttyS0"}}},
		Layout: disk.Layout{ESP: 40 << 20, Root: 16 << 20, Free: 4 << 20},
	}
}

func newDisk(t *testing.T, st *store.Store, s disk.System) *disk.Disk {
	t.Helper()
	d, err := disk.New(st, s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func write(t *testing.T, st *store.Store, s disk.System, f disk.Format) []byte {
	t.Helper()
	file := filepath.Join(t.TempDir(), "disk")
	if err := newDisk(t, st, s).Write(t.Context(), f, file, nil); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The bytes are a promise: of every format, whatever the store holds and however many processors there are.
func TestGolden(t *testing.T) {
	golden := map[disk.Format]kiln.Digest{
		disk.Raw:   "sha256:2a1c58670eb77f0e5e04280795e71d4bac13680192528ca9d7946a4ca79051ee",
		disk.QCOW2: "sha256:414e48840db761b78903d885c6516a9e6f094fc4f42c982f17f8fdaf54c35943",
		disk.VHD:   "sha256:e6832c547445937f22c40d00b7124e73ffc1115bcdab10ed01795b539d3e9317",
		disk.VMDK:  "sha256:8a8f35943c48122d8bcb8990d28be943b82ab76e6a3ff5b3961e0344090bc922",
		disk.GCE:   "sha256:00468fec96095a99adb9dfc3df256d0a57bd39e631e87df2dc7fbc710d02c622",
	}
	s, warm := system(t), openStore(t)
	for _, f := range disk.Formats() {
		for _, st := range []*store.Store{warm, openStore(t)} {
			before := runtime.GOMAXPROCS(1 + len(f)%2)
			got := kiln.DigestOf(write(t, st, s, f))
			runtime.GOMAXPROCS(before)
			if got != golden[f] {
				t.Errorf("%s: digest %s, want %s", f, got, golden[f])
			}
		}
	}
}

// The root is compressed as it is wanted, and a disk that differs in this is another.
func TestCompression(t *testing.T) {
	st, guids := openStore(t), map[string]string{}
	for compression, algorithms := range map[string]uint16{"": 1 << 3, "zstd": 1 << 3, "lz4": 1 << 0, "none": 0} {
		s := system(t)
		s.Compression = compression
		b := write(t, st, s, disk.Raw)
		root := b[partitions(b)[1].start+1024:] // the superblock of EROFS
		if got := binary.LittleEndian.Uint16(root[84:]); got != algorithms {
			t.Errorf("compression %q: algorithms %b, want %b", compression, got, algorithms)
		}
		guids[compression] = guidText(b[512+56:])
	}
	if guids[""] != guids["zstd"] || guids["lz4"] == guids["zstd"] || guids["none"] == guids["zstd"] || guids["lz4"] == guids["none"] {
		t.Errorf("GUIDs of the disks: %v", guids)
	}
}

// partition is an entry of a partition table, as it is read.
type partition struct {
	kind, guid, name string
	start, size      int64
	flags            uint64
}

// guidText writes a GUID of a disk as text.
func guidText(b []byte) string {
	le := binary.LittleEndian
	return fmt.Sprintf("%08x-%04x-%04x-%x-%x", le.Uint32(b), le.Uint16(b[4:]), le.Uint16(b[6:]), b[8:10], b[10:16])
}

func partitions(b []byte) (all []partition) {
	le := binary.LittleEndian
	for e := range slices.Chunk(b[1024:1024+128*128], 128) {
		if le.Uint64(e[32:]) == 0 {
			continue
		}
		var name []uint16
		for i := 56; i < 128 && le.Uint16(e[i:]) != 0; i += 2 {
			name = append(name, le.Uint16(e[i:]))
		}
		first := int64(le.Uint64(e[32:]))
		all = append(all, partition{guidText(e), guidText(e[16:]), string(utf16.Decode(name)), first * 512, (int64(le.Uint64(e[40:])) - first + 1) * 512, le.Uint64(e[48:])})
	}
	return all
}

// Types, labels, flags and GUIDs are what systemd looks for, on both architectures.
func TestPartitions(t *testing.T) {
	all, c := root(t, "text")
	for _, row := range []struct {
		arch    string
		machine uint16
		types   [3]string
	}{
		{"amd64", 0x8664, [3]string{"4f68bce3-e8cd-4db1-96e7-fbcaf984b709", "2c7357ed-ebd2-46d9-aec1-23d437ec2bf5", "41092b05-9fc8-4523-994f-2def0408b176"}},
		{"arm64", 0xaa64, [3]string{"b921b045-1df0-41c3-af44-4c6f280d3fae", "df3300ce-d69f-4c92-978c-9bfb0f38d820", "6db69de6-29f4-4758-a7a5-962190f00ce3"}},
	} {
		s := of(all, c, kiln.Platform{OS: "linux", Architecture: row.arch}, row.machine)
		s.Signer, _ = testSigner(t)
		st := openStore(t)
		b := write(t, st, s, disk.Raw)
		hash, err := newDisk(t, st, s).RootHash(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		want := []string{
			"c12a7328-f81f-11d2-ba4b-00a0c93ec93b esp 0 41943040",
			row.types[0] + " web_1.2 1000000000000000 16777216", row.types[1] + " web_1.2_verity 1000000000000000 1048576", row.types[2] + " web_1.2_sig 1000000000000000 16384",
			row.types[0] + " _empty 9000000000000000 16777216", row.types[1] + " _empty 9000000000000000 1048576", row.types[2] + " _empty 9000000000000000 16384",
		}
		var got []string
		guids := map[string]bool{}
		table := partitions(b)
		for _, p := range table {
			got = append(got, fmt.Sprintf("%s %s %x %d", p.kind, p.name, p.flags, p.size))
			guids[p.guid] = true
		}
		if !slices.Equal(got, want) || len(guids) != len(want) {
			t.Fatalf("%s: partitions\n%s\nwant\n%s", row.arch, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		if halves := strings.ReplaceAll(table[1].guid+table[2].guid, "-", ""); halves != hash {
			t.Errorf("%s: GUIDs are %s, and the root hash %s", row.arch, halves, hash)
		}
		if tail := int64(len(b)) - table[6].start; tail < 4<<20 {
			t.Errorf("%s: %d bytes are left for the state", row.arch, tail)
		}
		if !bytes.Contains(b[table[1].start:][:4096], []byte{0xe2, 0xe1, 0xf5, 0xe0}) || string(b[table[2].start:][:6]) != "verity" || !strings.HasPrefix(string(b[table[3].start:]), `{"rootHash":"`+hash) {
			t.Errorf("%s: the partitions hold something else", row.arch)
		}
	}
}

// Defaults leave room: for two versions, for what they become, and for the state. A single slot has no empty one.
func TestLayouts(t *testing.T) {
	sizes := func(l disk.Layout) string {
		s := system(t)
		s.Layout = l
		d, file := newDisk(t, openStore(t), s), filepath.Join(t.TempDir(), "disk")
		if err := d.Write(t.Context(), disk.Raw, file, nil); err != nil {
			t.Fatal(err)
		}
		f, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		head := make([]byte, 64<<10)
		info, err := f.Stat()
		if _, readErr := f.ReadAt(head, 0); err != nil || readErr != nil {
			t.Fatal(err, readErr)
		}
		text := fmt.Sprint(info.Size()>>20, "M:")
		for _, p := range partitions(head) {
			text += fmt.Sprint(" ", p.name, " ", p.size>>20)
		}
		return text
	}
	for want, l := range map[string]disk.Layout{
		"1800M: esp 256 web_1.2 256 web_1.2_verity 3 _empty 256 _empty 3": {},
		"58M: esp 40 web_1.2 15 web_1.2_verity 1":                         {ESP: 40 << 20, Root: 15 << 20, Free: -1, Single: true},
		"67M: esp 48 web_1.2 8 web_1.2_verity 2":                          {ESP: 48 << 20, Root: 8 << 20, Verity: 2 << 20, Free: 7 << 20, Single: true},
	} {
		if got := sizes(l); got != want {
			t.Errorf("%+v: %s, want %s", l, got, want)
		}
	}
}

func readFolder(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if files[e.Name()], err = os.ReadFile(filepath.Join(dir, e.Name())); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

// The unified kernel image holds what it was given, and the root hash.
func TestParts(t *testing.T) {
	st, s, dir := openStore(t), system(t), filepath.Join(t.TempDir(), "parts")
	d := newDisk(t, st, s)
	for range 2 { // the second takes the place of the first
		if err := d.WriteParts(t.Context(), dir, nil); err != nil {
			t.Fatal(err)
		}
	}
	files := readFolder(t, dir)
	names := slices.Sorted(maps.Keys(files))
	if want := []string{"SHA256SUMS", "serial.addon.efi", "systemd-bootx64.efi", "web_1.2.efi", "web_1.2.root.raw", "web_1.2.roothash", "web_1.2.verity.raw"}; !slices.Equal(names, want) {
		t.Fatalf("files %q, want %q", names, want)
	}
	for line := range strings.Lines(string(files["SHA256SUMS"])) {
		sum, name, _ := strings.Cut(strings.TrimSpace(line), "  ")
		if kiln.DigestOf(files[name]).Hex() != sum {
			t.Errorf("sum of %s", name)
		}
	}
	img, err := pe.Parse(files["web_1.2.efi"])
	if err != nil {
		t.Fatal(err)
	}
	hash := strings.TrimSpace(string(files["web_1.2.roothash"]))
	for section, want := range map[string]string{
		".cmdline": "quiet panic=30 roothash=" + hash, ".initrd": "micro\x00\x00\x00initrd", ".linux": string(s.Kernel), ".osrel": string(s.OSRelease), ".uname": s.Uname,
		".sbat": "sbat,1,SBAT Version,sbat,1,\nsystemd-stub,1,The systemd Developers,systemd,257,\nuki.web,1,web,web,1.2,\n",
	} {
		if got := string(img.Section(section)); got != want {
			t.Errorf("%s is %q, want %q", section, got, want)
		}
	}
	uki := filepath.Join(t.TempDir(), "uki")
	if err := d.WriteUKI(t.Context(), uki, nil); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(uki); err != nil || !bytes.Equal(b, files["web_1.2.efi"]) {
		t.Errorf("written alone it is another: %v", err)
	}
	addon, err := pe.Parse(files["serial.addon.efi"])
	if err != nil || string(addon.Section(".cmdline")) != "console=ttyS0" {
		t.Errorf("add-on: %v", err)
	}
}

// A folder that somebody keeps something in is not replaced.
func TestFolderRefused(t *testing.T) {
	d := newDisk(t, openStore(t), system(t))
	for name, make := range map[string]func(dir string) error{
		"a file":   func(dir string) error { return os.WriteFile(filepath.Join(dir, "notes"), nil, 0o600) },
		"a folder": func(dir string) error { return os.Mkdir(filepath.Join(dir, "SHA256SUMS"), 0o700) },
	} {
		dir := filepath.Join(t.TempDir(), "folder")
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := make(dir); err != nil {
			t.Fatal(err)
		}
		before := readNames(t, dir)
		if err := d.WriteParts(t.Context(), dir, nil); err == nil || len(kiln.HintsOf(err)) == 0 {
			t.Errorf("%s: error %v", name, err)
		}
		if disk.CheckFolder(dir) == nil || !slices.Equal(readNames(t, dir), before) || len(readNames(t, filepath.Dir(dir))) != 1 {
			t.Errorf("%s: something was written", name)
		}
	}
}

func readNames(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// counting tells what was opened.
type counting struct {
	tree.Bytes
	opened chan kiln.Digest
}

func (c counting) OpenContent(d kiln.Digest) (io.ReadCloser, error) {
	c.opened <- d
	return c.Bytes.OpenContent(d)
}

// Where one file changed, no other is compressed again, and the disk is the one that a fresh store gives. Where none did, the
// tree is not asked for.
func TestOneFileChanged(t *testing.T) {
	st := openStore(t)
	write(t, st, system(t), disk.Raw)
	all, c := root(t, "other")
	next := of(all, c, amd64, 0x8664)
	want := write(t, openStore(t), next, disk.Raw)
	seen := counting{c, make(chan kiln.Digest, 1000)}
	next.Root = func(context.Context) (*tree.Tree, tree.Contents, error) { return all, seen, nil }
	if got := write(t, st, next, disk.Raw); !bytes.Equal(got, want) {
		t.Error("it is another disk")
	}
	if n := len(seen.opened); n != 1 {
		t.Errorf("%d files were read, want the one that changed", n)
	}
	next.Root = func(context.Context) (*tree.Tree, tree.Contents, error) {
		t.Error("the tree was asked for")
		return all, c, nil
	}
	next.Cmdline = []string{"debug"}
	if got := write(t, st, next, disk.Raw); bytes.Equal(got, want) {
		t.Error("other kernel arguments give the same disk")
	}
}

// What cannot be says so, and what to do, before anything is made.
func TestRefused(t *testing.T) {
	for want, change := range map[string]func(*disk.System){
		"no platform that boots":                    func(s *disk.System) { s.Platform.Architecture = "riscv64" },
		"partitions cannot be named":                func(s *disk.System) { s.Name = "a/b" },
		"has no version":                            func(s *disk.System) { s.Version = "" },
		`the version "1_2"`:                         func(s *disk.System) { s.Version = "1_2" },
		`the version "1+2"`:                         func(s *disk.System) { s.Version = "1+2" },
		"more than 36 characters":                   func(s *disk.System) { s.Name = strings.Repeat("n", 27) },
		"no os-release":                             func(s *disk.System) { s.OSRelease = nil },
		`IMAGE_VERSION="1.2", and its version`:      func(s *disk.System) { s.Version = "1.3" },
		"the UEFI stub cannot be used: it is of an": func(s *disk.System) { s.Stub = petest.Systemd(0xaa64, "systemd-stub") },
		"the UEFI stub cannot be used: it is not":   func(s *disk.System) { s.Stub = petest.Program(0x8664) },
		"the UEFI stub cannot be used: cannot read": func(s *disk.System) { s.Stub = nil },
		"the boot loader cannot be used: it is not": func(s *disk.System) { s.Loader = s.Stub },
		"the boot loader cannot be used: it is of":  func(s *disk.System) { s.Loader = petest.Systemd(0xaa64, "systemd-boot") },
		"stub of add-ons cannot be used":            func(s *disk.System) { s.AddonStub = nil },
		"the kernel cannot be used: it is no":       func(s *disk.System) { s.Kernel = []byte("vmlinux") },
		"the kernel cannot be used: it is of":       func(s *disk.System) { s.Kernel = petest.Program(0xaa64) },
		"are no size of a partition":                func(s *disk.System) { s.Layout.Root = 1<<20 + 1 },
		"too small for FAT32":                       func(s *disk.System) { s.Layout.ESP = 8 << 20 },
	} {
		s := system(t)
		change(&s)
		if _, err := disk.New(openStore(t), s); err == nil || !strings.Contains(err.Error(), want) || len(kiln.HintsOf(err)) == 0 {
			t.Errorf("error %v with %q, want %s", err, kiln.HintsOf(err), want)
		}
	}
}

// What is too large for its partition is told with both sizes; nothing is written.
func TestTooLarge(t *testing.T) {
	for want, change := range map[string]func(*disk.System){
		"its root file system takes 3 MiB (": func(s *disk.System) { s.Layout.Root = 2 << 20 },
		"and a root partition has 2 MiB":     func(s *disk.System) { s.Layout.Root = 2 << 20 },
		"cannot make a disk of \"web\": two versions of its unified kernel image take 46 MiB, and the EFI system partition has 40 MiB": func(s *disk.System) { s.Initrd = make([]byte, 20<<20+512<<10) },
	} {
		s := system(t)
		change(&s)
		dir := t.TempDir()
		err := newDisk(t, openStore(t), s).Write(t.Context(), disk.Raw, filepath.Join(dir, "disk"), nil)
		if err == nil || !strings.Contains(err.Error(), want) || len(kiln.HintsOf(err)) == 0 {
			t.Errorf("error %v with %q, want %s", err, kiln.HintsOf(err), want)
		}
		if names := readNames(t, dir); len(names) > 0 {
			t.Errorf("%q was left behind", names)
		}
	}
}

// GUIDs are the halves of the root hash.
func TestGUIDs(t *testing.T) {
	hash := hex.EncodeToString([]byte("0123456789abcdefABCDEFGHIJKLMNOP"))
	a, b, err := disk.GUIDs(hash)
	if err != nil || a.String() != "30313233-3435-3637-3839-616263646566" || b.String() != "41424344-4546-4748-494a-4b4c4d4e4f50" {
		t.Errorf("%s %s %v", a, b, err)
	}
	if _, _, err := disk.GUIDs(hash[2:]); err == nil {
		t.Error("31 bytes are a root hash")
	}
}
