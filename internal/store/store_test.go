package store_test

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kiln"
	"kiln/internal/durable"
	"kiln/internal/store"
)

var someDay = time.Date(2025, 8, 9, 12, 0, 0, 0, time.UTC)

func open(t *testing.T, dir string) *store.Store {
	t.Helper()
	return openWith(t, dir, store.Options{Now: func() time.Time { return someDay }})
}

func openWith(t *testing.T, dir string, o store.Options) *store.Store {
	t.Helper()
	st, err := store.Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	return st
}

func put(t *testing.T, st *store.Store, text string) kiln.Digest {
	t.Helper()
	d, _, err := st.PutBytes([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func blobPath(st *store.Store, d kiln.Digest) string {
	return filepath.Join(st.Dir(), "blobs", "sha256", d.Hex()[:2], d.Hex())
}

// files lists what is below a folder of the store.
func files(t *testing.T, st *store.Store, dir string) []string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(filepath.Join(st.Dir(), dir), func(p string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			all = append(all, filepath.Base(p))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// flip turns one bit of a file over.
func flip(t *testing.T, path string) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)/2] ^= 4
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestDefaultDir(t *testing.T) {
	for _, row := range []struct{ kiln, xdg, home, want string }{
		{"/k", "/x", "/h", "/k"},
		{"", "/x", "/h", "/x/kiln"},
		{"", "relative", "/h", "/h/.cache/kiln"},
		{"", "", "/h", "/h/.cache/kiln"},
		{"", "", "", ""},
	} {
		env := map[string]string{"KILN_STORE": row.kiln, "XDG_CACHE_HOME": row.xdg, "HOME": row.home}
		got, err := store.DefaultDir(func(k string) string { return env[k] })
		if got != row.want || (err == nil) != (row.want != "") {
			t.Errorf("%+v: %q, %v", row, got, err)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	make := func(path, content string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, path)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, path), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	make("file", "")
	make("newer/kiln-store", "2\n")
	make("damaged/kiln-store", "one\n")
	make("other/letter.txt", "")
	make("blocked/kiln-store", "1\n")
	make("blocked/blobs", "")
	for _, row := range []struct{ dir, want string }{
		{"file", "a file is in the way at"},
		{"file/below", "a file is in the way at"},
		{"blocked", "a file is in the way at"},
		{"newer", "it has format 2, this kiln knows up to 1"},
		{"damaged", "is damaged"},
		{"other", `holds something else ("letter.txt")`},
	} {
		_, err := store.Open(filepath.Join(dir, row.dir), store.Options{})
		if err == nil || !strings.Contains(err.Error(), row.want) || len(kiln.HintsOf(err)) == 0 {
			t.Errorf("%s: error %v, want %q and a hint", row.dir, err, row.want)
		}
	}
}

func TestOpenNotWritable(t *testing.T) {
	for _, cause := range []error{syscall.EACCES, syscall.EROFS} {
		disk := &durable.Disk{Fault: func(s durable.Step, _ string) (bool, error) { return true, &fs.PathError{Op: "open", Err: cause} }}
		_, err := store.Open(t.TempDir(), store.Options{Disk: disk})
		if err == nil || !strings.Contains(err.Error(), "it is not writable") || len(kiln.HintsOf(err)) == 0 {
			t.Errorf("%v: error %v", cause, err)
		}
	}
}

func TestReopen(t *testing.T) {
	dir := t.TempDir()
	one := open(t, dir)
	d := put(t, one, "text")
	if err := one.Close(); err != nil {
		t.Fatal(err)
	}
	if err := one.Close(); err != nil {
		t.Errorf("second close: %v", err)
	}
	if !open(t, dir).Has(d) {
		t.Error("the object is gone")
	}
}

// One flipped bit, anywhere in a blob: no read of it ends well, it is set aside,
// and it can be put anew.
func TestFlippedBit(t *testing.T) {
	readers := map[string]func(*store.Store, kiln.Digest) error{
		"ReadAll": func(st *store.Store, d kiln.Digest) error { _, err := st.ReadAll(d); return err },
		"Open": func(st *store.Store, d kiln.Digest) error {
			r, _, err := st.Open(d)
			if err != nil {
				return err
			}
			defer r.Close()
			_, err = io.Copy(io.Discard, r)
			return err
		},
		"Verified": func(st *store.Store, d kiln.Digest) error { _, err := st.Verified(d); return err },
		"Damaged":  func(st *store.Store, d kiln.Digest) error { return st.Damaged(d, errors.New("a piece is wrong")) },
	}
	for name, read := range readers {
		t.Run(name, func(t *testing.T) {
			st := open(t, t.TempDir())
			d := put(t, st, "some text of some length")
			flip(t, blobPath(st, d))
			err := read(st, d)
			if kiln.CodeOf(err) != kiln.Refused || !strings.Contains(err.Error(), string(d)) || !strings.Contains(err.Error(), blobPath(st, d)) {
				t.Errorf("error %v, want it refused with name and place", err)
			}
			if diff := cmp.Diff([]string{"run the same command again: what was damaged is fetched or made anew", "or look for more of it: kiln store verify"}, kiln.HintsOf(err)); diff != "" {
				t.Errorf("hints (-want +got):\n%s", diff)
			}
			if st.Has(d) {
				t.Error("it is still found")
			}
			if diff := cmp.Diff([]string{d.Hex()}, files(t, st, "damaged")); diff != "" {
				t.Errorf("set aside (-want +got):\n%s", diff)
			}
			put(t, st, "some text of some length")
			if _, err := st.ReadAll(d); err != nil {
				t.Errorf("after putting it anew: %v", err)
			}
		})
	}
}

func TestTruncatedAndGrownBlobs(t *testing.T) {
	for name, content := range map[string]string{"truncated": "some", "empty": "", "grown": "some text and more"} {
		st := open(t, t.TempDir())
		d := put(t, st, "some text")
		if err := os.Remove(blobPath(st, d)); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(blobPath(st, d), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := st.ReadAll(d); kiln.CodeOf(err) != kiln.Refused {
			t.Errorf("%s: error %v, want it refused", name, err)
		}
	}
}

// A reader of the damaged file must not set aside the sound one that took its
// place meanwhile.
func TestDamageDoesNotHitTheReplacement(t *testing.T) {
	st := open(t, t.TempDir())
	d := put(t, st, "some text")
	flip(t, blobPath(st, d))
	r, _, err := st.Open(d)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	put(t, st, "some text")
	if _, err := io.Copy(io.Discard, r); kiln.CodeOf(err) != kiln.Refused {
		t.Errorf("error %v, want it refused", err)
	}
	if _, err := st.ReadAll(d); err != nil {
		t.Errorf("the sound object: %v", err)
	}
}

func TestVerifiedHashesAReplacedFileAgain(t *testing.T) {
	st := open(t, t.TempDir())
	d := put(t, st, "some text")
	b, err := st.Verified(d)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	flip(t, blobPath(st, d))
	if _, err := st.Verified(d); kiln.CodeOf(err) != kiln.Refused {
		t.Errorf("error %v, want it refused", err)
	}
}

// Each bit of a result, flipped, is a miss; so is the file under another key.
func TestDamagedResultIsAMiss(t *testing.T) {
	st := open(t, t.TempDir())
	key, other := kiln.DigestOf([]byte("key")), kiln.DigestOf([]byte("other"))
	for _, k := range []kiln.Digest{key, other} {
		if err := st.SetResult(k, []byte("value of "+k)); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(st.Dir(), "results", key.Hex()[:2], key.Hex())
	sound, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	foreign, err := os.ReadFile(filepath.Join(st.Dir(), "results", other.Hex()[:2], other.Hex()))
	if err != nil {
		t.Fatal(err)
	}
	wrong := [][]byte{nil, sound[:len(sound)-1], append(bytes.Clone(sound), 0), foreign}
	for i := range len(sound) * 8 {
		b := bytes.Clone(sound)
		b[i/8] ^= 1 << (i % 8)
		wrong = append(wrong, b)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	for i, b := range wrong {
		if err := os.WriteFile(path, b, 0o644); err != nil {
			t.Fatal(err)
		}
		if got, ok := st.Result(key); ok {
			t.Fatalf("%d: %q is taken for %q", i, b, got)
		}
	}
}

// A state is what keeps a rolled back archive out: damage must not read as none.
func TestDamagedStateIsAnError(t *testing.T) {
	st := open(t, t.TempDir())
	if err := st.SetState("debian/trixie", []byte("value")); err != nil {
		t.Fatal(err)
	}
	flip(t, filepath.Join(st.Dir(), "archives", files(t, st, "archives")[0]))
	if _, _, err := st.State("debian/trixie"); kiln.CodeOf(err) != kiln.Refused || len(kiln.HintsOf(err)) == 0 {
		t.Errorf("error %v, want it refused, with a hint", err)
	}
}

func TestVerify(t *testing.T) {
	st := open(t, t.TempDir())
	sound, bad := put(t, st, "sound"), put(t, st, "damaged soon")
	key := kiln.DigestOf([]byte("key"))
	if err := st.SetResult(key, []byte("v")); err != nil {
		t.Fatal(err)
	}
	flip(t, blobPath(st, bad))
	flip(t, filepath.Join(st.Dir(), "results", key.Hex()[:2], key.Hex()))
	var told []string
	report, err := st.Verify(t.Context(), func(e kiln.Event) {
		if e.State == kiln.Warning {
			told = append(told, e.Subject)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	want := store.Report{Checked: 3, Bytes: 17, Damaged: []kiln.Digest{bad, key}}
	if diff := cmp.Diff(want, report); diff != "" {
		t.Errorf("report (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{string(bad), string(key)}, told); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	if !st.Has(sound) || st.Has(bad) {
		t.Errorf("sound there: %v, damaged there: %v", st.Has(sound), st.Has(bad))
	}
	stat, err := st.Stat()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(store.Stat{Dir: st.Dir(), Blobs: 1, Bytes: 5, Damaged: 1, DamagedBytes: 12}, stat); diff != "" {
		t.Errorf("stat (-want +got):\n%s", diff)
	}
}

// A part is kept for the next who wants the blob, once; and is checked with the rest.
func TestParts(t *testing.T) {
	s := open(t, t.TempDir())
	content := []byte("the whole of it")
	want := kiln.DigestOf(content)
	begin := func(from []byte) {
		t.Helper()
		w, _, err := s.Resume(want)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Reset(); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(from); err != nil {
			t.Fatal(err)
		}
		w.Keep()
	}
	resume := func() (*store.Writer, int64) {
		t.Helper()
		w, n, err := s.Resume(want)
		if err != nil {
			t.Fatal(err)
		}
		return w, n
	}
	begin(content[:5])
	w, n := resume()
	if n != 5 {
		t.Errorf("%d bytes were kept", n)
	}
	if other, n := resume(); n != 0 {
		t.Errorf("%d bytes were given out twice", n)
	} else if _, err := other.Write(content); err != nil { // the two do not disturb each other
		t.Error(err)
	} else {
		other.Keep()
	}
	if _, err := w.Write(content[5:]); err != nil {
		t.Fatal(err)
	}
	if d, _, err := w.Commit(want); err != nil || d != want {
		t.Errorf("%s %v", d, err)
	}
	if w, n := resume(); n != 0 {
		t.Errorf("%d bytes of a blob that is whole", n)
	} else {
		w.Discard()
	}
	begin([]byte("xxxxx"))
	w, _ = resume()
	if _, err := w.Write(content[5:]); err != nil {
		t.Fatal(err)
	}
	if _, _, err := w.Commit(want); kiln.CodeOf(err) != kiln.Refused {
		t.Errorf("a wrong part was taken: %v", err)
	}
}

// A part that was whole and sealed when its writer was killed is gone on with, also by a user who may not write it.
func TestSealedPart(t *testing.T) {
	dir := t.TempDir()
	st := open(t, dir)
	d := kiln.DigestOf([]byte("whole"))
	part := filepath.Join(dir, "partial", d.Hex())
	if err := os.MkdirAll(filepath.Dir(part), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(part, []byte("whole"), 0o444); err != nil {
		t.Fatal(err)
	}
	w, n, err := st.Resume(d)
	if err != nil || n != 5 {
		t.Fatalf("%d bytes, %v", n, err)
	}
	if _, _, err := w.Commit(d); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(part); err == nil {
		t.Error("the part was left")
	}
	// Beside a blob that is there, a part is of no use.
	if err := os.WriteFile(part, []byte("wh"), 0o444); err != nil {
		t.Fatal(err)
	}
	st.DropPart(d)
	if _, err := os.Lstat(part); err == nil {
		t.Error("a part beside its blob was left")
	}
}
