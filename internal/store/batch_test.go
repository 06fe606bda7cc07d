package store_test

import (
	"fmt"
	"testing"

	"kiln"
	"kiln/internal/durable"
	"kiln/internal/store"
)

// All that was put in a batch is there once it was waited for, and known before.
func TestBatch(t *testing.T) {
	st := open(t, t.TempDir())
	defer st.Close()
	b := st.Batch()
	if _, err := b.Size(kiln.DigestOf([]byte("none"))); err == nil {
		t.Error("what nobody put is there")
	}
	var all []kiln.Digest
	for i := range 3 * 8 {
		text := fmt.Appendf(nil, "text %d", i%20) // some twice
		d, size, err := b.PutBytes(text)
		if want := kiln.DigestOf(text); err != nil || d != want || size != int64(len(text)) {
			t.Errorf("%s of %d bytes, %v, want %s", d, size, err, want)
		}
		if got, err := b.Size(d); err != nil || got != size {
			t.Errorf("on its way it has %d bytes, %v", got, err)
		}
		all = append(all, d)
	}
	if err := b.Wait(); err != nil {
		t.Fatal(err)
	}
	for _, d := range all {
		if _, err := st.ReadAll(d); err != nil {
			t.Error(err)
		}
		if _, err := st.Batch().Size(d); err != nil {
			t.Error(err)
		}
	}
}

// What the disk refuses, Wait tells.
func TestBatchFails(t *testing.T) {
	broken, breaks := fmt.Errorf("broken"), false
	st := openWith(t, t.TempDir(), store.Options{Disk: &durable.Disk{Fault: func(s durable.Step, _ string) (bool, error) {
		if breaks && s == durable.StepSync {
			return false, broken
		}
		return false, nil
	}}})
	defer st.Close()
	breaks = true
	b := st.Batch()
	d, _, err := b.PutBytes([]byte("text"))
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Wait(); err == nil || st.Has(d) {
		t.Errorf("%v; it is there: %v", err, st.Has(d))
	}
}
