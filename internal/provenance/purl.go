package provenance

import (
	"fmt"
	"strings"

	"kiln/internal/lock"
)

// purl is the package URL of a package (purl-spec, type deb): of one of Debian's with
// its distribution, as scanners look for it. What comes from the recipe's own folder
// or from another archive has that archive's name where Debian's have "debian".
func purl(l *lock.Lock, p lock.Package) string {
	archive, _, _ := strings.Cut(p.Archive, "/")
	u := fmt.Sprintf("pkg:deb/%s/%s@%s?arch=%s", escape(archive), escape(p.Name), escape(p.Version), escape(p.Architecture))
	for _, a := range l.Archives {
		if a.Name == "debian" && archive == "debian" {
			return u + "&distro=" + distro(a.Suite)
		}
	}
	return u
}

// distro is how vulnerability data calls a release of Debian.
func distro(suite string) string {
	for name, number := range map[string]string{"bullseye": "11", "bookworm": "12", "trixie": "13", "forky": "14"} { // at most one is it
		if suite == name {
			return "debian-" + number
		}
	}
	return "debian-" + escape(suite)
}

// escape is percent-encoding as the specification of package URLs has it: a colon
// stays.
func escape(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', strings.IndexByte("-._~:", c) >= 0:
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}
