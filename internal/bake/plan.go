package bake

import (
	"kiln"
	"kiln/internal/lock"
	"kiln/internal/recipe"
)

// plan tells how much work it is to make the trees of the platforms.
func plan(sink kiln.Sink, r *recipe.Recipe, l *lock.Lock, platforms []kiln.Platform) {
	packages, bytes := 0, int64(0)
	for _, p := range platforms {
		for _, pkg := range l.Platforms[p].Packages {
			packages++
			bytes += pkg.Size
		}
	}
	layers := layersOf(r) * len(platforms)
	sink.Plan(kiln.StepUnpack, packages, bytes)
	sink.Plan(kiln.StepConfigure, layers, 0)
	sink.Plan(kiln.StepAssemble, layers, 0)
	for _, p := range platforms {
		if used := r.UsedStages([]kiln.Platform{p}); len(used) > 0 {
			sink.Plan(kiln.StepStage, len(used), 0)
		}
	}
}

// layersOf is how many layers are made for a recipe, but for the one of the package database.
func layersOf(r *recipe.Recipe) int {
	if r.Boots() {
		return len(r.Layers) + 2 // kernel and system
	}
	return len(r.Layers)
}

// ofPlatform adds the platform to the subject of each event: oci knows only
// layers, and those of several platforms are written at once.
func ofPlatform(sink kiln.Sink, p kiln.Platform) kiln.Sink {
	return func(e kiln.Event) {
		if e.Subject != "" {
			e.Subject += " of " + p.String()
		}
		sink.Send(e)
	}
}
