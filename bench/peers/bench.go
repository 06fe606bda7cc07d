package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"kiln"
	"kiln/internal/lock"
	"kiln/internal/store"
)

// bench is the place of a measurement.
type bench struct {
	options  options
	checkout string // of kiln
	kiln     string // the binary
	fetched  string // the store into which packages were fetched; kept
	work     string // of this run; removed at the end
}

// nobody is a mirror at which nobody answers: what is measured needs no network.
const nobody = "http://127.0.0.1:9/debian"

func open(ctx context.Context, o options) (*bench, error) {
	for _, tool := range []string{"dpkg-deb", "mmdebstrap", "unshare"} {
		if !has(tool) {
			return nil, fmt.Errorf("cannot measure without %s: install it", tool)
		}
	}
	checkout, err := findCheckout()
	if err != nil {
		return nil, err
	}
	b := &bench{options: o, checkout: checkout, kiln: o.kiln, fetched: filepath.Join(o.cache, "fetched")}
	if err := os.MkdirAll(o.cache, 0o777); err != nil {
		return nil, err
	}
	if b.work, err = os.MkdirTemp(o.cache, "run-"); err != nil {
		return nil, err
	}
	if err := os.Chmod(b.work, 0o755); err != nil { // apt reads the archive as its own user
		return nil, err
	}
	if b.kiln == "" {
		b.kiln = filepath.Join(b.work, "kiln")
		build := child{argv: []string{"go", "build", "-o", b.kiln, "./cmd/kiln"}, dir: checkout, env: []string{"CGO_ENABLED=0"}}
		if _, _, err := build.run(ctx); err != nil {
			b.close()
			return nil, err
		}
	}
	b.kiln, err = filepath.Abs(b.kiln)
	return b, err
}

// close removes what the run left, unless something is still mounted in it.
func (b *bench) close() {
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil || strings.Contains(string(mounts), b.work) {
		fmt.Fprintf(os.Stderr, "peers: left %s as it is: something may be mounted there\n", b.work)
		return
	}
	os.RemoveAll(b.work)
}

// findCheckout goes up from the current folder to the one with go.mod.
func findCheckout() (string, error) {
	dir, err := os.Getwd()
	for err == nil {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		up := filepath.Dir(dir)
		if up == dir {
			break
		}
		dir = up
	}
	return "", fmt.Errorf("cannot find kiln's source: run this inside of its checkout")
}

// build is a kiln build that cannot reach a mirror. The recipe's lock is not written.
func (b *bench) build(recipe, store string, outputs ...string) child {
	return b.offline(append([]string{"build", recipe, "--locked", "--json", "--store", store}, outputs...)...)
}

func (b *bench) offline(args ...string) child {
	return child{
		argv: append([]string{b.kiln}, args...),
		env:  []string{"KILN_MIRROR_DEBIAN=" + nobody, "KILN_RETRIES=0"},
	}
}

// report is what of kiln build --json is looked at.
type report struct {
	Images []struct {
		Digest   string `json:"digest"`
		Size     int64  `json:"size"` // of the layers, compressed, in bytes
		Packages int    `json:"packages"`
	} `json:"images"`
}

func readReport(out []byte) (report, error) {
	var r report
	if err := json.Unmarshal(out, &r); err != nil {
		return r, fmt.Errorf("cannot read what kiln build --json printed: %w", err)
	}
	if len(r.Images) != 1 {
		return r, fmt.Errorf("kiln build made %d images, not one", len(r.Images))
	}
	return r, nil
}

// fetch locks a recipe and brings its packages into the kept store, with the network.
// The lock stays in the cache, so that every run measures the same packages. It
// returns a folder with recipe and lock.
func (b *bench) fetch(ctx context.Context, name, text string) (string, error) {
	dir := filepath.Join(b.options.cache, "recipes", name)
	if err := write(filepath.Join(dir, "kiln.yaml"), text); err != nil {
		return "", err
	}
	build := child{argv: []string{b.kiln, "build", dir, "-q", "--store", b.fetched, "-o", "oci:" + filepath.Join(b.work, "fetched.oci")}}
	_, _, err := build.run(ctx)
	return dir, err
}

// newStore makes a store that holds what the lock names (.debs, and what vouches
// for them) and nothing made of it. Its blobs are links to those of the kept store.
func (b *bench) newStore(dir string, l *lock.Lock) error {
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	st, err := store.Open(dir, store.Options{})
	if err != nil {
		return err
	}
	if err := st.Close(); err != nil {
		return err
	}
	for _, d := range blobsOf(l) {
		to := blobPath(dir, d)
		if err := os.MkdirAll(filepath.Dir(to), 0o777); err != nil {
			return err
		}
		if err := os.Link(blobPath(b.fetched, d), to); err != nil {
			return err
		}
	}
	return nil
}

func blobPath(store string, d kiln.Digest) string {
	return filepath.Join(store, "blobs", "sha256", d.Hex()[:2], d.Hex())
}

// blobsOf lists what a lock names: Releases, indexes, .debs.
func blobsOf(l *lock.Lock) []kiln.Digest {
	seen := map[kiln.Digest]bool{}
	var list []kiln.Digest
	add := func(d kiln.Digest) {
		if d != "" && !seen[d] {
			seen[d] = true
			list = append(list, d)
		}
	}
	for _, a := range l.Archives {
		for _, p := range a.Pockets {
			add(p.Release)
			add(p.Signature)
			for _, ix := range p.Indexes {
				add(kiln.Digest("sha256:" + ix.SHA256))
			}
		}
	}
	for _, p := range packagesOf(l) {
		add(kiln.Digest("sha256:" + p.SHA256))
	}
	return list
}

// platform is what is measured: the peers run programs of it.
var platform = kiln.Platform{OS: "linux", Architecture: "amd64"}

func packagesOf(l *lock.Lock) []lock.Package { return l.Platforms[platform].Packages }

func write(path, text string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(text), 0o666)
}

// recipe reads one of bench/recipes.
func (b *bench) recipe(name string) (string, error) {
	data, err := os.ReadFile(filepath.Join(b.checkout, "bench", "recipes", name, "kiln.yaml"))
	return string(data), err
}

// inBase adds lines to the only layer of one of bench/recipes, behind its packages.
func inBase(text, lines string) string {
	return strings.Replace(text, "\nrules:", "\n"+lines+"rules:", 1)
}
