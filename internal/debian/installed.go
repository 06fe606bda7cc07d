package debian

import (
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"kiln/internal/deb"
	"kiln/internal/deb/copyright"
	"kiln/internal/sbom"
	"kiln/internal/tree"
)

// Installed is what a tree tells of the packages in it, whoever made it: dpkg's
// database, or the files of status.d that images without dpkg have, and the copyright
// files that are left.
type Installed struct {
	Packages []sbom.Package
	Texts    []sbom.Text
	owners   map[string]string // of paths, by dpkg's lists
}

const (
	statusFile   = "var/lib/dpkg/status"
	statusFolder = "var/lib/dpkg/status.d"
	infoFolder   = "var/lib/dpkg/info"
)

// ForInstalled chooses the files that ReadInstalled reads.
func ForInstalled(e tree.Entry) bool {
	dir := path.Dir(e.Path)
	return e.Path == statusFile || dir == statusFolder || dir == infoFolder && strings.HasSuffix(e.Path, ".list") ||
		path.Base(e.Path) == "copyright" && path.Dir(dir) == "usr/share/doc" || slices.Contains(osRelease, e.Path)
}

var osRelease = []string{"usr/lib/os-release", "etc/os-release"}

// maxDatabase bounds a file of dpkg's database, in bytes.
const maxDatabase = 256 << 20

// ReadInstalled reads the packages of a tree; none where it has no database.
func ReadInstalled(t *tree.Tree, contents tree.Contents) (*Installed, error) {
	in := &Installed{owners: map[string]string{}}
	space, distro, err := vendorOfTree(t, contents)
	if err != nil {
		return nil, err
	}
	files := []string{statusFile}
	for _, p := range t.Children(statusFolder) {
		if !strings.HasSuffix(p, ".md5sums") {
			files = append(files, p)
		}
	}
	for _, file := range files {
		text, err := readTree(t, contents, file)
		if err != nil {
			return nil, err
		}
		if len(text) > 0 && text[len(text)-1] != '\n' {
			text = append(text, '\n')
		}
		if err := in.status(text, space, distro); err != nil {
			return nil, fmt.Errorf("cannot read %q: %w", tree.Absolute(file), err)
		}
	}
	for i := range in.Packages {
		if err := in.complete(&in.Packages[i], t, contents); err != nil {
			return nil, err
		}
	}
	return in, nil
}

// Owner is the package that dpkg's lists name for an entry; empty where none does.
func (in *Installed) Owner(e tree.Entry) string { return in.owners[e.Path] }

func (in *Installed) status(text []byte, space, distro string) error {
	reader := deb.NewTextReader(text)
	for {
		fields, err := reader.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		// "install ok installed"; a package that was removed may have left its configuration.
		if status, ok := fields.Lookup("Status"); ok && !strings.HasSuffix(status, " installed") {
			continue
		}
		control, err := deb.ParsePackage(fields)
		if err != nil {
			return err
		}
		p := describe(control, fields, space, distro)
		p.Owner, p.Comes = p.Name+":"+p.Architecture, "the package database of the image"
		in.Packages = append(in.Packages, p)
	}
}

// complete adds what the tree tells of a package beyond its paragraph.
func (in *Installed) complete(p *sbom.Package, t *tree.Tree, contents tree.Contents) error {
	known, unread := copyright.Licences{Note: "the image does not hold the package's copyright file"}, true
	if at, err := t.ResolveInside("/usr/share/doc/" + p.Name + "/copyright"); err == nil {
		text, err := readTree(t, contents, at)
		if err != nil {
			return err
		}
		if text != nil {
			known, unread = copyright.Read(text), false
		}
	}
	in.Texts = append(in.Texts, setLicence(p, known)...)
	p.Licence.Unread = unread
	for _, name := range []string{p.Name + ":" + p.Architecture, p.Name} {
		text, err := readTree(t, contents, path.Join(infoFolder, name+".list"))
		if err != nil {
			return err
		}
		for line := range strings.Lines(string(text)) {
			if at, err := t.Locate(strings.TrimSpace(line)); err == nil {
				in.owners[at] = p.Owner
			}
		}
	}
	return nil
}

// vendorOfTree is vendorOf by the tree's os-release.
func vendorOfTree(t *tree.Tree, contents tree.Contents) (space, distro string, err error) {
	values := map[string]string{}
	for _, file := range osRelease {
		text, err := readTree(t, contents, file)
		if err != nil {
			return "", "", err
		}
		for line := range strings.Lines(string(text)) {
			key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
			values[key] = strings.Trim(value, `"'`)
		}
	}
	space = values["ID"]
	if space == "" {
		return debianArchive, "", nil
	}
	if v := values["VERSION_ID"]; v != "" {
		return space, space + "-" + v, nil
	}
	if v := values["VERSION_CODENAME"]; v != "" {
		return space, space + "-" + v, nil
	}
	return space, "", nil
}

// readTree reads a file of a tree; nil where there is none.
func readTree(t *tree.Tree, contents tree.Contents, file string) ([]byte, error) {
	e, ok := t.Lookup(file)
	if !ok || e.Type != tree.File {
		return nil, nil
	}
	if e.Size > maxDatabase {
		return nil, fmt.Errorf("cannot read %q: it has over %d MiB", tree.Absolute(file), maxDatabase>>20)
	}
	r, err := contents.OpenContent(e.Content)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}
