package apt

import (
	"archive/tar"
	"bufio"
	"bytes"
	"crypto/rsa"
	"encoding/json"
	"io"
	"math/big"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
	"github.com/klauspost/compress/zstd"

	"kiln/internal/apt/apttest"
)

// scene is one archive update that apt was recorded doing.
type scene struct {
	Argv         []string
	Etc, Tree    string
	HadLists     bool `json:"had_lists_before"`
	ListsChanged bool `json:"lists_changed"`
	Messages     []string
	Now          json.Number
	Options      map[string]string
	RC           string
	Sources      string
	Step, Test   string
}

func (s scene) name() string { return s.Test + "/" + s.Step }

// corpus is the recorded scenes and the files that they name, by folder.
type corpus struct {
	scenes []scene
	trees  map[string]apttest.Site
	links  map[string]map[string]string
	dirs   map[string]bool // "tree/path" of every folder
}

// corpusPath finds the corpus: beside the repository, or where KILN_CONFORMANCE says.
func corpusPath(t *testing.T) string {
	t.Helper()
	name := os.Getenv("KILN_CONFORMANCE")
	if name == "" {
		name = filepath.Join("..", "..", "..", "shared", "conformance", "apt", "corpus.tar.zst")
	}
	if _, err := os.Stat(name); err != nil {
		t.Skipf("the recorded scenes are not on this machine: set KILN_CONFORMANCE to corpus.tar.zst (%v)", err)
	}
	return name
}

func openCorpus(t *testing.T) *corpus {
	t.Helper()
	f, err := os.Open(corpusPath(t))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := zstd.NewReader(f, zstd.WithDecoderMaxWindow(1<<30))
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	c := &corpus{trees: map[string]apttest.Site{}, links: map[string]map[string]string{}, dirs: map[string]bool{}}
	r := tar.NewReader(z)
	for {
		h, err := r.Next()
		if err == io.EOF {
			return c
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := c.add(path.Clean(h.Name), h, r); err != nil {
			t.Fatalf("%s: %v", h.Name, err)
		}
	}
}

// add takes in one file of the corpus; logs of the recording are left out.
func (c *corpus) add(name string, h *tar.Header, r io.Reader) error {
	if name == "update/index.jsonl" {
		return c.readIndex(r)
	}
	below, ok := strings.CutPrefix(name, "update/trees/")
	tree, file, inside := strings.Cut(below, "/")
	if !ok || !inside || strings.Contains(file, "webserver.log") {
		return nil
	}
	if c.trees[tree] == nil {
		c.trees[tree], c.links[tree] = apttest.Site{}, map[string]string{}
	}
	switch h.Typeflag {
	case tar.TypeSymlink:
		c.links[tree][file] = h.Linkname
	case tar.TypeDir:
		c.dirs[below] = true
	case tar.TypeReg:
		b, err := io.ReadAll(r)
		c.trees[tree][file] = b
		return err
	}
	return nil
}

func (c *corpus) readIndex(r io.Reader) error {
	s := bufio.NewScanner(r)
	s.Buffer(nil, 1<<20)
	for s.Scan() {
		var sc scene
		if err := json.Unmarshal(s.Bytes(), &sc); err != nil {
			return err
		}
		c.scenes = append(c.scenes, sc)
	}
	return s.Err()
}

// key returns the key of that name, from any scene, or the recovered one.
func (c *corpus) key(t *testing.T, name string) openpgp.EntityList {
	t.Helper()
	name = strings.ReplaceAll(name, ":", "")
	if name == "joesixpack" {
		return openpgp.EntityList{joeSixpack(t)}
	}
	for _, tree := range c.trees {
		for file, b := range tree {
			stem, ok := strings.CutSuffix(path.Base(file), ".gpg")
			if !ok || strings.ReplaceAll(stem, ":", "") != name || !strings.HasPrefix(file, "trusted.gpg.d/") {
				continue
			}
			if len(b) == 0 {
				return nil
			}
			k, err := ParseKeyring(b)
			if err != nil {
				t.Fatalf("key %s: %v", name, err)
			}
			return k.entities
		}
	}
	t.Fatalf("no key %q", name)
	return nil
}

// joeSixpack makes a keyring entry of the recovered numbers. Nobody has its
// self-signature, so one is made up, which lookups need and nothing verifies.
func joeSixpack(t *testing.T) *openpgp.Entity {
	t.Helper()
	b, err := os.ReadFile("testdata/joesixpack.key")
	if err != nil {
		t.Fatal(err)
	}
	var created, exponent, modulus big.Int
	var digits string
	for line := range bytes.Lines(b) {
		f := strings.Fields(string(line))
		switch f[0] {
		case "created":
			created.SetString(f[1], 10)
		case "exponent":
			exponent.SetString(f[1], 10)
		case "modulus":
			digits += f[1]
		}
	}
	modulus.SetString(digits, 16)
	pk := packet.NewRSAPublicKey(time.Unix(created.Int64(), 0), &rsa.PublicKey{N: &modulus, E: int(exponent.Int64())})
	name := "Joe Sixpack <joe@example.org>"
	self := &packet.Signature{CreationTime: pk.CreationTime, FlagsValid: true, FlagSign: true, FlagCertify: true}
	id := &openpgp.Identity{Name: name, UserId: packet.NewUserId("Joe Sixpack", "", "joe@example.org"), SelfSignature: self}
	return &openpgp.Entity{PrimaryKey: pk, Identities: map[string]*openpgp.Identity{name: id}}
}
