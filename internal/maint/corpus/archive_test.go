package corpus_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/therootcompany/xz"
	"golang.org/x/sync/errgroup"

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

	mu       sync.Mutex
	packages map[string]*maint.Package // by name, what was unpacked
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
	a := &archive{pocket: debian.Pockets[0], packages: map[string]*maint.Package{}, files: newPool(t)}
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
	for _, p := range packages {
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

// bring downloads packages and unpacks them, in all cores.
func (a *archive) bring(ctx context.Context, list []*deb.Package) error {
	var items []apt.Item
	for _, p := range list {
		d, err := kiln.DigestFromHex(p.SHA256)
		if err != nil {
			return err
		}
		items = append(items, apt.Item{Pocket: a.pocket, Path: p.Filename, Digest: d, Size: p.Size, Subject: p.Name})
	}
	group, ctx := errgroup.WithContext(ctx)
	arrived := make(chan apt.Item, len(items))
	group.Go(func() error {
		defer close(arrived)
		return a.download(ctx, items, arrived)
	})
	for range runtime.GOMAXPROCS(0) {
		group.Go(func() error {
			for it := range arrived {
				if err := a.unpack(it.Digest); err != nil {
					return fmt.Errorf("%s: %w", it.Subject, err)
				}
			}
			return nil
		})
	}
	return group.Wait()
}

// download fetches the items and hands each on when it is there, so that the
// unpacking goes on meanwhile.
func (a *archive) download(ctx context.Context, items []apt.Item, arrived chan<- apt.Item) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(8)
	for _, it := range items {
		group.Go(func() error {
			if err := a.client.Fetch(ctx, []apt.Item{it}); err != nil {
				return err
			}
			arrived <- it
			return nil
		})
	}
	return group.Wait()
}

func (a *archive) unpack(d kiln.Digest) error {
	blob, err := a.client.Store.OpenAt(d) // the download was checked
	if err != nil {
		return err
	}
	defer blob.Close()
	p, err := readPackage(blob, blob.Size(), a.files)
	if err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.packages[p.ID.Name] = p
	return nil
}

func readPackage(r io.ReaderAt, size int64, files *pool) (*maint.Package, error) {
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
	entries, err := tree.ReadTar(data, files.keep)
	if err != nil {
		return nil, err
	}
	return &maint.Package{
		ID:   kiln.PackageID{Name: c.Package.Name, Version: c.Package.Version, Architecture: c.Package.Architecture},
		Info: c.Package, Paragraph: c.Paragraph, Files: c.Files, Entries: entries,
	}, nil
}

// pool holds the content of all files one behind the other in a file of the host:
// it would not fit into memory.
type pool struct {
	file *os.File

	mu     sync.Mutex
	end    int64
	places map[kiln.Digest]place
}

type place struct{ at, size int64 }

func newPool(t *testing.T) *pool {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "content"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return &pool{file: f, places: map[kiln.Digest]place{}}
}

// keep is tree.ReadTar's: it stores one content.
func (p *pool) keep(r io.Reader) (kiln.Digest, int64, error) {
	b, err := io.ReadAll(r)
	if err != nil {
		return "", 0, err
	}
	d, size := kiln.DigestOf(b), int64(len(b))
	at, fresh := p.reserve(d, size)
	if fresh {
		_, err = p.file.WriteAt(b, at)
	}
	return d, size, err
}

func (p *pool) reserve(d kiln.Digest, size int64) (at int64, fresh bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if have, ok := p.places[d]; ok {
		return have.at, false
	}
	at = p.end
	p.places[d] = place{at, size}
	p.end += size
	return at, true
}

// OpenContent implements tree.Contents.
func (p *pool) OpenContent(d kiln.Digest) (io.ReadCloser, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	have, ok := p.places[d]
	if !ok {
		return nil, fmt.Errorf("no content %s: %w", d, fs.ErrNotExist)
	}
	return io.NopCloser(io.NewSectionReader(p.file, have.at, have.size)), nil
}
