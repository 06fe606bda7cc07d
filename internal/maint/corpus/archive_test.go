package corpus_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/therootcompany/xz"

	"kiln"
	"kiln/internal/apt"
	"kiln/internal/deb"
	"kiln/internal/maint"
	"kiln/internal/resolve"
	"kiln/internal/store"
	"kiln/internal/tree"
)

// archive is trixie's main archive for amd64, without the later pockets: they
// would change what is chosen from one week to the next.
type archive struct {
	client *apt.Client
	pocket apt.Pocket
	index  []described
	solver *resolve.Index
	files  *pool

	transfers, processors chan struct{} // how many at once

	mu       sync.Mutex
	arrivals map[string]*arrival
}

func openArchive(t *testing.T) *archive {
	t.Helper()
	mirrors, err := apt.FindMirrors(apt.MirrorOptions{Getenv: os.Getenv, Host: os.DirFS("/etc/apt")})
	if err != nil {
		t.Fatal(err)
	}
	dir := os.Getenv("KILN_CORPUS_STORE") // to run it again without a download
	if dir == "" {
		dir = t.TempDir()
	}
	st, err := store.Open(filepath.Join(dir, "store"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	debian, err := apt.Debian("trixie", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	a := &archive{pocket: debian.Pockets[0], arrivals: map[string]*arrival{}, transfers: make(chan struct{}, 8), processors: make(chan struct{}, runtime.GOMAXPROCS(0))}
	a.files = newPool(t, st)
	a.client = &apt.Client{Store: st, Mirrors: mirrors, Now: time.Now()}
	if err := a.readIndex(context.Background()); err != nil {
		t.Fatal(err)
	}
	return a
}

// readIndex reads the archive's packages, and what they suggest.
func (a *archive) readIndex(ctx context.Context) error {
	rel, err := a.client.Release(ctx, a.pocket)
	if err != nil {
		return err
	}
	indexes, err := a.client.Indexes(ctx, a.pocket, rel, "amd64")
	if err != nil {
		return err
	}
	if len(indexes) != 1 {
		return fmt.Errorf("%d indexes, want that of main", len(indexes))
	}
	packages, err := a.client.Packages(ctx, a.pocket, indexes[0])
	if err != nil {
		return err
	}
	suggests, err := a.suggestions(indexes[0])
	if err != nil {
		return err
	}
	var candidates []resolve.Candidate
	for i := range packages.Len() {
		p := packages.Package(i)
		a.index = append(a.index, described{p, suggests[p.Name]})
		candidates = append(candidates, resolve.Candidate{Package: p, Archive: a.pocket.ID(), Source: "debian"})
	}
	a.solver = resolve.NewIndex(candidates)
	return nil
}

// suggestions reads a field that only the choice needs out of the index again.
func (a *archive) suggestions(ix apt.Index) (map[string]deb.Relations, error) {
	packed, err := a.client.Store.ReadAll(ix.Digest)
	if err != nil {
		return nil, err
	}
	r, err := xz.NewReader(bytes.NewReader(packed), 0)
	if err != nil {
		return nil, err
	}
	all, paragraphs := map[string]deb.Relations{}, deb.NewReader(r)
	for {
		p, err := paragraphs.Next()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		name := p.Get("Package")
		if text, ok := p.Lookup("Suggests"); ok {
			if all[name], err = deb.ParseRelations(text); err != nil {
				return nil, err
			}
		}
	}
}

// arrival is a package on its way: whole, or err set, when done is closed.
type arrival struct {
	done chan struct{}
	pkg  *maint.Package
	err  error
}

// need has a package fetched and unpacked, once, and returns at once. Transfers go
// on while the processors are busy with what is there.
func (a *archive) need(ctx context.Context, p *deb.Package) *arrival {
	a.mu.Lock()
	defer a.mu.Unlock()
	if have := a.arrivals[p.Filename]; have != nil {
		return have
	}
	it := &arrival{done: make(chan struct{})}
	a.arrivals[p.Filename] = it
	go func() {
		defer close(it.done)
		if it.pkg, it.err = a.bring(ctx, p); it.err != nil {
			it.err = fmt.Errorf("%s: %w", p.Name, it.err)
		}
	}()
	return it
}

// wait returns a package when it is there.
func (a *archive) wait(ctx context.Context, p *deb.Package) (*maint.Package, error) {
	it := a.need(ctx, p)
	select {
	case <-it.done:
		return it.pkg, it.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (a *archive) bring(ctx context.Context, p *deb.Package) (*maint.Package, error) {
	d, err := kiln.DigestFromHex(p.SHA256)
	if err != nil {
		return nil, err
	}
	a.transfers <- struct{}{}
	err = a.client.Fetch(ctx, []apt.Item{{Pocket: a.pocket, Path: p.Filename, Digest: d, Size: p.Size, Subject: p.Name}})
	<-a.transfers
	if err != nil {
		return nil, err
	}
	a.processors <- struct{}{}
	defer func() { <-a.processors }()
	blob, err := a.client.Store.OpenAt(d) // the download was checked
	if err != nil {
		return nil, err
	}
	defer blob.Close()
	return readPackage(blob, blob.Size(), &batch{pool: a.files, deb: d, held: map[kiln.Digest][]byte{}})
}

func readPackage(r io.ReaderAt, size int64, files *batch) (*maint.Package, error) {
	opened, err := deb.Open(r, size)
	if err != nil {
		return nil, err
	}
	c, err := opened.Control()
	if err != nil {
		return nil, err
	}
	data, err := opened.Data(deb.Limits{})
	if err != nil {
		return nil, err
	}
	defer data.Close()
	entries, err := tree.ReadTar(data, files.hold)
	if err == nil {
		err = files.settle(entries)
	}
	if err != nil {
		return nil, err
	}
	return &maint.Package{
		ID:   kiln.PackageID{Name: c.Package.Name, Version: c.Package.Version, Architecture: c.Package.Architecture},
		Info: c.Package, Paragraph: c.Paragraph, Files: c.Files, Entries: entries,
	}, nil
}
