package survey

import (
	"strconv"

	"kiln/internal/facts"
	"kiln/internal/image"
	"kiln/internal/lock"
	"kiln/internal/oci"
	"kiln/internal/recipe"
)

// OfImage reads the facts of an image that was read back, with what the record of its
// build tells where there is one. The image must have been read with Needs kept.
func OfImage(img *image.Image, name string, e Evidence) (*facts.Facts, error) {
	s := Subject{
		Name: name, Kind: string(img.Kind), Digest: img.Digest, TreeID: img.TreeDigest(), Tree: img.Tree, Contents: img.Contents(), Unowned: img.Unowned, Config: img.Config, Evidence: e,
	}
	if img.Config != nil {
		s.Platform = img.Config.Platform.String()
		s.Layers = []facts.Layer{}
		for i, l := range img.Layers {
			size := l.Size
			s.Layers = append(s.Layers, facts.Layer{
				Name: strconv.Itoa(i + 1), Digest: string(l.Digest), DiffID: string(l.DiffID), Compressed: &size, CreatedBy: l.CreatedBy,
			})
		}
	}
	if err := s.recorded(img); err != nil {
		return nil, err
	}
	return Facts(s)
}

// recorded adds what the record of the image's build tells. A record of another tree
// is not of this image, and is passed over.
func (s *Subject) recorded(img *image.Image) error {
	if img.Record == nil || img.Config == nil {
		return nil
	}
	t, err := img.Record.Tree(img.Config.Platform)
	if err != nil || t.Digest() != s.TreeID {
		return err
	}
	s.Tree, s.Origins = t, true
	r, problems := recipe.Parse("the recipe recorded with the image", img.Record.Files[oci.TitleRecipe])
	if len(problems) > 0 {
		return problems
	}
	s.Recipe = r
	s.Lock, err = lock.Parse("the lock recorded with the image", img.Record.Files[oci.TitleLock])
	return err
}
