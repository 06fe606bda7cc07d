package drills_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// real skips unless real packages and real tools are asked for.
func real(t *testing.T) {
	t.Helper()
	if os.Getenv("KILN_TEST") != "real" {
		t.Skip("needs a Debian mirror and other tools: set KILN_TEST=real")
	}
}

// built is the kiln binary of this checkout, built once for all drills.
var built struct {
	once sync.Once
	path string
	err  error
}

func TestMain(m *testing.M) {
	status := m.Run()
	if built.path != "" {
		os.RemoveAll(filepath.Dir(built.path))
	}
	os.Exit(status)
}

func kilnBinary(t *testing.T) string {
	t.Helper()
	built.once.Do(func() {
		dir, err := os.MkdirTemp("", "kiln-drill")
		if err != nil {
			built.err = err
			return
		}
		_ = os.Chmod(dir, 0o755)
		built.path = filepath.Join(dir, "kiln")
		cmd := exec.Command("go", "build", "-o", built.path, "kiln/cmd/kiln")
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			built.err = err
			t.Log(string(out))
		}
	})
	if built.err != nil {
		t.Fatalf("cannot build kiln: %v", built.err)
	}
	return built.path
}

// image is one element of "images" of kiln build --json.
type image struct {
	Platform string `json:"platform"`
	Digest   string `json:"digest"`
	Tree     string `json:"tree"`
	Size     int64  `json:"size"`
	Packages int    `json:"packages"`
	Layers   []struct {
		Name   string `json:"name"`
		Digest string `json:"digest"`
		DiffID string `json:"diffID"`
		Size   int64  `json:"size"`
	} `json:"layers"`
}

// report is what kiln build --json prints.
type report struct {
	Images    []image `json:"images"`
	Index     string  `json:"index"`
	Lock      string  `json:"lock"`
	Output    string  `json:"output"`
	ElapsedMS int64   `json:"elapsed_ms"`
}

func (r report) platform(t *testing.T, name string) image {
	t.Helper()
	for _, img := range r.Images {
		if img.Platform == name {
			return img
		}
	}
	t.Fatalf("no image for %s in %+v", name, r)
	return image{}
}

// run runs a command in dir and returns its standard output; it fails the test otherwise.
func run(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	return output(t, cmd)
}

func output(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s: %v\n%s%s", strings.Join(cmd.Args, " "), err, out.String(), errs.String())
	}
	return out.String()
}

// build runs kiln build --json with the shared store.
func build(t *testing.T, dir string, args ...string) report {
	t.Helper()
	return buildIn(t, dir, sharedStore(t), args...)
}

func buildIn(t *testing.T, dir, store string, args ...string) report {
	t.Helper()
	cmd := exec.Command(kilnBinary(t), append([]string{"build", "--json", "--store", store}, args...)...)
	cmd.Dir = dir
	return decode(t, output(t, cmd))
}

func decode(t *testing.T, text string) report {
	t.Helper()
	var r report
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		t.Fatalf("kiln build --json printed %q: %v", text, err)
	}
	return r
}

// sharedStore is one store for all drills of a run, so that packages are fetched once.
func sharedStore(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(filepath.Dir(kilnBinary(t)), "store")
	if err := os.MkdirAll(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	return dir
}

// example copies a recipe of this checkout into a folder of its own, so that its
// lock stands there.
func example(t *testing.T, name string) string {
	t.Helper()
	dir := t.TempDir()
	data, err := os.ReadFile(filepath.Join("..", "examples", name, "kiln.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "kiln.yaml"), string(data))
	return dir
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}
