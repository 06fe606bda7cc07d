package debian

import (
	"kiln/internal/bake"
	"kiln/internal/facts"
	"kiln/internal/survey"
)

// Facts implements bake.Family.
func (f *Family) Facts(s bake.Subject) (*facts.Facts, error) {
	layers := []facts.Layer{}
	for _, l := range s.Image.Layers {
		layers = append(layers, facts.Layer{Name: l.Name, Digest: string(l.Digest), DiffID: string(l.DiffID), Compressed: &l.Size})
	}
	return survey.Facts(survey.Subject{
		Name: s.Recipe.Name, Kind: "build", Platform: s.Platform.String(), Digest: s.Image.Digest, TreeID: s.Image.Tree,
		Tree: s.Root.Tree, Contents: s.Root.Contents, Origins: true, Config: &s.Config, Layers: layers, Recipe: s.Recipe, Lock: s.Lock,
	})
}
