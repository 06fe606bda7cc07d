package debian

import (
	"archive/tar"
	"fmt"
	"io"
	"path"
	"strings"

	"kiln"
	"kiln/internal/deb"
	"kiln/internal/deb/changelog"
	"kiln/internal/lock"
	"kiln/internal/tree"
)

// History is what a package file says of where it comes from.
type History struct {
	Source, SourceVersion string
	Entries               []changelog.Entry // nil where the file has no changelog
	Shares                string            // the package whose folder of documents is this one's, too; empty for one of its own
}

// maxChangelog bounds a changelog as it stands in a package, in bytes.
const maxChangelog = 64 << 20

// History reads the changelog of a locked package out of its .deb in the store. The
// rules of images do not matter there: what is left out of images is in the .deb.
func (f *Family) History(pkg lock.Package) (*History, error) {
	h, err := f.history(pkg, true)
	if err != nil {
		return nil, fmt.Errorf("cannot read the changelog of %s %s: %w", pkg.Name, pkg.Version, err)
	}
	return h, nil
}

// SourceVersion is the version of the source of a locked package, if its .deb is in
// the store.
func (f *Family) SourceVersion(pkg lock.Package) (string, bool) {
	h, err := f.history(pkg, false)
	if err != nil {
		return "", false
	}
	return h.SourceVersion, true
}

func (f *Family) history(pkg lock.Package, whole bool) (*History, error) {
	d, err := kiln.DigestFromHex(pkg.SHA256)
	if err != nil {
		return nil, err
	}
	blob, err := f.Store.Verified(d)
	if err != nil {
		return nil, err
	}
	defer blob.Close()
	archive, err := deb.Open(blob, blob.Size())
	if err != nil {
		return nil, err
	}
	control, err := archive.Control()
	if err != nil {
		return nil, err
	}
	if got := control.Package; got.Name != pkg.Name || got.Version != pkg.Version {
		return nil, &kiln.Error{Code: kiln.Refused, Text: fmt.Sprintf("its .deb is %s %s", got.Name, got.Version), Hints: []string{"kiln lock --update"}}
	}
	h := &History{Source: control.Package.Source, SourceVersion: control.Package.SourceVersion}
	if !whole {
		return h, nil
	}
	data, err := archive.Data(deb.Limits{})
	if err != nil {
		return nil, err
	}
	defer data.Close()
	files, err := h.documents(data, pkg.Name)
	if err == nil {
		h.Entries, err = changelog.Of(files, h.Source)
	}
	return h, err
}

// documents reads the files of a data archive that may be changelogs.
func (h *History) documents(data io.Reader, name string) (map[string][]byte, error) {
	folder := "usr/share/doc/" + name
	files := map[string][]byte{}
	r := tar.NewReader(data)
	for {
		e, err := r.Next()
		if err == io.EOF {
			return files, nil
		}
		if err != nil {
			return nil, err
		}
		at, err := tree.CleanPath(e.Name)
		if err != nil {
			return nil, err
		}
		dir, base := path.Split(at)
		switch {
		case at == folder && e.Typeflag == tar.TypeSymlink:
			h.Shares = path.Base(e.Linkname)
		case dir != folder+"/" || !strings.HasPrefix(base, "changelog"):
		case e.Typeflag == tar.TypeSymlink && strings.HasPrefix(base, "changelog.Debian"):
			h.Shares = path.Base(path.Dir(e.Linkname)) // ../other/changelog.Debian.gz
		case e.Typeflag == tar.TypeReg:
			if files[base], err = io.ReadAll(io.LimitReader(r, maxChangelog)); err != nil {
				return nil, err
			}
		}
	}
}
