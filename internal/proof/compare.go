package proof

import (
	"bytes"
	"context"
	"maps"
	"slices"
	"strings"

	"kiln"
	"kiln/internal/image"
	"kiln/internal/oci"
	"kiln/internal/tree"
)

// Options say what of two images is compared.
type Options struct {
	Platforms []kiln.Platform // each of them; none: the one that there is
	Native    kiln.Platform   // taken where none is named and there are several
	Files     bool            // files of layouts and archives must be the same to the byte, too
	Spool     string          // folder for temporary files
	Sink      kiln.Sink
}

// Compare tells how b differs from a, two images of one kind that is not a folder: nothing where all that
// they hold is the same. Errors are of what cannot be read.
func Compare(ctx context.Context, a, b image.Reference, o Options) ([]Difference, error) {
	var files []Difference
	if a.Name == "" {
		var err error
		if files, err = sameFiles(a.Path, b.Path); err != nil || len(files) == 0 {
			return nil, err
		}
	}
	platforms := o.Platforms
	if len(platforms) == 0 {
		platforms = []kiln.Platform{{}}
	}
	var all []Difference
	for _, p := range platforms {
		found, err := comparePlatform(ctx, a, b, p, o)
		if err != nil {
			return nil, err
		}
		for _, d := range found {
			if len(platforms) > 1 && d.Part != PartRecord && !strings.HasPrefix(d.Where, "index.json") && !strings.HasPrefix(d.Where, "image index") {
				d.Platform = p.String()
			}
			if !slices.Contains(all, d) {
				all = append(all, d)
			}
		}
	}
	if len(all) == 0 && o.Files {
		return files, nil
	}
	return all, nil
}

// side is one of two images.
type side struct {
	*image.Image
	layers [][]tree.Entry // as they stand in their tars
	origin *tree.Tree     // with origins; nil where there is no record
}

func readSide(ctx context.Context, ref image.Reference, p kiln.Platform, o Options) (*side, error) {
	s := &side{}
	var err error
	s.Image, err = image.Read(ctx, ref, image.Options{
		Platform: p, Native: o.Native, Spool: o.Spool, Record: true, Referrers: listed, Sink: o.Sink,
		Entry: func(layer int, e tree.Entry) {
			for len(s.layers) <= layer {
				s.layers = append(s.layers, nil)
			}
			s.layers[layer] = append(s.layers[layer], e)
		},
	})
	if err != nil {
		return nil, err
	}
	if s.Record != nil && s.Config != nil {
		if s.origin, err = s.Record.Tree(s.Config.Platform); err != nil {
			s.Close()
			return nil, err
		}
	}
	return s, nil
}

func comparePlatform(ctx context.Context, a, b image.Reference, p kiln.Platform, o Options) ([]Difference, error) {
	left, err := readSide(ctx, a, p, o)
	if err != nil {
		return nil, err
	}
	defer left.Close()
	right, err := readSide(ctx, b, p, o)
	if err != nil {
		return nil, err
	}
	defer right.Close()
	if left.origin == nil {
		left.origin = right.origin
	}
	c := &comparison{left, right, nil}
	c.compareLayers()
	c.compareTrees()
	c.compareDocuments()
	c.compareRecords()
	return c.all, nil
}

// comparison gathers how right differs from left.
type comparison struct {
	left, right *side
	all         []Difference
}

// add adds the differences of an entry, with what of its content differs.
func (c *comparison) add(a, b *tree.Entry) {
	path := ""
	if a != nil {
		path = a.Path
	} else {
		path = b.Path
	}
	origin := originAt(c.left.origin, path)
	if a == nil {
		origin = originAt(c.right.origin, path)
	}
	for _, d := range pathDifferences(a, b, origin) {
		if d.Field == "content" {
			d.Was, d.Is = excerpts(c.left.Contents(), c.right.Contents(), a.Content, b.Content)
		}
		if !slices.Contains(c.all, d) {
			c.all = append(c.all, d)
		}
	}
}

// compareLayers compares the layers one by one.
func (c *comparison) compareLayers() {
	for i := range max(len(c.left.Layers), len(c.right.Layers)) {
		switch {
		case i >= len(c.left.Layers):
			c.all = append(c.all, Difference{Part: PartLayer, Where: layerName(c.right.Layers[i]), Is: string(c.right.Layers[i].Digest), Step: "assemble the layer"})
		case i >= len(c.right.Layers):
			c.all = append(c.all, Difference{Part: PartLayer, Where: layerName(c.left.Layers[i]), Was: string(c.left.Layers[i].Digest), Step: "assemble the layer"})
		default:
			c.compareLayer(c.left.Layers[i], c.right.Layers[i], entriesOf(c.left.layers, i), entriesOf(c.right.layers, i))
		}
	}
}

func entriesOf(layers [][]tree.Entry, i int) []tree.Entry {
	if i < len(layers) {
		return layers[i]
	}
	return nil
}

func (c *comparison) compareLayer(l, r image.Layer, a, b []tree.Entry) {
	if l.DiffID == r.DiffID && l.Digest == r.Digest {
		return
	}
	d := Difference{Part: PartLayer, Where: layerName(l), Field: "compressed bytes", Was: string(l.Digest), Is: string(r.Digest), Step: stepCompress}
	if l.DiffID != r.DiffID {
		before := len(c.all)
		c.compareEntries(a, b)
		if len(c.all) > before {
			return
		}
		d.Field, d.Was, d.Is, d.Step = "bytes of the tar", string(l.DiffID), string(r.DiffID), stepTar
		for i := range a {
			if a[i].Path != b[i].Path {
				d.Field, d.Was, d.Is = "order of entries", tree.Absolute(a[i].Path), tree.Absolute(b[i].Path)
				break
			}
		}
	}
	c.all = append(c.all, d)
}

// compareEntries compares the entries of two layers by their paths.
func (c *comparison) compareEntries(a, b []tree.Entry) {
	left, right := map[string]*tree.Entry{}, map[string]*tree.Entry{}
	for i := range a {
		left[a[i].Path] = &a[i]
	}
	for i := range b {
		right[b[i].Path] = &b[i]
	}
	paths := slices.AppendSeq(slices.Collect(maps.Keys(left)), maps.Keys(right))
	slices.SortFunc(paths, tree.Compare)
	for _, p := range slices.Compact(paths) {
		if left[p] == nil || right[p] == nil || tree.Differing(left[p], right[p]) != nil {
			c.add(left[p], right[p])
		}
	}
}

// layerName is what kiln calls a layer, or else its digest.
func layerName(l image.Layer) string {
	if name := strings.TrimPrefix(l.CreatedBy, "kiln layer "); name != "" {
		return name
	}
	return string(l.DiffID)
}

// compareTrees compares the root file systems where no layer is to blame.
func (c *comparison) compareTrees() {
	if len(c.all) > 0 {
		return
	}
	for _, change := range tree.Diff(c.left.Tree, c.right.Tree) {
		c.add(change.Before, change.After)
	}
}

// compareDocuments compares the documents of both; index.json only between images
// that have a record, since other tools write it otherwise.
func (c *comparison) compareDocuments() {
	for _, d := range c.left.Documents {
		named := d.Digest == ""
		if named && (c.left.Record == nil || c.right.Record == nil) {
			continue
		}
		if other := c.right.document(d.Name); other != nil {
			if named && c.right.List != "" && slices.Equal(c.left.built(), c.right.built()) {
				// What was attached later, signatures among it, is no part of what was built.
				other = oci.Unsigned(bytes.ReplaceAll(other, []byte(c.right.List), []byte(c.left.List)))
				d.Text = oci.Unsigned(d.Text)
			}
			c.all = append(c.all, documentDifferences(d.Name, d.Text, other)...)
		}
	}
}

// built are the digests of what stands beside the image since it was built.
func (s *side) built() (all []kiln.Digest) {
	for _, r := range s.Referrers {
		if oci.Built(r.ArtifactType) {
			all = append(all, r.Digest)
		}
	}
	return all
}

func (s *side) document(name string) []byte {
	for _, d := range s.Documents {
		if d.Name == name {
			return d.Text
		}
	}
	return nil
}

// compareRecords names the files of the records that differ.
func (c *comparison) compareRecords() {
	l, r := c.left.Record, c.right.Record
	if l == nil || r == nil || l.Digest == r.Digest {
		return
	}
	titles := slices.AppendSeq(slices.Collect(maps.Keys(l.Files)), maps.Keys(r.Files))
	slices.Sort(titles)
	for _, title := range slices.Compact(titles) {
		was, is := l.Files[title], r.Files[title]
		if string(was) == string(is) {
			continue
		}
		contents := tree.Bytes{}
		d := Difference{Part: PartRecord, Where: title, Field: "content", Step: stepRecord}
		d.Was, d.Is = excerpts(contents, contents, contents.Add(was), contents.Add(is))
		c.all = append(c.all, d)
	}
}
