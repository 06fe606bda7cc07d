package provenance

import (
	"testing"

	"kiln/internal/lock"
)

func TestPURL(t *testing.T) {
	for _, row := range []struct {
		suite   string
		archive string
		name    string
		version string
		want    string
	}{
		{"trixie", "debian/trixie-security", "libstdc++6", "1:14.2.0-19+deb13u1~x", "pkg:deb/debian/libstdc%2B%2B6@1:14.2.0-19%2Bdeb13u1~x?arch=amd64&distro=debian-13"},
		{"sid", "debian/sid", "a", "1", "pkg:deb/debian/a@1?arch=amd64&distro=debian-sid"},
		{"stable", "vendor/stable", "a", "1", "pkg:deb/vendor/a@1?arch=amd64"},
		{"trixie", "local", "a", "1", "pkg:deb/local/a@1?arch=amd64"},
	} {
		l := &lock.Lock{Archives: []lock.Archive{{Name: "debian", Suite: row.suite}}}
		got := purl(l, lock.Package{Name: row.name, Version: row.version, Architecture: "amd64", Archive: row.archive})
		if got != row.want {
			t.Errorf("got %s, want %s", got, row.want)
		}
	}
}
