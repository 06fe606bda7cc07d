package debian_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"kiln/internal/debian"
	"kiln/internal/lock"
	"kiln/internal/sbom"
)

func TestSupplierOf(t *testing.T) {
	for field, want := range map[string]*sbom.Supplier{
		"Debian Python Team <team+python@tracker.example.org>": {Name: "Debian Python Team", Email: "team+python@tracker.example.org", Organization: true},
		"GNU Libc Maintainers <glibc@lists.example.org>":       {Name: "GNU Libc Maintainers", Email: "glibc@lists.example.org", Organization: true},
		"Theodore Y. Ts'o <tytso@example.org>":                 {Name: "Theodore Y. Ts'o", Email: "tytso@example.org"},
		"\"A, B\" <a@example.org>":                             {Name: "A, B", Email: "a@example.org"},
		"No Address":                                           {Name: "No Address"},
		"Bad <not an address>":                                 {Name: "Bad"},
		"<a@example.org>":                                      {Name: "a@example.org", Email: "a@example.org"},
		"":                                                     nil,
	} {
		if diff := cmp.Diff(want, debian.SupplierOf(field)); diff != "" {
			t.Errorf("%q: %s", field, diff)
		}
	}
}

func TestVendorOf(t *testing.T) {
	l := &lock.Lock{Archives: []lock.Archive{{Name: "debian", Suite: "trixie"}, {Name: "Vendor", Suite: "stable"}}}
	for id, want := range map[string][2]string{
		"debian/trixie":          {"debian", "debian-13"},
		"debian/trixie-security": {"debian", "debian-13"},
		"debian/bookworm":        {"debian", "debian-12"},
		"debian/sid":             {"debian", "debian-sid"},
		"Vendor/stable":          {"vendor", ""},
		"local":                  {"local", ""},
	} {
		if space, distro := debian.VendorOf(l, id); space != want[0] || distro != want[1] {
			t.Errorf("%s: %q %q, want %q", id, space, distro, want)
		}
	}
}
