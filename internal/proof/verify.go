package proof

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"kiln"
	"kiln/internal/image"
	"kiln/internal/tree"
)

// Expected is what an image is to be.
type Expected struct {
	Tree   *tree.Tree  // path by path, perhaps with origins; nil: only its digest is known, or the image's own record tells
	Digest kiln.Digest // of the tree; empty: that of Tree, or what the record tells
	Name   string      // what says so: "the listing web.listing"
}

// Report is what Verify found of an image for one platform.
type Report struct {
	Image    string       `json:"image"`
	Platform string       `json:"platform,omitempty"`
	Digest   kiln.Digest  `json:"digest,omitempty"` // of the manifest
	Against  string       `json:"against"`          // what the image was held against
	Tree     kiln.Digest  `json:"tree"`             // tree digest, as it is to be
	Found    kiln.Digest  `json:"found"`            // tree digest, as it is
	Entries  int          `json:"entries"`          // that were looked at
	Damage   []Fault      `json:"damage"`           // of layers
	Files    []string     `json:"files"`            // what is wrong with the files of a layout or archive
	Changes  []Difference `json:"changes"`          // was: as it is to be; is: as it was found
	Ignored  []string     `json:"ignored"`          // what was not compared, and why
	Equal    bool         `json:"equal"`
}

// Fault is a damaged layer.
type Fault struct {
	Layer  string      `json:"layer"`
	Blob   kiln.Digest `json:"blob,omitempty"`
	Text   string      `json:"text"`
	Places []string    `json:"places,omitempty"` // in it
}

// Verify reads an image and tells, for each platform, how it differs from what it is
// to be: by default, from the listing of its tree in the record that its build left,
// and then for all platforms where o names none. Errors are of what cannot be read at
// all; those of damage have the code kiln.Refused.
func Verify(ctx context.Context, ref image.Reference, want Expected, o Options) ([]*Report, error) {
	platforms := o.Platforms
	if len(platforms) == 0 {
		platforms = []kiln.Platform{{}}
	}
	var reports []*Report
	var images []*image.Image
	for i := 0; i < len(platforms); i++ {
		r, img, err := verify(ctx, ref, platforms[i], want, o)
		if err != nil {
			return nil, err
		}
		if len(o.Platforms) == 0 && i == 0 && img.Record != nil && want == (Expected{}) {
			for _, p := range img.Record.Platforms {
				if p.Platform != img.Config.Platform {
					platforms = append(platforms, p.Platform)
				}
			}
		}
		reports, images = append(reports, r), append(images, img)
	}
	if ref.Name == "" && images[0].Record != nil && len(images) == len(images[0].Record.Platforms) {
		for _, name := range strays(images) {
			reports[0].Files = append(reports[0].Files, fmt.Sprintf("the file %q is no part of the image", name))
			reports[0].Equal = false
		}
	}
	return reports, nil
}

// listed reads nothing of what stands beside an image, but its list.
func listed(string) bool { return false }

// verify is Verify for one platform. Of the image, only what it tells of files and
// its record may be used afterwards.
func verify(ctx context.Context, ref image.Reference, p kiln.Platform, want Expected, o Options) (*Report, *image.Image, error) {
	var damage []image.Damage
	img, err := image.Read(ctx, ref, image.Options{
		Platform: p, Native: o.Native, Spool: o.Spool, Record: true, Referrers: listed, Intact: true, Sink: o.Sink,
		Keep:   func(tree.Entry) bool { return false },
		Damage: func(d image.Damage) { damage = append(damage, d) },
	})
	if err != nil {
		return nil, nil, err
	}
	defer img.Close()
	r := &Report{
		Image: ref.String(), Digest: img.Digest, Entries: img.Tree.Len(), Found: img.Tree.Digest(),
		Damage: []Fault{}, Files: []string{}, Changes: []Difference{}, Ignored: []string{},
	}
	if img.Config != nil {
		r.Platform = img.Config.Platform.String()
	}
	if want, err = expected(img, want); err != nil {
		return nil, nil, err
	}
	r.Against, r.Tree = want.Name, want.Digest
	for _, d := range damage {
		r.Damage = append(r.Damage, faultOf(d, want.Tree))
	}
	if img.Record != nil && ref.Name == "" {
		r.Files = checkFiles(img)
	}
	r.compare(img, want)
	r.Equal = len(r.Damage)+len(r.Files)+len(r.Changes) == 0
	return r, img, nil
}

// expected completes what the image is to be from its record.
func expected(img *image.Image, want Expected) (Expected, error) {
	if want.Tree != nil || want.Digest != "" {
		if want.Digest == "" {
			want.Digest = want.Tree.Digest()
		}
		return want, nil
	}
	if img.Record == nil || img.Config == nil {
		e := refused("cannot verify the %s image %q: no record of its build stands beside it", img.Kind, img.Path)
		e.Code = kiln.User
		if img.Config != nil {
			e.Text += ": its index.json names none"
		}
		e.Hints = []string{"say what it is to be: --listing FILE, --recipe RECIPE or --tree DIGEST"}
		return want, e
	}
	t, err := img.Record.Tree(img.Config.Platform)
	if err != nil {
		return want, err
	}
	return Expected{Tree: t, Digest: t.Digest(), Name: "the record of its build"}, nil
}

// compare lists what of the tree is not as it is to be.
func (r *Report) compare(img *image.Image, want Expected) {
	if r.Found == want.Digest {
		return
	}
	if want.Tree == nil {
		r.Changes = append(r.Changes, Difference{Part: PartPath, Where: "/", Field: "tree digest", Was: string(want.Digest), Is: string(r.Found)})
		return
	}
	ignore := &ignored{folder: img.Kind == image.Folder, unowned: img.Unowned}
	for _, c := range tree.Diff(want.Tree, img.Tree) {
		path := c.Path
		for _, d := range pathDifferences(c.Before, c.After, originAt(want.Tree, path)) {
			if !ignore.passes(d, c) {
				r.Changes = append(r.Changes, d)
			}
		}
	}
	r.Ignored = append(r.Ignored, ignore.list()...)
}

// ignored counts what a folder that an ordinary user unpacked cannot have.
type ignored struct {
	folder, unowned             bool
	owners, attributes, devices int
}

// passes reports whether a difference is one that comes of unpacking alone.
func (i *ignored) passes(d Difference, c tree.Change) bool {
	switch {
	case !i.folder || !i.unowned:
		return false
	case d.Field == "uid" || d.Field == "gid":
		i.owners++
	case d.Field == "xattr" && privileged(c.Before) && len(c.After.Xattrs) == 0:
		i.attributes++
	case c.After == nil && (c.Before.Type == tree.CharDev || c.Before.Type == tree.BlockDev):
		i.devices++
	default:
		return false
	}
	return true
}

// privileged reports whether all extended attributes of an entry are such that only
// root can set them.
func privileged(e *tree.Entry) bool {
	for name := range e.Xattrs { // all must be
		if strings.HasPrefix(name, "user.") {
			return false
		}
	}
	return true
}

func (i *ignored) list() []string {
	var all []string
	for _, of := range []struct {
		n    int
		what string
	}{{i.owners, "owners or groups"}, {i.attributes, "capabilities and other attributes"}, {i.devices, "devices"}} {
		if of.n > 0 {
			all = append(all, fmt.Sprintf("%d %s: an ordinary user unpacked the folder, and only root can set them", of.n, of.what))
		}
	}
	return all
}

// checkFiles says what is wrong with the files of a layout or archive that kiln
// wrote: those that no digest covers, and those that nothing names.
func checkFiles(img *image.Image) []string {
	problems := []string{}
	document := func(name string) []byte { return (&side{Image: img}).document(name) }
	docker := document("manifest.json")
	if err := img.Record.CheckLayout(document("oci-layout"), document("index.json"), docker != nil); err != nil {
		problems = append(problems, err.Error())
	}
	if docker != nil {
		var layers []kiln.Digest
		for _, l := range img.Layers {
			layers = append(layers, l.Digest)
		}
		if err := img.Record.CheckDocker(docker, kiln.DigestOf(document("configuration")), layers); err != nil {
			problems = append(problems, err.Error())
		}
	}
	return problems
}

// strays are files of a layout or archive that belong to none of its images.
func strays(images []*image.Image) []string {
	var all []string
	for _, name := range images[0].Files {
		if !slices.ContainsFunc(images, func(img *image.Image) bool { return img.Used[name] }) {
			all = append(all, name)
		}
	}
	return all
}

// faultOf tells of a damaged layer which parts of it are, and of which packages.
func faultOf(d image.Damage, want *tree.Tree) Fault {
	f := Fault{Layer: strings.TrimPrefix(d.CreatedBy, "kiln layer "), Blob: d.Digest, Text: d.Err.Error()}
	if f.Layer == "" {
		f.Layer = fmt.Sprint(d.Layer + 1)
	}
	for _, p := range d.Parts {
		place := fmt.Sprintf("part %d of %d", p.Number, d.Of)
		switch {
		case p.First != "":
			place += fmt.Sprintf(", which begins with %s%s", p.First, ofPackage(want, p.First))
		case p.After != "":
			place += fmt.Sprintf(", which comes after %s%s", p.After, ofPackage(want, p.After))
		}
		f.Places = append(f.Places, place+": "+p.Err.Error())
	}
	return f
}

func ofPackage(t *tree.Tree, path string) string {
	if name := originAt(t, strings.TrimPrefix(path, "/")).Package; name != "" {
		return " of " + name
	}
	return ""
}
