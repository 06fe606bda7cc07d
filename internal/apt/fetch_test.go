package apt_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"kiln"
	"kiln/internal/apt"
	"kiln/internal/apt/apttest"
	"kiln/internal/store"
)

// large is the item of the package "large", 320 kB, with nothing in the store yet.
func large(t *testing.T) (*bench, apt.Item) {
	t.Helper()
	b := newBench(t, honest())
	_, pkgs, err := b.load("amd64")
	if err != nil {
		t.Fatal(err)
	}
	items := b.items(t, pkgs)
	i := slices.IndexFunc(items, func(it apt.Item) bool { return strings.Contains(it.Path, "large") })
	return b, items[i]
}

func (b *bench) fetch(items ...apt.Item) error {
	return b.client.Fetch(context.Background(), items)
}

// ranges lists the Range of each request for path.
func (b *bench) ranges(path string) []string {
	var all []string
	for _, r := range b.Requests() {
		if r.Path == path {
			all = append(all, r.Range)
		}
	}
	return all
}

func TestFetchGetsThere(t *testing.T) {
	rows := []struct {
		summary string
		fault   apttest.Fault
		ranges  []string
		naps    int
	}{
		{"cut once", apttest.Fault{Times: 1, Cut: 100000}, []string{"", "bytes=100000-"}, 1},
		{"cut three times", apttest.Fault{Times: 3, Cut: 100000}, []string{"", "bytes=100000-", "bytes=200000-", "bytes=300000-"}, 3},
		{"cut before the first byte", apttest.Fault{Times: 1, Cut: -1}, []string{"", ""}, 1},
		{"cut, and no ranges", apttest.Fault{Times: 2, Cut: 100000, NoRange: true}, []string{"", "bytes=100000-", "bytes=100000-"}, 2},
		{"503 four times", apttest.Fault{Times: 4, Status: 503}, []string{"", "", "", "", ""}, 4},
		{"429 once", apttest.Fault{Times: 1, Status: 429}, []string{"", ""}, 1},
		{"stalled", apttest.Fault{Times: 1, Stall: 100000}, []string{"", "bytes=100000-"}, 1},
		{"stalled before the first byte", apttest.Fault{Times: 1, Stall: -1}, []string{"", ""}, 1},
	}
	for _, row := range rows {
		t.Run(row.summary, func(t *testing.T) {
			b, it := large(t)
			if row.fault.Stall != 0 {
				b.client.Retry.Stall = 500 * time.Millisecond
			}
			b.Fail(it.Path, row.fault)
			if err := b.fetch(it); err != nil {
				t.Fatal(err)
			}
			if content, err := b.client.Store.ReadAll(it.Digest); err != nil || kiln.DigestOf(content) != it.Digest {
				t.Errorf("%d bytes in the store, %v", len(content), err)
			}
			if got := b.ranges(it.Path); !slices.Equal(got, row.ranges) {
				t.Errorf("asked for the ranges %q, want %q", got, row.ranges)
			}
			if len(b.naps) != row.naps {
				t.Errorf("waited %v, want %d times", b.naps, row.naps)
			}
		})
	}
}

func TestFetchFails(t *testing.T) {
	portal := []byte("<!doctype html><title>log in</title>")
	rows := []struct {
		summary string
		fault   func(content []byte) apttest.Fault
		code    kiln.Code
		says    string
		tries   int
	}{
		{"404", func([]byte) apttest.Fault { return apttest.Fault{Status: 404} }, kiln.Network, "404 Not Found", 1},
		{"403", func([]byte) apttest.Fault { return apttest.Fault{Status: 403} }, kiln.Network, "403 Forbidden", 1},
		{"500 for ever", func([]byte) apttest.Fault { return apttest.Fault{Status: 500} }, kiln.Network, "500 Internal Server Error (5 attempts)", 5},
		{"stalls for ever", func([]byte) apttest.Fault { return apttest.Fault{Stall: -1} }, kiln.Network, "too slow", 5},
		{"cut before the first byte for ever", func([]byte) apttest.Fault { return apttest.Fault{Cut: -1} }, kiln.Network, "the transfer was cut after 0 bytes (5 attempts)", 5},
		{"altered", func(c []byte) apttest.Fault {
			bad := bytes.Clone(c)
			bad[1000] ^= 1
			return apttest.Fault{Content: bad}
		}, kiln.Refused, "the content is another: want ", 1},
		{"longer", func(c []byte) apttest.Fault { return apttest.Fault{Content: append(bytes.Clone(c), 0)} }, kiln.Refused, "the content is another", 1},
		{"shorter", func(c []byte) apttest.Fault { return apttest.Fault{Content: c[:1000]} }, kiln.Refused, "got 1000 bytes", 1},
		{"says a Content-Length that is too short", func(c []byte) apttest.Fault { return apttest.Fault{Length: 1000} }, kiln.Refused, "got 1000 bytes", 1},
		{"a captive portal", func([]byte) apttest.Fault { return apttest.Fault{Content: portal} }, kiln.Refused, "a web page was served", 1},
		{"a captive portal that says so", func([]byte) apttest.Fault { return apttest.Fault{Status: 511} }, kiln.Network, "wants a login", 1},
		{"a redirect in a circle", func([]byte) apttest.Fault { return apttest.Fault{Redirect: "large_1_amd64.deb"} }, kiln.Network, "redirects in a circle", 10},
		{"a redirect to a file", func([]byte) apttest.Fault { return apttest.Fault{Redirect: "file:///etc/passwd"} }, kiln.Network, "redirects to a file: address", 1},
	}
	for _, row := range rows {
		t.Run(row.summary, func(t *testing.T) {
			b, it := large(t)
			fault := row.fault(apttest.New(honest())[it.Path])
			if fault.Stall != 0 {
				b.client.Retry.Stall = 500 * time.Millisecond // less is over before a busy machine has asked
			}
			b.Fail(it.Path, fault)
			err := b.fetch(it)
			wantError(t, err, row.code, row.says, it.Path, "mirror "+b.URL)
			if apt.Gone(err) != (row.summary == "404") {
				t.Errorf("gone: %v", apt.Gone(err))
			}
			if b.client.Store.Has(it.Digest) {
				t.Error("it is in the store all the same")
			}
			if got := b.ranges(it.Path); len(got) != row.tries {
				t.Errorf("%d requests, want %d", len(got), row.tries)
			}
			if stat, err := b.client.Store.Stat(); err != nil || stat.Staging != 0 {
				t.Errorf("left %d files in staging, %v", stat.Staging, err)
			}
		})
	}
}

// TestPiecesThatDoNotFit resumes on a file that changed meanwhile.
func TestPiecesThatDoNotFit(t *testing.T) {
	b, it := large(t)
	content := apttest.New(honest())[it.Path]
	bad := bytes.Repeat([]byte{'x'}, len(content))
	b.Fail(it.Path, apttest.Fault{Times: 1, Content: bad, Cut: 100000})
	if err := b.fetch(it); err != nil {
		t.Fatal(err)
	}
	if got, want := b.ranges(it.Path), []string{"", "bytes=100000-", ""}; !slices.Equal(got, want) {
		t.Errorf("asked for the ranges %q, want %q", got, want)
	}
}

func TestBackoff(t *testing.T) {
	b, it := large(t)
	b.client.Retry.Jitter = func() float64 { return 0 }
	b.client.Retry.Max = 3 * time.Second
	b.client.Retry.Attempts = 6
	b.Fail(it.Path, apttest.Fault{Status: 503})
	if err := b.fetch(it); err == nil {
		t.Fatal("fetched")
	}
	ms := time.Millisecond
	if want := []time.Duration{250 * ms, 500 * ms, 1000 * ms, 1500 * ms, 1500 * ms}; !slices.Equal(b.naps, want) {
		t.Errorf("waited %v, want %v", b.naps, want)
	}
	b.naps, b.client.Retry.Jitter = nil, nil
	if err := b.fetch(it); err == nil {
		t.Fatal("fetched")
	}
	for i, d := range b.naps {
		most := min(3*time.Second, 500*ms<<i)
		if d < most/2 || d > most {
			t.Errorf("pause %d is %s, want from %s to %s", i, d, most/2, most)
		}
	}
}

func TestCancelledFetch(t *testing.T) {
	b, it := large(t)
	ctx, cancel := context.WithCancel(context.Background())
	b.Fail(it.Path, apttest.Fault{Status: 503})
	b.client.Retry.Sleep = func(ctx context.Context, _ time.Duration) error {
		cancel()
		return ctx.Err()
	}
	if err := b.client.Fetch(ctx, []apt.Item{it}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestNothingIsFetchedTwice(t *testing.T) {
	b, it := large(t)
	var same []apt.Item
	for range 20 {
		same = append(same, it)
	}
	if err := b.fetch(same...); err != nil {
		t.Fatal(err)
	}
	if err := b.fetch(it); err != nil {
		t.Fatal(err)
	}
	if got := b.ranges(it.Path); len(got) != 1 {
		t.Errorf("%d requests", len(got))
	}
}

// TestSecondMirror gives the client two mirrors, of which the first fails.
func TestSecondMirror(t *testing.T) {
	good, it := large(t)
	bad := apttest.Serve(t, apttest.New(honest()))
	down := httptest.NewServer(nil)
	down.Close()
	it.Pocket.URL, it.Pocket.Mirror = "", "debian"
	mirrors, err := apt.FindMirrors(apt.MirrorOptions{Flags: []string{"debian=" + down.URL + "/debian", "debian=" + bad.URL, "debian=" + good.URL}})
	if err != nil {
		t.Fatal(err)
	}
	good.client.Mirrors = mirrors
	bad.Fail("*", apttest.Fault{Content: []byte("nonsense")})
	if err := good.fetch(it); err != nil {
		t.Fatal(err)
	}
	good.client.Store = openStore(t)
	good.Fail("*", apttest.Fault{Status: 500})
	err = good.fetch(it)
	wantError(t, err, kiln.Refused,
		"mirror "+down.URL+"/debian: dial tcp", "connection refused (5 attempts)",
		"mirror "+bad.URL+": the content is another",
		"mirror "+good.URL+": the server says 500")
}

func TestHostThatDoesNotExist(t *testing.T) {
	b := newBench(t, honest())
	b.pocket.URL = "http://mirror.invalid/debian"
	b.client.HTTP = &http.Client{Transport: &http.Transport{
		DialContext: func(context.Context, string, string) (net.Conn, error) {
			return nil, &net.DNSError{Err: "no such host", Name: "mirror.invalid", IsNotFound: true}
		},
	}}
	_, err := b.client.Release(context.Background(), b.pocket)
	wantError(t, err, kiln.Network, `cannot use the archive "vendor/trixie"`, `mirror http://mirror.invalid/debian: there is no host "mirror.invalid"`)
	if len(b.naps) > 0 {
		t.Errorf("waited %v for a host that does not exist", b.naps)
	}
}

func TestSecretsOfAnAddressAreNotShown(t *testing.T) {
	b := newBench(t, honest())
	b.pocket.URL = strings.Replace(b.URL, "http://", "http://user:hush@", 1)
	b.Fail("*", apttest.Fault{Status: 403})
	_, err := b.client.Release(context.Background(), b.pocket)
	wantError(t, err, kiln.Network, "403")
	if strings.Contains(err.Error(), "hush") {
		t.Errorf("the password is in the error: %v", err)
	}
}

func TestPathsOfItems(t *testing.T) {
	b, it := large(t)
	for _, p := range []string{"../x", "pool/../../x", "/etc/passwd", "", ".", "a/", `a\b`, "a\nb"} {
		it.Path = p
		wantError(t, b.fetch(it), kiln.Refused, "below the archive's root")
	}
}

func TestPlusSignIsEscaped(t *testing.T) {
	b := newBench(t, honest())
	_, pkgs, err := b.load("amd64")
	if err != nil {
		t.Fatal(err)
	}
	items := b.items(t, pkgs)
	if err := b.fetch(items...); err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(items, func(it apt.Item) bool { return strings.Contains(it.Path, "1.0+b~1") })
	if i < 0 || len(b.ranges(items[i].Path)) != 1 {
		t.Errorf("not asked for: %v", b.Requests())
	}
}

func TestEvents(t *testing.T) {
	b, it := large(t)
	b.events = nil
	it.Subject = "large 1"
	for range 2 {
		if err := b.fetch(it); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	var reached []int64
	for _, e := range b.events {
		if e.State == kiln.Progress {
			reached = append(reached, e.Done)
			continue
		}
		got = append(got, fmt.Sprintf("%s %d %s %d/%d", e.Step, e.State, e.Subject, e.Done, e.Total))
	}
	n := it.Size
	if len(reached) == 0 || !slices.IsSorted(reached) || reached[len(reached)-1] > n {
		t.Errorf("progress of %d bytes: %v", n, reached)
	}
	want := []string{
		fmt.Sprintf("fetch %d  0/%d", kiln.Planned, n),
		fmt.Sprintf("fetch %d large 1 0/%d", kiln.Started, n),
		fmt.Sprintf("fetch %d large 1 %d/%d", kiln.Finished, n, n),
		fmt.Sprintf("fetch %d  0/%d", kiln.Planned, n),
		fmt.Sprintf("fetch %d large 1 %d/%d", kiln.Cached, n, n),
	}
	if !slices.Equal(got, want) {
		t.Errorf("events %q, want %q", got, want)
	}
}

func TestFileArchive(t *testing.T) {
	dir := t.TempDir() + "/archive"
	suite := honest()
	if err := apttest.New(suite).Write(dir); err != nil {
		t.Fatal(err)
	}
	b := newBench(t, suite)
	b.pocket.URL = "file://" + dir
	_, pkgs, err := b.load("amd64")
	if err != nil {
		t.Fatal(err)
	}
	items := b.items(t, pkgs)
	if err := b.fetch(items...); err != nil {
		t.Fatal(err)
	}
	if len(b.Requests()) > 0 {
		t.Errorf("asked a server: %v", b.Requests())
	}
	replace := func(name string, put func(string) error) error {
		b.client.Store = openStore(t)
		full := dir + "/" + name
		if err := os.RemoveAll(full); err != nil {
			t.Fatal(err)
		}
		if put != nil {
			if err := put(full); err != nil {
				t.Fatal(err)
			}
		}
		return b.fetch(items[0])
	}
	content := apttest.New(suite)[items[0].Path]
	outside := t.TempDir() + "/outside"
	if err := os.WriteFile(outside, content, 0o644); err != nil {
		t.Fatal(err)
	}
	name := items[0].Path
	wantError(t, replace(name, nil), kiln.Network, "no such file", "file://"+dir)
	wantError(t, replace(name, func(p string) error { return os.Mkdir(p, 0o755) }), kiln.Network, "not a regular file")
	wantError(t, replace(name, mkfifo), kiln.Network, "not a regular file")
	wantError(t, replace(name, func(p string) error { return os.Symlink(outside, p) }), kiln.Network, "escapes")
	wantError(t, replace(name, func(p string) error { return os.WriteFile(p, content[1:], 0o644) }), kiln.Refused, "the content is another")
}

func TestStoreThatIsNotWritable(t *testing.T) {
	b, it := large(t)
	dir := t.TempDir() + "/store"
	st, err := store.Open(dir, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	b.client.Store = st
	if err := os.RemoveAll(dir + "/staging"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(dir+"/staging", nil, 0o400); err != nil {
		t.Fatal(err)
	}
	err = b.fetch(it)
	if err == nil || strings.Contains(err.Error(), "mirror") {
		t.Errorf("want the store's own error, got %v", err)
	}
	if got := b.ranges(it.Path); len(got) > 1 {
		t.Errorf("%d requests for a store that cannot be written", len(got))
	}
}
