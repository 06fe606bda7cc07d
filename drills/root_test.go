package drills_test

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/bmatcuk/doublestar/v4"
)

// root is a root file system as a tar has it.
type root struct {
	entries map[string]string // path to what it is, in one line
	links   map[string]string // path of a symbolic link to its target
	content map[string][]byte // of what dpkg and shadow keep
}

// describe tells what is at a path.
func (r *root) describe(path string) string {
	if e, ok := r.entries[path]; ok {
		return e
	}
	return "nothing"
}

func keys(set map[string]bool) iter.Seq[string] { return maps.Keys(set) }

func matches(pattern, path string) bool { return doublestar.MatchUnvalidated(pattern, path) }

// lastChange is the day of a password's last change in shadow(5), which is the
// day that each side takes for now.
var lastChange = regexp.MustCompile(`(?m)^([^:]+:[^:]*:)\d+:`)

// readRoot reads a tar, without times. Devices are left out.
func readRoot(t *testing.T, path string) *root {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r := &root{entries: map[string]string{}, links: map[string]string{}, content: map[string][]byte{}}
	tr := tar.NewReader(f)
	for {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return r
		}
		if err == nil {
			err = r.add(tr, h)
		}
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
	}
}

func clean(name string) string {
	if name = strings.Trim(strings.TrimPrefix(name, "."), "/"); name != "" {
		return name
	}
	return "."
}

func (r *root) add(content io.Reader, h *tar.Header) error {
	path := clean(h.Name)
	owner := fmt.Sprintf("%04o %d:%d", h.Mode&0o7777, h.Uid, h.Gid)
	if c, ok := h.PAXRecords["SCHILY.xattr.security.capability"]; ok {
		owner += fmt.Sprintf(" capability %x", c)
	}
	switch h.Typeflag {
	case tar.TypeReg:
		b, err := io.ReadAll(content)
		if err != nil {
			return err
		}
		if path == "etc/shadow" {
			b = lastChange.ReplaceAll(b, []byte("${1}DAY:"))
		}
		if path == "var/lib/dpkg/triggers/File" {
			b = sortedLines(b)
		}
		if path == javaStore {
			if b, err = undatedStore(b); err != nil {
				return err
			}
		}
		if strings.HasPrefix(path, "etc/") || strings.HasPrefix(path, "var/lib/dpkg/") {
			r.content[path] = b
		}
		r.entries[path] = fmt.Sprintf("a file %s %x", owner, sha256.Sum256(b))[:7+len(owner)+1+16]
	case tar.TypeLink:
		r.entries[path] = r.entries[clean(h.Linkname)]
	case tar.TypeDir:
		r.entries[path] = "a directory " + owner
	case tar.TypeSymlink:
		r.entries[path], r.links[path] = "a link to "+h.Linkname, h.Linkname
	}
	return nil
}

// sortedLines sorts the lines of dpkg's list of file triggers, which has no order:
// dpkg writes it as packages came, which apt sorts by the archive's priorities.
func sortedLines(b []byte) []byte {
	lines := slices.Collect(bytes.Lines(b))
	slices.SortFunc(lines, bytes.Compare)
	return bytes.Join(lines, nil)
}
