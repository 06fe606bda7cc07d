package debian

import (
	"kiln/internal/bake"
	"kiln/internal/facts"
	"kiln/internal/recipe"
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
		Evidence: survey.Evidence{
			Inventory: s.Inventory,
			Secrets:   func(r *recipe.Recipe) []facts.Secret { return bake.SecretFacts(r, s.Platform, s.Image.Secrets) },
			Unknown:   map[string]string{"signatures": "an image is signed when it is built: judge what kiln sign wrote (oci:, or in a registry), with --trust FILE"},
		},
	})
}
