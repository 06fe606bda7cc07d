package changelog

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/klauspost/compress/gzip"
)

// Of returns the entries of a package of the given source, out of the files that
// its folder below /usr/share/doc holds, by name (Debian Policy 12.7): those of a
// rebuild for one architecture first, then those of the source. nil means that the
// package brings no Debian changelog.
func Of(files map[string][]byte, source string) ([]Entry, error) {
	var all []Entry
	for _, name := range names(files) {
		text, err := plain(name, files[name])
		if err != nil {
			return nil, err
		}
		list, err := Parse(text)
		upstream := !strings.HasPrefix(name, "changelog.Debian")
		switch {
		case upstream && (all != nil || err != nil || list[0].Source != source):
			// of the program's own authors: a native package alone has Debian's there
		case err != nil:
			return nil, fmt.Errorf("%s: %w", name, err)
		default:
			all = append(all, list...)
		}
	}
	return all, nil
}

// names are the files that may be changelogs, in the order to read them.
func names(files map[string][]byte) []string {
	var rebuilds, rest []string
	for _, name := range []string{"changelog.Debian.gz", "changelog.Debian", "changelog.gz", "changelog"} {
		if files[name] != nil {
			rest = append(rest, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		arch := strings.TrimSuffix(strings.TrimPrefix(name, "changelog.Debian."), ".gz")
		if strings.HasPrefix(name, "changelog.Debian.") && arch != "" && arch != "gz" {
			rebuilds = append(rebuilds, name)
		}
	}
	return append(rebuilds, rest...)
}

func plain(name string, b []byte) (io.Reader, error) {
	if !strings.HasSuffix(name, ".gz") {
		return bytes.NewReader(b), nil
	}
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, fmt.Errorf("cannot decompress %s: %w", name, err)
	}
	return z, nil
}
