package apt

import (
	"bytes"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"kiln/internal/deb"
)

// hostMirrors reads the host's apt sources (sources.list(5)) for mirrors of
// Debian: of all entries for binary packages that are enabled, those whose URI
// has the path of one, ending in "/debian" or "/debian-security". Which suites
// they name does not matter: a mirror holds all of them. What is not http,
// https or file (cdrom:, mirror+file:, tor+http:) is passed over, as is a file
// that cannot be read or understood: it is the host's, and apt's to complain of.
func hostMirrors(host fs.FS) map[string][]string {
	found := map[string][]string{}
	if host == nil {
		return found
	}
	names := []string{"sources.list"}
	for _, pattern := range []string{"sources.list.d/*.list", "sources.list.d/*.sources"} {
		more, err := fs.Glob(host, pattern)
		if err == nil {
			names = append(names, more...)
		}
	}
	for _, name := range names {
		b, err := fs.ReadFile(host, name)
		if err != nil {
			continue
		}
		read := oneLineSources
		if path.Ext(name) == ".sources" {
			read = deb822Sources
		}
		for _, u := range read(b) {
			if key := mirrorKey(u); key != "" && !slices.Contains(found[key], u) {
				found[key] = append(found[key], u)
			}
		}
	}
	return found
}

// mirrorKey tells by its path which known archive an address is a mirror of.
func mirrorKey(address string) string {
	u, err := parseMirror(address)
	if err != nil {
		return ""
	}
	switch name := path.Base(u.Path); name {
	case mainMirror, securityMirror:
		return name
	}
	return ""
}

// oneLineSources returns the URIs of the lines "deb [options] URI suite ...".
func oneLineSources(b []byte) []string {
	var urls []string
	for line := range strings.Lines(string(b)) {
		line, _, _ = strings.Cut(line, "#")
		f := strings.Fields(line)
		if len(f) < 3 || f[0] != "deb" {
			continue
		}
		f = f[1:]
		if strings.HasPrefix(f[0], "[") {
			end := slices.IndexFunc(f, func(s string) bool { return strings.HasSuffix(s, "]") })
			f = f[end+1:]
			if end < 0 || len(f) == 0 {
				continue
			}
		}
		urls = append(urls, f[0])
	}
	return urls
}

// deb822Sources returns the URIs of the paragraphs of a .sources file.
func deb822Sources(b []byte) []string {
	var urls []string
	r := deb.NewTextReader(withoutComments(b))
	for {
		p, err := r.Next()
		if err == io.EOF || err != nil {
			return urls
		}
		if enabled(p) && slices.Contains(strings.Fields(p.Get("Types")), "deb") {
			urls = append(urls, strings.Fields(p.Get("URIs"))...)
		}
	}
}

// withoutComments drops comment lines, which apt allows inside a field as well.
func withoutComments(b []byte) []byte {
	var out []byte
	for line := range bytes.Lines(b) {
		if !bytes.HasPrefix(line, []byte("#")) {
			out = append(out, line...)
		}
	}
	return out
}

// enabled reads apt's booleans.
func enabled(p *deb.Paragraph) bool {
	switch strings.ToLower(p.Get("Enabled")) {
	case "no", "false", "without", "off", "disable":
		return false
	}
	return true
}
