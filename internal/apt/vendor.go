package apt

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"kiln"
)

// Vendor is an archive that a recipe gives by its address: http, https or file.
// Its only pocket is "release". A suite that ends in "/" makes it flat: it has
// no components, and its Release stands in that folder. keyring is the content
// of a key file, armored or binary.
func Vendor(name, address, suite string, components []string, keyring []byte) (Archive, error) {
	fail := func(why string, hints ...string) (Archive, error) {
		return Archive{}, &kiln.Error{Code: kiln.User, Text: fmt.Sprintf("cannot use the archive %q: %s", name, why), Hints: hints}
	}
	u, err := parseMirror(address)
	if err != nil {
		return fail(err.Error())
	}
	if err := checkSuite(suite); err != nil {
		return fail(err.Error())
	}
	keys, err := ParseKeyring(keyring)
	if err != nil {
		return fail(fmt.Sprintf("cannot read its keyring: %v", err), "ask its owner for the public key and give that file as keyring")
	}
	p := Pocket{Archive: name, Name: "release", Suite: suite, Components: components, URL: u.String(), Keys: keys}
	switch {
	case p.Flat() && len(components) > 0:
		return fail(fmt.Sprintf("its suite %q ends in a slash, which makes it flat, and a flat archive has no components", suite), "remove components, or the slash")
	case !p.Flat() && len(components) == 0:
		p.Components = []string{"main"}
	}
	for _, c := range p.Components {
		if _, err := cleanPath(c); err != nil {
			return fail(fmt.Sprintf("%q is not the name of a component", c))
		}
	}
	return Archive{Name: name, Suite: suite, Pockets: []Pocket{p}}, nil
}

// checkSuite refuses a suite that could leave the archive's root.
func checkSuite(suite string) error {
	ok := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-._+~/", r)
	}
	if suite == "" || strings.ContainsFunc(suite, func(r rune) bool { return !ok(r) }) || slices.Contains(strings.Split(suite, "/"), "..") {
		return fmt.Errorf("%q is not the name of a suite", suite)
	}
	if suite[0] == '/' && suite != "/" {
		return fmt.Errorf("the suite %q must not begin with a slash", suite)
	}
	return nil
}

// parseMirror reads the address of an archive's root.
func parseMirror(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	if err != nil {
		return nil, fmt.Errorf("cannot read the address %q: want http://, https:// or file:/// and a path", s)
	}
	switch u.Scheme {
	case "http", "https":
		if u.Host == "" {
			return nil, fmt.Errorf("the address %q names no host", u.Redacted())
		}
	case "file":
		if u.Opaque != "" || u.Host != "" && u.Host != "localhost" || !strings.HasPrefix(u.Path, "/") {
			return nil, fmt.Errorf("the address %q must be file:/// and an absolute path", s)
		}
	default:
		return nil, fmt.Errorf("the address %q has the scheme %q: want http, https or file", u.Redacted(), u.Scheme)
	}
	if u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("the address %q has a query or a fragment: want the folder that holds dists", u.Redacted())
	}
	u.Path, u.RawPath = strings.TrimRight(u.Path, "/"), strings.TrimRight(u.RawPath, "/")
	return u, nil
}
