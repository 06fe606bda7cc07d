package verity_test

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"kiln/internal/disk/verity"
)

func data(blocks int) []byte {
	b := make([]byte, blocks*verity.BlockSize)
	_, _ = rand.NewChaCha8([32]byte{byte(blocks)}).Read(b)
	return b
}

func write(t *testing.T, b []byte, o verity.Options) (*verity.Tree, []byte) {
	t.Helper()
	tree, err := verity.New(bytes.NewReader(b), int64(len(b)), o)
	if err != nil {
		t.Fatal(err)
	}
	var w bytes.Buffer
	if n, err := tree.WriteTo(&w); err != nil || n != tree.Size() || n != int64(w.Len()) {
		t.Fatalf("wrote %d bytes of %d, error %v", n, tree.Size(), err)
	}
	return tree, w.Bytes()
}

// The hash tree of these is what veritysetup 2.6.1 wrote.
func TestKnown(t *testing.T) {
	for _, row := range []struct {
		blocks int
		salt   string
		root   string
	}{
		{1, "", "b3b233236b17605aff7c14da23b692dcc69cf2bf634aefc74197fedef2c669b5"},
		{2, "00ff", "9e57ca20f2c9976ba79f349bc1ba2c4777b4dc181480570cf557b337bbd3cc5d"},
		{129, "0123456789abcdef", "71cec68514b83cf6701e9698ae35f35fca5819b01312f6fd3b60854ac22e9f94"},
	} {
		salt, _ := hex.DecodeString(row.salt)
		tree, _ := write(t, data(row.blocks), verity.Options{Salt: salt})
		if got := hex.EncodeToString(tree.Root[:]); got != row.root {
			t.Errorf("%d blocks, salt %q: root hash %s, want %s", row.blocks, row.salt, got, row.root)
		}
	}
}

func TestRefused(t *testing.T) {
	b := data(1)
	for _, row := range []struct {
		size int64
		salt int
		want string
	}{
		{0, 0, "want a multiple of 4096"},
		{100, 0, "want a multiple of 4096"},
		{-4096, 0, "want a multiple of 4096"},
		{2 * 4096, 0, "cannot read block 1"},
		{4096, 257, "more than 256"},
	} {
		_, err := verity.New(bytes.NewReader(b), row.size, verity.Options{Salt: make([]byte, row.salt)})
		if err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%+v: error %v", row, err)
		}
	}
}

// The hash device is to the byte what veritysetup writes, and veritysetup finds each
// flipped bit of the data.
func TestVeritysetup(t *testing.T) {
	if os.Getenv("KILN_TEST") != "real" {
		t.Skip("asks veritysetup: KILN_TEST=real")
	}
	dir := t.TempDir()
	uuid := [16]byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}
	for _, blocks := range []int{1, 2, 127, 128, 129, 128 * 128, 128*128 + 1} {
		for _, salt := range []string{"-", "00ff", "0123456789abcdef", strings.Repeat("5a", verity.MaxSalt)} {
			t.Run(fmt.Sprintf("%d blocks, salt of %d", blocks, len(salt)/2), func(t *testing.T) {
				b := data(blocks)
				raw, _ := hex.DecodeString(strings.Trim(salt, "-"))
				tree, got := write(t, b, verity.Options{Salt: raw, UUID: uuid})
				file, hashes := filepath.Join(dir, "data"), filepath.Join(dir, "hash")
				if err := os.WriteFile(file, b, 0o600); err != nil {
					t.Fatal(err)
				}
				os.Remove(hashes)
				out, err := exec.Command("veritysetup", "format", "--salt", salt, "--uuid", "01020304-0506-0708-090a-0b0c0d0e0f10", file, hashes).CombinedOutput()
				if err != nil {
					t.Fatalf("veritysetup: %v\n%s", err, out)
				}
				root := hex.EncodeToString(tree.Root[:])
				if !strings.Contains(string(out), root) {
					t.Errorf("root hash %s, veritysetup says\n%s", root, out)
				}
				want, err := os.ReadFile(hashes)
				if err != nil || !bytes.Equal(got, want) {
					t.Errorf("the hash device differs from veritysetup's (%d and %d bytes), %v", len(got), len(want), err)
				}
				b[len(b)/2] ^= 4
				if err := os.WriteFile(file, b, 0o600); err != nil {
					t.Fatal(err)
				}
				if out, err := exec.Command("veritysetup", "verify", file, hashes, root).CombinedOutput(); err == nil {
					t.Errorf("a flipped bit is not found: %s", out)
				}
			})
		}
	}
}
