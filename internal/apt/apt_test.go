package apt_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"kiln"
	"kiln/internal/apt"
	"kiln/internal/apt/apttest"
	"kiln/internal/deb"
	"kiln/internal/deb/debtest"
	"kiln/internal/listing"
	"kiln/internal/patience"
	"kiln/internal/store"
)

// bench is one archive, its server and a client.
type bench struct {
	*apttest.Server
	client *apt.Client
	pocket apt.Pocket
	naps   []time.Duration
	events []kiln.Event
	mu     sync.Mutex
}

// honest is a suite with packages for every taste.
func honest() apttest.Suite {
	return apttest.Suite{Name: "trixie", Packages: []apttest.Package{
		{Spec: debtest.Spec{Name: "alpha", Version: "1.0-1", Architecture: "amd64"}},
		{Spec: debtest.Spec{Name: "alpha", Version: "1.0-1", Architecture: "arm64"}},
		{Spec: debtest.Spec{Name: "docs", Version: "2:1.0+b~1", Architecture: "all"}},
		{Spec: debtest.Spec{Name: "large", Version: "1", Architecture: "amd64", Compression: "none",
			Entries: []debtest.Entry{{Path: "usr/share/large", Content: strings.Repeat("0123456789abcdef", 20000)}}}},
	}}
}

func newBench(t *testing.T, suites ...apttest.Suite) *bench {
	t.Helper()
	b := &bench{Server: apttest.Serve(t, apttest.New(suites...))}
	b.client = b.newClient(t, openStore(t))
	b.pocket = vendor(t, b.URL, suites[0], apttest.DefaultKey().Public())
	return b
}

func openStore(t *testing.T) *store.Store {
	t.Helper()
	st, err := store.Open(t.TempDir()+"/store", store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	return st
}

func (b *bench) newClient(t *testing.T, st *store.Store) *apt.Client {
	return &apt.Client{
		Store: st,
		Now:   apttest.Now,
		Sink: func(e kiln.Event) {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.events = append(b.events, e)
		},
		Retry: patience.Policy{Sleep: func(ctx context.Context, d time.Duration) error {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.naps = append(b.naps, d)
			return ctx.Err()
		}},
	}
}

func vendor(t *testing.T, url string, s apttest.Suite, keyring []byte) apt.Pocket {
	t.Helper()
	a, err := apt.Vendor("vendor", url, s.Name, s.Components, keyring)
	if err != nil {
		t.Fatal(err)
	}
	return a.Pockets[0]
}

// load brings all packages of an architecture.
func (b *bench) load(arch string) (*apt.Release, []*deb.Package, error) {
	ctx := context.Background()
	rel, err := b.client.Release(ctx, b.pocket)
	if err != nil {
		return nil, nil, err
	}
	indexes, err := b.client.Indexes(ctx, b.pocket, rel, arch)
	if err != nil {
		return rel, nil, err
	}
	var all []*deb.Package
	for _, ix := range indexes {
		list, err := b.client.Packages(ctx, b.pocket, ix)
		if err != nil {
			return rel, nil, err
		}
		all = append(all, packagesOf(list)...)
	}
	return rel, all, nil
}

func packagesOf(list *listing.List) []*deb.Package {
	var all []*deb.Package
	for i := range list.Len() {
		all = append(all, list.Package(i))
	}
	return all
}

func (b *bench) items(t *testing.T, pkgs []*deb.Package) []apt.Item {
	t.Helper()
	var items []apt.Item
	for _, p := range pkgs {
		d, err := kiln.DigestFromHex(p.SHA256)
		if err != nil {
			t.Fatal(err)
		}
		items = append(items, apt.Item{Pocket: b.pocket, Path: p.Filename, Digest: d, Size: p.Size})
	}
	return items
}

func names(pkgs []*deb.Package) string {
	var all []string
	for _, p := range pkgs {
		all = append(all, p.Name+":"+p.Architecture)
	}
	return strings.Join(all, " ")
}

// wantError checks code, each of the texts, and that there is a hint.
func wantError(t *testing.T, err error, code kiln.Code, texts ...string) {
	t.Helper()
	var e *kiln.Error
	if !errors.As(err, &e) {
		t.Fatalf("want an error of code %s with %q, got %v", code, texts, err)
	}
	if e.Code != code {
		t.Errorf("code is %s, want %s: %v", e.Code, code, err)
	}
	if len(kiln.HintsOf(err)) == 0 {
		t.Errorf("no hint: %v", err)
	}
	for _, text := range texts {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("the error does not say %q:\n%v", text, err)
		}
	}
}

func TestArchiveToStore(t *testing.T) {
	b := newBench(t, honest())
	rel, pkgs, err := b.load("amd64")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := names(pkgs), "alpha:amd64 docs:all large:amd64"; got != want {
		t.Errorf("packages %q, want %q", got, want)
	}
	if len(rel.Signers) != 1 || rel.Signers[0].Fingerprint != apttest.DefaultKey().Fingerprint() {
		t.Errorf("signers %v", rel.Signers)
	}
	items := b.items(t, pkgs)
	if err := b.client.Fetch(context.Background(), items); err != nil {
		t.Fatal(err)
	}
	for _, it := range items {
		content, err := b.client.Store.ReadAll(it.Digest)
		if err != nil || int64(len(content)) != it.Size {
			t.Errorf("%s: %d bytes, %v", it.Path, len(content), err)
		}
	}
	if stored, err := b.client.Store.ReadAll(rel.Digest); err != nil || kiln.DigestOf(stored) != rel.Digest {
		t.Errorf("the signed bytes are not in the store: %v", err)
	}
	if len(b.naps) > 0 {
		t.Errorf("waited %v for an honest mirror", b.naps)
	}
}
