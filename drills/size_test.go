package drills_test

import "testing"

// exampleNames are all examples, the smallest first.
var exampleNames = []string{"static", "base", "debug", "python", "java"}

// The examples stay small: what slips in is noticed here, not by users. The room
// above what they are is for new versions of packages.
func TestSizes(t *testing.T) {
	real(t)
	limits := map[string]int64{"static": 360_000, "base": 6_100_000, "debug": 6_700_000, "python": 14_000_000, "java": 71_000_000}
	var lowest string
	for _, name := range exampleNames {
		t.Run(name, func(t *testing.T) {
			img := build(t, example(t, name)).platform(t, "linux/amd64")
			t.Logf("RESULT %s: %d bytes in gzip layers, %d packages", name, img.Size, img.Packages)
			if img.Size > limits[name] {
				t.Errorf("%s is %d bytes, want at most %d", name, img.Size, limits[name])
			}
			if lowest == "" {
				lowest = img.Layers[0].Digest
			}
			if img.Layers[0].Digest != lowest {
				t.Errorf("the lowest layer of %s is not that of static: a registry keeps both", name)
			}
		})
	}
}
