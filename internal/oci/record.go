package oci

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"strings"

	"kiln"
)

// The files of a record of a build, as their titles and media types name them.
const (
	TitleRecipe = "kiln.yaml"
	TitleLock   = "kiln.lock"

	MediaRecipe  = "application/vnd.kiln.recipe.v1+yaml"
	MediaLock    = "application/vnd.kiln.lock.v1+json"
	MediaTree    = "application/vnd.kiln.tree.v1" // the canonical listing
	MediaOrigins = "application/vnd.kiln.origins.v1+json"
	MediaStory   = "application/vnd.kiln.story.v1+json"
	MediaFacts   = "application/vnd.kiln.facts.v1+json" // of its packages, as SBOMs tell them
	MediaRecord  = "application/vnd.kiln.build.config.v1+json"
)

// TitleTree is the title of the listing of a platform's tree.
func TitleTree(p kiln.Platform) string { return flat(p) + ".tree.gz" }

// TitleOrigins is the title of the origins of the entries of a platform's tree.
func TitleOrigins(p kiln.Platform) string { return flat(p) + ".origins.gz" }

// TitleStory is the title of what led to a platform's tree beside the origins.
func TitleStory(p kiln.Platform) string { return flat(p) + ".story.gz" }

// TitleFacts is the title of the facts about a platform's packages.
func TitleFacts(p kiln.Platform) string { return flat(p) + ".facts.gz" }

func flat(p kiln.Platform) string { return strings.ReplaceAll(p.String(), "/", "-") }

// Record is the configuration of a record: what a build is told beside recipe and
// lock, and what came of it.
type Record struct {
	Format      int            `json:"format"` // lock.Format of the kiln that built it
	Compression Compression    `json:"compression"`
	Name        string         `json:"name"` // the recipe's
	Ref         string         `json:"ref"`  // the image's name in a layout
	Platforms   []RecordedTree `json:"platforms"`
}

// RecordedTree is the tree of a platform.
type RecordedTree struct {
	Platform kiln.Platform `json:"platform"`
	Manifest kiln.Digest   `json:"manifest"`
	Tree     kiln.Digest   `json:"tree"`
}

// CheckLayout says how the files of a layout that no digest covers differ from those
// that kiln writes for the image of the record: its oci-layout and its index.json,
// which names a docker archive's image more fully.
func (r *Record) CheckLayout(layout, top []byte, docker bool) error {
	if !bytes.Equal(layout, []byte(layoutContent)) {
		return differs(layoutFile, layout, []byte(layoutContent))
	}
	var found index
	if err := json.Unmarshal(top, &found); err != nil || len(found.Manifests) != 1 {
		return fmt.Errorf("%s does not have the one entry that kiln writes", indexFile)
	}
	// The entry's digest, its size and its referrers are checked where they lead.
	entry := found.Manifests[0]
	want := Descriptor{MediaType: mediaIndex, Digest: entry.Digest, Size: entry.Size}
	if len(r.Platforms) == 1 {
		p := platformOf(r.Platforms[0].Platform)
		want.MediaType, want.Digest, want.Platform = mediaManifest, r.Platforms[0].Manifest, &p
	}
	ix := Index{entry: want}
	ix.entry.Annotations = map[string]string{annotationRef: r.Ref, AnnotationReferrers: entry.Annotations[AnnotationReferrers]}
	if kind := entry.Annotations[annotationKind]; kind == kindSigned {
		ix.entry.Annotations[annotationKind] = kind
	}
	if docker {
		maps.Copy(ix.entry.Annotations, dockerAnnotations(r.Name+":"+r.Ref))
	}
	text, err := ix.top(nil)
	if err != nil {
		return err
	}
	if !bytes.Equal(text, top) {
		return differs(indexFile, top, text)
	}
	return nil
}

// CheckDocker is CheckLayout for the manifest.json of a docker archive.
func (r *Record) CheckDocker(text []byte, config kiln.Digest, layers []kiln.Digest) error {
	want, err := dockerList(config, layers, r.Name+":"+r.Ref)
	if err == nil && !bytes.Equal(text, want) {
		err = differs(dockerFile, text, want)
	}
	return err
}

// differs tells where a file is not what it is to be.
func differs(name string, got, want []byte) error {
	at := 0
	for at < len(got) && at < len(want) && got[at] == want[at] {
		at++
	}
	around := func(b []byte) []byte { return b[min(max(at-8, 0), len(b)):min(at+16, len(b))] }
	return fmt.Errorf("%s is not as kiln wrote it: byte %d, in %q, where %q was expected", name, at+1, around(got), around(want))
}
