package fat_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"kiln"
	"kiln/internal/disk/fat"
)

const epoch kiln.Epoch = 1700000000

func file(path string, content []byte) fat.File {
	return fat.File{Path: path, Size: int64(len(content)), ModTime: epoch, Open: func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(content)), nil
	}}
}

func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{byte(n)}).Read(b)
	return b
}

// sample has one of each kind of name and size.
func sample() (files []fat.File, content map[string][]byte) {
	content = map[string][]byte{
		"EFI/BOOT/BOOTX64.EFI":            random(200_000),
		"EFI/systemd/systemd-bootx64.efi": random(4096),
		"EFI/Linux/web_1.4.0+3-0.efi":     random(4097),
		"EFI/Linux/web_1.5.0+3-0.efi":     random(511),
		"loader/loader.conf":              []byte("timeout 0\n"),
		"loader/empty":                    nil,
		"loader/.hidden":                  []byte("h"),
		"loader/a.b.c":                    []byte("abc"),
		"loader/exactly13char":            []byte("13"),
		"loader/" + strings.Repeat("long name ", 15) + "äöü": []byte("long"),
		"README": []byte("upper case\n"),
		"lower":  []byte("lower case\n"),
	}
	for i := range 200 { // a directory of several clusters
		content[fmt.Sprintf("many/file number %d", i)] = []byte{byte(i)}
	}
	for path, text := range content {
		files = append(files, file(path, text))
	}
	files = append(files, fat.File{Path: "EFI/Linux", Dir: true, ModTime: epoch - 1e8}, fat.File{Path: "empty directory", Dir: true, ModTime: epoch})
	return files, content
}

func write(t *testing.T, o fat.Options, files []fat.File) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := fat.Write(&b, o, files); err != nil {
		t.Fatal(err)
	}
	if int64(b.Len()) != o.Size {
		t.Fatalf("wrote %d bytes, want %d", b.Len(), o.Size)
	}
	return b.Bytes()
}

// The bytes are a promise, and do not depend on the files' order.
func TestGolden(t *testing.T) {
	files, _ := sample()
	const want = "sha256:f31d1e32edc96f39abed05c1c513d41bb03618e0ae94a3326cf16431fd33c5f6"
	for range 3 {
		if got := kiln.DigestOf(write(t, fat.Options{Size: 64 << 20, Label: "esp", VolumeID: 0x12345678, ModTime: epoch}, files)); got != want {
			t.Errorf("digest %s, want %s", got, want)
		}
		slices.Reverse(files)
		rand.Shuffle(len(files), func(i, j int) { files[i], files[j] = files[j], files[i] })
	}
}

func TestRefused(t *testing.T) {
	short := file("short", random(10))
	short.Size = 11
	long := file("long", random(12))
	long.Size = 11
	broken := file("broken", random(10))
	broken.Open = func() (io.ReadCloser, error) { return nil, errors.New("gone") }
	for _, row := range []struct {
		o     fat.Options
		files []fat.File
		want  string
	}{
		{fat.Options{Size: fat.MinSize - 512}, nil, "no size"},
		{fat.Options{Size: 64<<20 + 1}, nil, "no size"},
		{fat.Options{Size: 64 << 20, Label: "twelve chars"}, nil, "no volume label"},
		{fat.Options{Size: 64 << 20}, []fat.File{file("a", nil), file("A", nil)}, `is there twice`},
		{fat.Options{Size: 64 << 20}, []fat.File{file("a", nil), file("a/b", nil)}, `is there twice`},
		{fat.Options{Size: 64 << 20}, []fat.File{file("a//b", nil)}, "is no name"},
		{fat.Options{Size: 64 << 20}, []fat.File{file("../b", nil)}, "is no name"},
		{fat.Options{Size: 64 << 20}, []fat.File{file("a:b", nil)}, "a character that FAT does not"},
		{fat.Options{Size: 64 << 20}, []fat.File{file("a.", nil)}, "ends in a dot"},
		{fat.Options{Size: 64 << 20}, []fat.File{file(strings.Repeat("n", 256), nil)}, "too long"},
		{fat.Options{Size: 64 << 20}, []fat.File{{Path: "huge", Size: 1 << 32}}, "more than it can hold"},
		{fat.Options{Size: fat.MinSize}, []fat.File{{Path: "large", Size: 40 << 20}}, "no room"},
		{fat.Options{Size: 64 << 20}, []fat.File{short}, "has 10 bytes, not 11"},
		{fat.Options{Size: 64 << 20}, []fat.File{long}, "has 12 bytes, not 11"},
		{fat.Options{Size: 64 << 20}, []fat.File{broken}, "gone"},
	} {
		err := fat.Write(io.Discard, row.o, row.files)
		if err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("error %v, want %s", err, row.want)
		}
	}
}

// fsck.vfat finds nothing to mend, and mtools reads what was written.
func TestJudges(t *testing.T) {
	if os.Getenv("KILN_TEST") != "real" {
		t.Skip("asks fsck.vfat and mtools: KILN_TEST=real")
	}
	files, content := sample()
	for _, size := range []int64{fat.MinSize, 64 << 20, 256<<20 + 512, 300 << 20} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			image := filepath.Join(t.TempDir(), "esp")
			if err := os.WriteFile(image, write(t, fat.Options{Size: size, Label: "ESP", VolumeID: 0xabcd1234, ModTime: epoch}, files), 0o600); err != nil {
				t.Fatal(err)
			}
			run := func(argv ...string) string {
				cmd := exec.Command(argv[0], argv[1:]...)
				cmd.Env = append(os.Environ(), "MTOOLS_SKIP_CHECK=0", "TZ=UTC", "LC_ALL=C.UTF-8")
				out, err := cmd.CombinedOutput()
				if err != nil {
					t.Errorf("%q: %v\n%s", argv, err, out)
				}
				return string(out)
			}
			if out := run("fsck.vfat", "-n", image); strings.Contains(out, "differ") || strings.Contains(out, "wrong") {
				t.Errorf("fsck.vfat: %s", out)
			}
			if out := run("mlabel", "-s", "-i", image); !strings.Contains(out, "ESP") {
				t.Errorf("mlabel: %s", out)
			}
			if size != 64<<20 {
				return
			}
			to := t.TempDir()
			run("mcopy", "-s", "-m", "-i", image, "::*", to)
			found := 0
			for path, want := range content {
				got, err := os.ReadFile(filepath.Join(to, path))
				if err != nil || !bytes.Equal(got, want) {
					t.Errorf("%q: %d bytes, want %d, %v", path, len(got), len(want), err)
				}
				found++
			}
			if info, err := os.Stat(filepath.Join(to, "README")); err != nil || info.ModTime().Unix() != int64(epoch) {
				t.Errorf("time of README: %v %v", info, err)
			}
			if info, err := os.Stat(filepath.Join(to, "empty directory")); err != nil || !info.IsDir() {
				t.Errorf("the empty directory: %v", err)
			}
		})
	}
}
