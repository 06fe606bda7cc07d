package store_test

import (
	"os"
	"path/filepath"
	"testing"

	"kiln/internal/store"
)

// A folder is the caller's own, is gone with remove, and survives nobody who died.
func TestTempFolder(t *testing.T) {
	dir := t.TempDir()
	st := openWith(t, dir, store.Options{})
	one, removeOne, err := st.TempFolder()
	if err != nil {
		t.Fatal(err)
	}
	other, removeOther, err := st.TempFolder()
	if err != nil || one == other {
		t.Fatalf("%q and %q, %v", one, other, err)
	}
	if err := os.WriteFile(filepath.Join(one, "x"), nil, 0o444); err != nil {
		t.Fatal(err)
	}
	removeOther()
	if _, err := os.Stat(filepath.Join(one, "x")); err != nil {
		t.Errorf("another's was removed: %v", err)
	}
	removeOne()
	dead := filepath.Join(filepath.Dir(one), ".work.tmp-123")
	if err := os.MkdirAll(filepath.Join(dead, "below"), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/nowhere", filepath.Join(dead, "link")); err != nil {
		t.Fatal(err)
	}
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	openWith(t, dir, store.Options{})
	left, err := os.ReadDir(filepath.Dir(one))
	if err != nil || len(left) != 0 {
		t.Errorf("%v is left, %v", left, err)
	}
}
