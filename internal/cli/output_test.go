package cli_test

import (
	"archive/tar"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kiln/internal/apt/apttest"
)

// members lists the files of a tar.
func (s *scene) members(name string) []string {
	s.t.Helper()
	f, err := os.Open(s.path(name))
	if err != nil {
		s.t.Fatal(err)
	}
	defer f.Close()
	var all []string
	for r := tar.NewReader(f); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			s.t.Fatal(err)
		}
		all = append(all, h.Name)
	}
}

// Each type of output, alone and all at once, and twice.
func TestOutputs(t *testing.T) {
	t.Parallel()
	s := newScene(t, apttest.New(stable()))
	r := s.build("-o", "oci:a.oci", "-o", "oci-archive:a.tar", "-o", "docker-archive:a.docker.tar", "-o", "tar:a.root.tar", "-o", "folder:a.root")
	if r.Output != "a.oci" || r.Lock != "web/kiln.lock" {
		t.Errorf("%+v", r)
	}
	s.wholeLayout("a.oci")
	if got := s.layoutDigest("a.oci"); got != r.Index {
		t.Errorf("index.json is %s, reported %s", got, r.Index)
	}
	img := r.Images[0]
	blobs := []string{"blobs/sha256/" + strings.TrimPrefix(img.Digest, "sha256:")}
	for _, l := range img.Layers {
		blobs = append(blobs, "blobs/sha256/"+strings.TrimPrefix(l.Digest, "sha256:"))
	}
	for name, wanted := range map[string][]string{
		"a.tar":        append([]string{"oci-layout", "index.json"}, blobs...),
		"a.docker.tar": append([]string{"manifest.json"}, blobs...),
		"a.root.tar":   {"usr/bin/alpha", "usr/bin/al", "etc/app.conf", "var/lib/dpkg/status"},
	} {
		have := s.members(name)
		for _, w := range wanted {
			if !slices.Contains(have, w) && !slices.Contains(have, "./"+w) {
				t.Errorf("%s has no %s, it has %q", name, w, have)
			}
		}
	}
	files := s.snapshot()
	if got := files["/a.root/usr/bin/al"]; !strings.HasSuffix(got, " alpha") {
		t.Errorf("a.root/usr/bin/al is %q", got)
	}
	if got := s.read("a.root/etc/app.conf"); got != "listen=:8080\n" {
		t.Errorf("a.root/etc/app.conf is %q", got)
	}
	for _, o := range []string{"oci:a.oci", "oci-archive:a.tar", "docker-archive:a.docker.tar", "tar:a.root.tar"} {
		s.does("build", "web", "-o", o)
	}
	s.does("build", "web", "-o", "folder:b.root")
	again := s.snapshot()
	maps.DeleteFunc(again, func(name, _ string) bool { return strings.HasPrefix(name, "/b.root") })
	if diff := cmp.Diff(files, again); diff != "" {
		t.Errorf("the second time gives something else:\n%s", diff)
	}
	for name, what := range files {
		if rest, ok := strings.CutPrefix(name, "/a.root/"); ok {
			if got := s.snapshot()["/b.root/"+rest]; got != what {
				t.Errorf("/b.root/%s is %q, want %q", rest, got, what)
			}
		}
	}
}

// An output takes the place of its own kind only; what is there stays, and no
// other output of the same command is written either.
func TestOutputInTheWay(t *testing.T) {
	t.Parallel()
	s := newScene(t, apttest.New(stable()))
	s.does("lock", "web")
	s.write("home/precious", "x")
	s.write("file", "x")
	if err := os.Symlink("home", s.path("link")); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct{ output, why string }{
		{"oci:home", "a folder that is no image layout is there, and is not empty"},
		{"oci:web", "a folder that is no image layout is there, and is not empty"},
		{"folder:home", "a folder that is not empty is there"},
		{"oci:file", "something that is not a folder is there"},
		{"folder:file", "something that is not a folder is there"},
		{"oci:link", "something that is not a folder is there"},
		{"tar:home", "something that is not a file is there"},
		{"oci-archive:home", "something that is not a file is there"},
		{"docker-archive:link", "something that is not a file is there"},
		{"oci:no/such.oci", "no such file or directory"},
		{"tar:file/x.tar", "not a directory"},
	} {
		_, path, _ := strings.Cut(row.output, ":")
		for _, first := range []string{"", " -o oci:first.oci"} {
			s.refuses("build web"+first+" -o "+row.output, 1, fmt.Sprintf("cannot write the output %q: ", path), row.why, "try: ")
		}
	}
	s.refuses("build web -o oci:x -o oci:./x", 2, `two outputs`, "try: ")
	s.refuses("build web -o oci:x -o oci-archive:x", 2, `two outputs`, "try: ")
	s.refuses("build web -o docker:x", 2, `cannot read the output "docker:x"`, "try: -o oci:web.oci")
	s.refuses("build web --compression lz4", 2, "lz4", "try: --compression gzip")
	s.refuses("build web --compression zstd -o docker-archive:x.tar", 1, "is not compressed with gzip", "try: --compression gzip")
	empty := s.build("-o", "oci:tmp") // an empty folder is no loss
	if got := s.layoutDigest("tmp"); got != empty.Index {
		t.Errorf("index.json is %s, reported %s", got, empty.Index)
	}
}

// The one JSON object has the keys that are promised, of the types that are
// promised, and no other; so has the lock.
func TestJSON(t *testing.T) {
	t.Parallel()
	s := newScene(t, apttest.New(stable()))
	got := shape(t, s.does("build", "web", "--json").stdout)
	want := strings.Join([]string{
		".elapsed_ms number", ".images[].digest string", ".images[].layers[].diffID string", ".images[].layers[].digest string",
		".images[].layers[].name string", ".images[].layers[].size number", ".images[].packages number", ".images[].platform string",
		".images[].size number", ".images[].tree string", ".index string", ".lock string", ".output string",
		".outputs[].path string", ".outputs[].type string",
	}, "\n")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("kiln build --json (-want +got):\n%s", diff)
	}
	lock := shape(t, s.read("web/kiln.lock"))
	for _, key := range []string{"name", "version", "architecture", "source", "archive", "path", "sha256", "required_by[]"} {
		if line := ".platforms.linux/amd64.packages[]." + key + " string\n"; !strings.Contains(lock+"\n", line) {
			t.Errorf("the lock has no %s:\n%s", line, lock)
		}
	}
	if !strings.Contains(lock, ".platforms.linux/amd64.packages[].size number") {
		t.Errorf("the lock has no sizes:\n%s", lock)
	}
	if strings.Contains(s.read("web/kiln.lock"), "127.0.0.1") {
		t.Error("the lock holds the address of the mirror")
	}
}

// shape lists the paths of a JSON document with their types.
func shape(t *testing.T, text string) string {
	t.Helper()
	var doc any
	if err := json.Unmarshal([]byte(text), &doc); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	paths := map[string]bool{}
	var walk func(path string, v any)
	walk = func(path string, v any) {
		switch v := v.(type) {
		case map[string]any:
			for k, e := range v {
				walk(path+"."+k, e)
			}
		case []any:
			for _, e := range v {
				walk(path+"[]", e)
			}
		case string:
			paths[path+" string"] = true
		case float64:
			paths[path+" number"] = true
		default:
			paths[fmt.Sprintf("%s %T", path, v)] = true
		}
	}
	walk("", doc)
	return strings.Join(slices.Sorted(maps.Keys(paths)), "\n")
}

// Standard output holds results alone; -q leaves them alone too.
func TestStreams(t *testing.T) {
	t.Parallel()
	s := newScene(t, apttest.New(stable()))
	o := s.does("build", "web")
	if !strings.Contains(o.stdout, "wrote oci:web.oci") || !strings.Contains(o.stderr, "no lock beside the recipe: making web/kiln.lock") {
		t.Errorf("%s", o)
	}
	s.remove("web/kiln.lock")
	if o := s.does("build", "web", "-q"); o.stderr != "" || !strings.Contains(o.stdout, "wrote oci:web.oci") {
		t.Errorf("%s", o)
	}
	s.remove("web/kiln.lock")
	if o := s.does("lock", "web", "--json", "-q"); !json.Valid([]byte(o.stdout)) || o.stderr != "" {
		t.Errorf("%s", o)
	}
}
