package maint_test

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bmatcuk/doublestar/v4"

	"kiln"
	"kiln/internal/apt"
	"kiln/internal/deb"
	"kiln/internal/maint"
	"kiln/internal/tree"
)

func readPackage(t *testing.T, data []byte, contents tree.Bytes) maint.Package {
	t.Helper()
	a, err := deb.Open(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	c, err := a.Control()
	if err != nil {
		t.Fatal(err)
	}
	r, err := a.Data(deb.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	entries, err := tree.ReadTar(r, func(content io.Reader) (kiln.Digest, int64, error) {
		b, err := io.ReadAll(content)
		d := kiln.DigestOf(b)
		contents[d] = b
		return d, int64(len(b)), err
	})
	if err != nil {
		t.Fatal(err)
	}
	return maint.Package{
		ID:        kiln.PackageID{Name: c.Package.Name, Version: c.Package.Version, Architecture: c.Package.Architecture},
		Info:      c.Package,
		Paragraph: c.Paragraph,
		Files:     c.Files,
		Entries:   entries,
	}
}

// describe is one entry as parity compares it: type, mode, owner, link, content,
// capabilities; no time.
func describe(e tree.Entry) string {
	s := fmt.Sprintf("%c %04o %d:%d", e.Type, e.Mode, e.UID, e.GID)
	if e.Type == tree.Symlink {
		s = "l -> " + e.Link
	}
	if e.Type == tree.File {
		s += " " + string(e.Content[:19])
	}
	for _, k := range []string{"security.capability"} {
		if v, ok := e.Xattrs[k]; ok {
			s += fmt.Sprintf(" %s=%x", k, v)
		}
	}
	return s
}

// parityEpoch is the time that both sides take for now.
const parityEpoch = 1_700_000_000

// For a set of packages, the tree that kiln makes is the tree that dpkg makes: type,
// mode, owner, link target, content and capabilities of every path. mmdebstrap
// makes the other one, and its .debs are what kiln installs. testdata/parity.txt
// lists the differences that are accepted, each with its reason.
func TestParity(t *testing.T) {
	if os.Getenv("KILN_TEST") != "real" {
		t.Skip("needs mmdebstrap and a Debian mirror: set KILN_TEST=real")
	}
	for _, set := range []string{"", "curl,ca-certificates,git", "perl,ruby,gcc"} {
		t.Run("minbase,"+set, func(t *testing.T) { parity(t, set) })
	}
}

func parity(t *testing.T, set string) {
	peer, contents := mmdebstrap(t, set)
	var debs []maint.Package
	want := map[string]tree.Entry{}
	for _, e := range peer {
		if strings.HasPrefix(e.Path, "var/cache/apt/archives/") && strings.HasSuffix(e.Path, ".deb") {
			debs = append(debs, readPackage(t, contents[e.Content], contents))
			continue
		}
		want[e.Path] = e
	}
	var printed bytes.Buffer
	res, err := maint.Install(context.Background(), maint.Input{
		Tree: tree.New(), Contents: contents, Packages: maint.InOrder(debs), Arch: "amd64", Epoch: parityEpoch,
		Enable: func(string) bool { return true }, Output: &printed,
	})
	if err != nil {
		t.Fatalf("%v\n%s", err, printed.String())
	}
	got := map[string]tree.Entry{}
	for _, e := range res.Tree.Entries() {
		got[e.Path] = e
	}
	undate(t, got, res.Contents)
	undate(t, want, contents)
	equal, accepted := compare(t, got, want)
	t.Logf("RESULT set minbase,%s: %d packages, %d scripts run, %d entries, %d equal, %d accepted", set, len(debs), len(res.Runs), len(want), equal, accepted)
}

// compare reports every difference that is not accepted.
func compare(t *testing.T, got, want map[string]tree.Entry) (equal, accepted int) {
	t.Helper()
	rules := acceptedDifferences(t)
	paths := map[string]bool{}
	for p := range want {
		paths[p] = true
	}
	for p := range got {
		paths[p] = true
	}
	for _, p := range slices.Sorted(maps.Keys(paths)) {
		g, w := "nothing", "nothing"
		if e, ok := got[p]; ok {
			g = describe(e)
		}
		if e, ok := want[p]; ok {
			w = describe(e)
		}
		switch {
		case g == w:
			equal++
		case slices.ContainsFunc(rules, func(r string) bool {
			return doublestar.MatchUnvalidated(r, p) || doublestar.MatchUnvalidated(r, p+"->"+got[p].Link+want[p].Link)
		}):
			accepted++
		default:
			t.Errorf("%s: kiln has %s, dpkg %s", p, g, w)
		}
	}
	return equal, accepted
}

// acceptedDifferences reads testdata/parity.txt: a pattern of paths, or of links as
// path->target, then the reason.
func acceptedDifferences(t *testing.T) []string {
	t.Helper()
	data, err := os.ReadFile("testdata/parity.txt")
	if err != nil {
		t.Fatal(err)
	}
	var patterns []string
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		pattern, why, _ := strings.Cut(line, " ")
		if strings.TrimSpace(why) == "" {
			t.Errorf("testdata/parity.txt: %q has no reason", pattern)
		}
		patterns = append(patterns, pattern)
	}
	return patterns
}

// mmdebstrap makes a tree of minbase and further packages, with the .debs that it
// was made of still in apt's cache.
func mmdebstrap(t *testing.T, set string) ([]tree.Entry, tree.Bytes) {
	t.Helper()
	mirrors, err := apt.FindMirrors(apt.MirrorOptions{Getenv: os.Getenv, Host: os.DirFS("/etc/apt")})
	if err != nil {
		t.Fatal(err)
	}
	main, err := mirrors.Of("debian")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "peer.tar")
	args := []string{"--variant=minbase", "--skip=essential/unlink", "--skip=cleanup/apt/cache", "--quiet"}
	if set != "" {
		args = append(args, "--include="+set)
	}
	args = append(args, "trixie", file, "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] "+main[0]+" trixie main")
	cmd := exec.Command("mmdebstrap", args...)
	cmd.Env = append(os.Environ(), fmt.Sprintf("SOURCE_DATE_EPOCH=%d", parityEpoch))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("mmdebstrap: %v\n%s", err, out)
	}
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	contents := tree.Bytes{}
	entries, err := readPeer(f, contents)
	if err != nil {
		t.Fatal(err)
	}
	return entries, contents
}

// readPeer reads a tar with names as GNU tar and mmdebstrap write them; devices
// are left out.
func readPeer(r io.Reader, contents tree.Bytes) ([]tree.Entry, error) {
	tr := tar.NewReader(r)
	var list []tree.Entry
	byPath := map[string]tree.Entry{}
	for {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return list, nil
		}
		if err != nil {
			return nil, err
		}
		e := tree.Entry{Path: strings.Trim(strings.TrimPrefix(h.Name, "."), "/"), Mode: uint32(h.Mode) & 0o7777, UID: h.Uid, GID: h.Gid}
		if e.Path == "" {
			e.Path = "."
		}
		switch h.Typeflag {
		case tar.TypeReg:
			b, err := io.ReadAll(tr)
			if err != nil {
				return nil, err
			}
			e.Type, e.Size, e.Content = tree.File, h.Size, kiln.DigestOf(b)
			contents[e.Content] = b
		case tar.TypeLink:
			e = byPath[strings.Trim(strings.TrimPrefix(h.Linkname, "."), "/")]
			e.Path = strings.Trim(strings.TrimPrefix(h.Name, "."), "/")
		case tar.TypeDir:
			e.Type = tree.Dir
		case tar.TypeSymlink:
			e.Type, e.Link = tree.Symlink, h.Linkname
		default:
			continue
		}
		for k, v := range h.PAXRecords {
			if name, ok := strings.CutPrefix(k, "SCHILY.xattr."); ok {
				if e.Xattrs == nil {
					e.Xattrs = map[string]string{}
				}
				e.Xattrs[name] = v
			}
		}
		byPath[e.Path] = e
		list = append(list, e)
	}
}
