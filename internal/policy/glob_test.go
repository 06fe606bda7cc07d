package policy_test

import (
	"testing"

	"github.com/bmatcuk/doublestar/v4"

	"kiln/internal/policy"
)

// Patterns mean what they mean in a recipe, where doublestar reads them.
func TestGlobIsDoublestar(t *testing.T) {
	patterns := []string{
		"/usr/**", "/usr/*", "/usr/**/x", "/**/x", "**/x", "**", "/usr/*/x.{so,a}", "/usr/lib*", "/usr/?ib", "/usr/[a-l]ib", "/usr/[!a-l]ib", "/usr/[^a-l]ib",
		`/usr/\*`, "/{,usr/}bin/*", "/usr/a**b", "*", "lib*", "{a,b{c,d}}", "/usr/[.]x", "/usr/**/lib/**",
	}
	paths := []string{
		"/usr", "/usr/", "/usr/x", "/usr/a/x", "/usr/a/b/x", "/x", "x", "/usr/lib", "/usr/lib/x.so", "/usr/lib/x.a", "/usr/libexec", "/usr/zib", "/usr/*", "/bin/sh",
		"/usr/bin/sh", "/usr/aXb", "/usr/a/b", "libc6", "", "a", "bc", "bd", "/usr/.x", "/usr/ax", "/usr/l/lib/m/n", "/usr/a\nb",
	}
	for _, pattern := range patterns {
		for _, path := range paths {
			want, err := doublestar.Match(pattern, path)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := policy.Glob(pattern, path); err != nil || got != want {
				t.Errorf("%q matches %q: %v %v, doublestar says %v", pattern, path, got, err, want)
			}
		}
	}
	for _, bad := range []string{"/usr/[a", "{a", "/usr/[]"} {
		if _, err := policy.Glob(bad, "/usr"); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}
