package store_test

import (
	"strings"
	"testing"

	"kiln"
	"kiln/internal/store"
)

func TestRedo(t *testing.T) {
	st, err := store.Open(t.TempDir(), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	key, other := kiln.DigestOf([]byte("key")), kiln.DigestOf([]byte("other"))
	set := func(k kiln.Digest, value string) error {
		t.Helper()
		return st.SetResult(k, []byte(value))
	}
	if err := set(key, "kept"); err != nil {
		t.Fatal(err)
	}
	st.Redo()
	if v, ok := st.Result(key); ok {
		t.Errorf("the result %q is taken without doing the step again", v)
	}
	if err := set(key, "another"); kiln.CodeOf(err) != kiln.Refused || !strings.Contains(err.Error(), string(key)) {
		t.Errorf("another result: %v", err)
	}
	if err := set(key, "kept"); err != nil {
		t.Errorf("the same result: %v", err)
	}
	if v, ok := st.Result(key); !ok || string(v) != "kept" {
		t.Errorf("after it was done again: %q, %v", v, ok)
	}
	if err := set(other, "new"); err != nil {
		t.Errorf("a result that nothing was kept of: %v", err)
	}
}
