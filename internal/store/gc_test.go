package store_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kiln"
	"kiln/internal/store"
)

const day = 24 * time.Hour

func TestGCKeepsWhatWasUsed(t *testing.T) {
	now := someDay
	st := openWith(t, t.TempDir(), store.Options{Now: func() time.Time { return now }})
	uses := map[string]func(d kiln.Digest){
		"has":      func(d kiln.Digest) { st.Has(d) },
		"read":     func(d kiln.Digest) { st.ReadAll(d) },
		"at":       func(d kiln.Digest) { b, _ := st.OpenAt(d); b.Close() },
		"verified": func(d kiln.Digest) { b, _ := st.Verified(d); b.Close() },
		"unused":   func(kiln.Digest) {},
	}
	blobs := map[string]kiln.Digest{}
	for name := range uses {
		blobs[name] = put(t, st, name)
	}
	usedKey, unusedKey := kiln.DigestOf([]byte("k1")), kiln.DigestOf([]byte("k2"))
	for _, k := range []kiln.Digest{usedKey, unusedKey} {
		if err := st.SetResult(k, []byte("v")); err != nil {
			t.Fatal(err)
		}
	}
	now = someDay.Add(20 * day)
	for name, use := range uses {
		use(blobs[name])
	}
	st.Result(usedKey)
	now = someDay.Add(40 * day)
	report, err := st.GC(t.Context(), 30*day, now)
	if err != nil {
		t.Fatal(err)
	}
	if report.Removed != 2 || report.Kept != 5 {
		t.Errorf("report %+v, want 2 removed, 5 kept", report)
	}
	for name, d := range blobs {
		if got, want := st.Has(d), name != "unused"; got != want {
			t.Errorf("%s: there: %v, want %v", name, got, want)
		}
	}
	if _, ok := st.Result(usedKey); !ok {
		t.Error("the used result is gone")
	}
	if _, ok := st.Result(unusedKey); ok {
		t.Error("the unused result is there")
	}
}

// A part goes when nobody has gone on with it for long, and not while somebody does.
func TestGCOfParts(t *testing.T) {
	now := someDay
	dir := t.TempDir()
	st := openWith(t, dir, store.Options{Now: func() time.Time { return now }})
	var left, held kiln.Digest
	var writer *store.Writer
	for _, d := range []*kiln.Digest{&left, &held} {
		*d = kiln.DigestOf([]byte{byte(len(left))})
		w, _, err := st.Resume(*d)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(make([]byte, 100_000)); err != nil {
			t.Fatal(err)
		}
		if d == &left {
			w.Keep()
		} else {
			writer = w
		}
	}
	defer writer.Discard()
	for _, row := range []struct {
		older         time.Duration
		removed, kept int
	}{{30 * day, 0, 2}, {-day, 1, 0}, {-day, 0, 0}} {
		r, err := st.GC(t.Context(), row.older, time.Now())
		if err != nil || r.Removed != row.removed || r.Kept != row.kept {
			t.Errorf("%v: %+v %v", row, r, err)
		}
	}
	if w, n, err := st.Resume(left); err != nil || n != 0 {
		t.Errorf("%d bytes %v", n, err)
	} else {
		w.Discard()
	}
}

func TestGCOfEverything(t *testing.T) {
	st := open(t, t.TempDir())
	d := put(t, st, "text")
	flip(t, blobPath(st, d))
	st.ReadAll(d) // sets it aside
	put(t, st, "other")
	if err := st.SetState("kept", []byte("v")); err != nil {
		t.Fatal(err)
	}
	if _, err := st.GC(t.Context(), 0, someDay); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{"blobs", "results", "staging", "damaged", "locks"} {
		if diff := cmp.Diff([]string(nil), files(t, st, dir)); diff != "" {
			t.Errorf("left in %s (-want +got):\n%s", dir, diff)
		}
	}
	if _, ok, err := st.State("kept"); !ok || err != nil {
		t.Errorf("the state: %v, %v", ok, err)
	}
	put(t, st, "text") // the store is as good as new
}

// A writer of this very process lives.
func TestGCSparesLivingWriters(t *testing.T) {
	st := open(t, t.TempDir())
	w, err := st.Create()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Discard()
	if _, err := w.Write([]byte("text")); err != nil {
		t.Fatal(err)
	}
	if _, err := st.GC(t.Context(), 0, someDay); err != nil {
		t.Fatal(err)
	}
	d, _, err := w.Commit("")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := st.ReadAll(d); err != nil {
		t.Error(err)
	}
}

func TestGCWaitsForOthers(t *testing.T) {
	dir := t.TempDir()
	st, other := open(t, dir), open(t, dir)
	d := put(t, st, "text")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := st.GC(ctx, 0, someDay); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want it to have waited", err)
	}
	if !st.Has(d) {
		t.Error("the object is gone")
	}
	if err := other.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := st.GC(ctx, 0, someDay.Add(day)); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want it to stop", err)
	}
	if _, err := st.GC(t.Context(), 0, someDay.Add(day)); err != nil {
		t.Error(err)
	}
	if st.Has(d) {
		t.Error("the object is there")
	}
}
