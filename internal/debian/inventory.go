package debian

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/mail"
	"net/url"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/sync/errgroup"

	"kiln"
	"kiln/internal/apt"
	"kiln/internal/deb"
	"kiln/internal/deb/copyright"
	"kiln/internal/lock"
	"kiln/internal/rootfs"
	"kiln/internal/sbom"
	"kiln/internal/store"
	"kiln/internal/tree"
)

// inventory tells for SBOMs what the packages of an image are. Licences are read once
// for each copyright file, and kept in the store.
func inventory(ctx context.Context, st *store.Store, img *rootfs.Image, l *lock.Lock, p kiln.Platform) ([]sbom.Package, []sbom.Text, error) {
	licences, err := licencesOf(ctx, st, img)
	if err != nil {
		return nil, nil, err
	}
	locked := map[kiln.PackageID]lock.Package{}
	for _, pkg := range l.Platforms[p].Packages {
		locked[kiln.PackageID{Name: pkg.Name, Version: pkg.Version, Architecture: pkg.Architecture}] = pkg
	}
	var packages []sbom.Package
	var texts []sbom.Text
	for _, d := range img.Packages {
		lp := locked[d.ID]
		space, distro := vendorOf(l, lp.Archive)
		pkg := describe(d.Control, d.Fields, space, distro)
		pkg.Owner, pkg.Layer, pkg.Checksum, pkg.FileName, pkg.Comes = d.Name, d.Layer, d.Deb, lp.Path, "archive "+lp.Archive
		if lp.Archive == localArchive {
			pkg.Comes = "a .deb of the recipe"
		}
		known, ok := licences[d.Copyright]
		if !ok {
			known = copyright.Licences{Note: "the package has no copyright file"}
		}
		texts = append(texts, setLicence(&pkg, known)...)
		packages = append(packages, pkg)
	}
	return packages, texts, nil
}

// vendorOf is the namespace of an archive's packages in package URLs, and what their
// distro is: "debian" and "debian-13" of Debian's own. Those of others have namespaces
// of their own, since no list of Debian's flaws tells of them.
func vendorOf(l *lock.Lock, id string) (space, distro string) {
	name, suite, _ := strings.Cut(id, "/")
	if name != debianArchive {
		return strings.ToLower(name), ""
	}
	for _, a := range l.Archives {
		if a.Name == name && (suite == a.Suite || strings.HasPrefix(suite, a.Suite+"-")) {
			suite = a.Suite
		}
	}
	if v := apt.DebianVersion(suite); v != "" {
		return name, name + "-" + v
	}
	return name, name + "-" + suite
}

const debianArchive = "debian"

// describe is what a control paragraph tells of a package.
func describe(c *deb.Package, fields *deb.Paragraph, space, distro string) sbom.Package {
	purl := func(name, version, arch string) string {
		return sbom.PURL{Type: "deb", Namespace: space, Name: name, Version: version, Qualifiers: [][2]string{{"arch", arch}, {"distro", distro}}}.String()
	}
	p := sbom.Package{
		Name: c.Name, Version: c.Version, Architecture: c.Architecture, PURL: purl(c.Name, c.Version, c.Architecture),
		Source:   &sbom.Source{Name: c.Source, Version: c.SourceVersion, PURL: purl(c.Source, c.SourceVersion, "source")},
		Supplier: supplierOf(fields.Get("Maintainer")), Layer: sbom.NoLayer,
	}
	p.Summary, _, _ = strings.Cut(fields.Get("Description"), "\n")
	if u, err := url.Parse(fields.Get("Homepage")); err == nil && (u.Scheme == "http" || u.Scheme == "https" || u.Scheme == "ftp") && u.Host != "" {
		p.Homepage = u.String()
	}
	return p
}

// teams are words of addresses and names that are not one person's.
var teams = []string{"team", "maintainers", "group", "developers", "project", "packagers", "packaging", "qa", "list", "lists.", "tracker.debian.org", "packages.debian.org", "debian-", "pkg-"}

// supplierOf reads a Maintainer field.
func supplierOf(maintainer string) *sbom.Supplier {
	name, address, _ := strings.Cut(maintainer, "<")
	s := &sbom.Supplier{Name: strings.Trim(name, " \t\"")}
	if a, err := mail.ParseAddress(strings.Trim(address, "<> \t")); err == nil {
		s.Email = a.Address
	}
	if s.Name == "" {
		s.Name = s.Email
	}
	if s.Name == "" {
		return nil
	}
	small := strings.ToLower(s.Name + " " + s.Email)
	for _, word := range teams {
		s.Organization = s.Organization || strings.Contains(small, word)
	}
	return s
}

// setLicence sets what is known of the licence, and returns the texts that it names.
func setLicence(p *sbom.Package, l copyright.Licences) []sbom.Text {
	p.Licence = sbom.Licence{Declared: l.Declared, Concluded: l.Concluded, Note: l.Note}
	var texts []sbom.Text
	for _, t := range l.Texts {
		p.Licence.Texts = append(p.Licence.Texts, t.ID)
		texts = append(texts, sbom.Text(t))
	}
	return texts
}

// licencesOf reads the copyright files of an image's packages, each once.
func licencesOf(ctx context.Context, st *store.Store, img *rootfs.Image) (map[kiln.Digest]copyright.Licences, error) {
	var files []kiln.Digest
	all := map[kiln.Digest]copyright.Licences{}
	for _, d := range img.Packages {
		if _, seen := all[d.Copyright]; !seen && d.Copyright != "" {
			all[d.Copyright] = copyright.Licences{}
			files = append(files, d.Copyright)
		}
	}
	found := make([]copyright.Licences, len(files))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i, d := range files {
		group.Go(func() (err error) {
			if err := ctx.Err(); err != nil {
				return err
			}
			found[i], err = licencesIn(st, img.Contents, d)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, fmt.Errorf("cannot read the licences of the packages: %w", err)
	}
	for i, d := range files {
		all[d] = found[i]
	}
	return all, nil
}

// licencesIn recalls or reads the licences in one copyright file.
func licencesIn(st *store.Store, contents tree.Contents, d kiln.Digest) (copyright.Licences, error) {
	key := kiln.DigestOf([]byte("kiln licences " + strconv.Itoa(copyright.Format) + "\n" + string(d) + "\n"))
	var l copyright.Licences
	if value, ok := st.Result(key); ok && json.Unmarshal(value, &l) == nil {
		return l, nil
	}
	l, err := readLicences(contents, d)
	if err != nil {
		return l, err
	}
	value, err := json.Marshal(l)
	if err != nil {
		return l, fmt.Errorf("bug: cannot encode licences: %w", err)
	}
	return l, st.SetResult(key, value)
}

func readLicences(contents tree.Contents, d kiln.Digest) (copyright.Licences, error) {
	r, err := contents.OpenContent(d)
	if err != nil {
		return copyright.Licences{}, err
	}
	defer r.Close()
	text, err := io.ReadAll(io.LimitReader(r, copyright.MaxSize+1))
	if err != nil {
		return copyright.Licences{}, err
	}
	return copyright.Read(text), nil
}
