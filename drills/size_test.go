package drills_test

import "testing"

// The examples stay small: a megabyte that slips in is noticed here, not by users.
func TestSizes(t *testing.T) {
	real(t)
	for name, limit := range map[string]int64{"static": 900_000, "base": 7_000_000} {
		t.Run(name, func(t *testing.T) {
			img := build(t, example(t, name)).platform(t, "linux/amd64")
			t.Logf("RESULT %s: %d bytes in gzip layers, %d packages", name, img.Size, img.Packages)
			if img.Size > limit {
				t.Errorf("%s is %d bytes, want at most %d", name, img.Size, limit)
			}
		})
	}
}
