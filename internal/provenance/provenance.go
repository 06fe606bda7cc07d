// Package provenance says how an image was made: the predicate SLSA v1
// (https://slsa.dev/provenance/v1), made from the record that a build of kiln leaves
// beside the image, and from nothing else but what the caller hands in. The same
// record gives the same bytes.
//
// It claims no SLSA level: what a level is earned by, such as who runs the builder
// and who can reach its key, is nothing that a build can say of itself.
package provenance

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"

	"kiln"
	"kiln/internal/attest"
	"kiln/internal/image"
	"kiln/internal/lock"
	"kiln/internal/oci"
	"kiln/internal/recipe"
	"kiln/internal/tree"
)

// URIs of kiln's own, all under one prefix; docs/signing.md says what they mean.
const (
	BuildType    = "urn:kiln:build:v1"
	BuilderLocal = "urn:kiln:builder:local" // whoever ran kiln, wherever
	programURI   = "urn:kiln:program"
)

// Builder is what a kiln that builds knows of itself and of where it runs.
type Builder struct {
	Version  string `json:"version"`
	Revision string `json:"revision,omitempty"`
	BuildID  string `json:"buildID,omitempty"` // as "go tool buildid" prints it
	Program  string `json:"program,omitempty"` // SHA-256 of the program, 64 hexadecimal digits
	Go       string `json:"go"`
	Platform string `json:"platform"`         // it runs on: "linux/amd64"
	Kernel   string `json:"kernel,omitempty"` // "6.12.1-amd64"
	Root     bool   `json:"root"`             // run by root
	Flags    Flags  `json:"flags"`
}

// Flags are those of kiln build that decide what is built from what.
type Flags struct {
	Locked      bool     `json:"locked,omitempty"`
	Pack        bool     `json:"pack,omitempty"`
	TrustLock   bool     `json:"trust-lock,omitempty"`
	VerifyCache bool     `json:"verify-cache,omitempty"`
	Platforms   []string `json:"platform,omitempty"`
	Compression string   `json:"compression"`
}

// Input is what a predicate is made from.
type Input struct {
	Record     *image.Record
	Builder    *Builder // nil where it is not known which kiln built
	ID         string   // of the builder; default BuilderLocal
	Invocation string   // its name for the run; may be empty
	Started    string   // RFC 3339; may be empty
	Finished   string
}

// predicate is the predicate, as https://slsa.dev/spec/v1.0/provenance says.
type predicate struct {
	BuildDefinition definition `json:"buildDefinition"`
	RunDetails      details    `json:"runDetails"`
}

type definition struct {
	BuildType            string     `json:"buildType"`
	ExternalParameters   external   `json:"externalParameters"`
	InternalParameters   internal   `json:"internalParameters"`
	ResolvedDependencies []resource `json:"resolvedDependencies"`
}

type external struct {
	Recipe resource `json:"recipe"`
	Name   string   `json:"name"`
	Ref    string   `json:"ref"`
	Flags  *Flags   `json:"flags,omitempty"`

	Platforms   []string `json:"platforms"`
	Compression string   `json:"compression"`
}

type internal struct {
	Format      int          `json:"format"` // of the lock, and of all rules that turn it into bytes
	Environment *environment `json:"environment,omitempty"`
}

// environment is what a build could depend on, and does not: kiln prove varies it.
type environment struct {
	Platform string `json:"platform"`
	Kernel   string `json:"kernel,omitempty"`
	Go       string `json:"go"`
	Root     bool   `json:"root"`
}

type details struct {
	Builder    builder    `json:"builder"`
	Metadata   *metadata  `json:"metadata,omitempty"`
	Byproducts []resource `json:"byproducts"`
}

type builder struct {
	ID           string            `json:"id"`
	Version      map[string]string `json:"version,omitempty"`
	Dependencies []resource        `json:"builderDependencies,omitempty"`
}

type metadata struct {
	Invocation string `json:"invocationId,omitempty"`
	Started    string `json:"startedOn,omitempty"`
	Finished   string `json:"finishedOn,omitempty"`
}

// resource is a ResourceDescriptor of in-toto v1.
type resource struct {
	Name        string            `json:"name,omitempty"`
	URI         string            `json:"uri,omitempty"`
	Digest      map[string]string `json:"digest,omitempty"`
	MediaType   string            `json:"mediaType,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
}

func sha256Of(b []byte) map[string]string {
	return map[string]string{"sha256": kiln.DigestOf(b).Hex()}
}

// Predicate makes the predicate.
func Predicate(in Input) (json.RawMessage, error) {
	rec := in.Record
	text, lockText := rec.Files[oci.TitleRecipe], rec.Files[oci.TitleLock]
	r, problems := recipe.Parse(oci.TitleRecipe, text)
	if len(problems) > 0 {
		return nil, fmt.Errorf("cannot read the recipe in the record of the build: %w", problems)
	}
	l, err := lock.Parse(oci.TitleLock, lockText)
	if err != nil {
		return nil, fmt.Errorf("cannot read the lock in the record of the build: %w", err)
	}
	own := resource{Name: oci.TitleRecipe, Digest: sha256Of(text), MediaType: oci.MediaRecipe}
	p := predicate{
		BuildDefinition: definition{
			BuildType:          BuildType,
			ExternalParameters: external{Recipe: own, Name: rec.Name, Ref: rec.Ref, Platforms: []string{}, Compression: string(rec.Compression)},
			InternalParameters: internal{Format: rec.Format},
			ResolvedDependencies: []resource{own,
				{Name: oci.TitleLock, Digest: sha256Of(lockText), MediaType: oci.MediaLock}},
		},
		RunDetails: details{Builder: builder{ID: BuilderLocal}, Byproducts: []resource{}},
	}
	deps := dependencies{seen: map[string]bool{}}
	deps.archives(l)
	for _, t := range rec.Platforms {
		name := t.Platform.String()
		p.BuildDefinition.ExternalParameters.Platforms = append(p.BuildDefinition.ExternalParameters.Platforms, name)
		p.RunDetails.Byproducts = append(p.RunDetails.Byproducts, resource{Name: "tree of " + name, Digest: map[string]string{"sha256": t.Tree.Hex()}, MediaType: oci.MediaTree})
		deps.packages(l, t.Platform)
		recorded, err := rec.Tree(t.Platform)
		if err != nil {
			return nil, err
		}
		deps.files(r, recorded)
	}
	p.BuildDefinition.ResolvedDependencies = append(p.BuildDefinition.ResolvedDependencies, deps.all...)
	in.describe(&p)
	return marshal(p)
}

// describe adds what the caller knows.
func (in Input) describe(p *predicate) {
	run := &p.RunDetails
	if in.ID != "" {
		run.Builder.ID = in.ID
	}
	if in.Invocation+in.Started+in.Finished != "" {
		run.Metadata = &metadata{in.Invocation, in.Started, in.Finished}
	}
	b := in.Builder
	if b == nil {
		return
	}
	run.Builder.Version = map[string]string{"kiln": b.Version}
	program := resource{Name: "kiln", URI: programURI, Annotations: map[string]string{}}
	if b.Program != "" {
		program.Digest = map[string]string{"sha256": b.Program}
	}
	if b.BuildID != "" {
		program.Annotations["goBuildID"] = b.BuildID
	}
	if b.Revision != "" {
		program.Annotations["revision"] = b.Revision
	}
	run.Builder.Dependencies = []resource{program}
	flags := b.Flags
	p.BuildDefinition.ExternalParameters.Flags = &flags
	p.BuildDefinition.InternalParameters.Environment = &environment{b.Platform, b.Kernel, b.Go, b.Root}
}

func marshal(v any) (json.RawMessage, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSpace(b.Bytes()), nil
}

// dependencies gathers what an image was made of, each once, in the order of the lock.
type dependencies struct {
	all  []resource
	seen map[string]bool
}

func (d *dependencies) add(r resource) {
	key := fmt.Sprintf("%q %q %v", r.Name, r.URI, r.Digest)
	if !d.seen[key] {
		d.seen[key] = true
		d.all = append(d.all, r)
	}
}

// archives adds the signed files of the archives, and the indexes that they name.
func (d *dependencies) archives(l *lock.Lock) {
	for _, a := range l.Archives {
		for _, p := range a.Pockets {
			folder := "dists/" + p.Suite
			var signers []string
			for _, s := range p.Signers {
				signers = append(signers, s.Fingerprint)
			}
			release := "InRelease"
			if p.Signature != "" {
				release = "Release"
			}
			d.add(resource{
				Name: path.Join(folder, release), Digest: map[string]string{"sha256": p.Release.Hex()},
				Annotations: map[string]string{"archive": a.Name, "date": p.Date.UTC().Format("2006-01-02T15:04:05Z"), "signers": strings.Join(signers, " ")},
			})
			if p.Signature != "" {
				d.add(resource{Name: path.Join(folder, "Release.gpg"), Digest: map[string]string{"sha256": p.Signature.Hex()}, Annotations: map[string]string{"archive": a.Name}})
			}
			for _, ix := range p.Indexes {
				d.add(resource{Name: path.Join(folder, ix.Path), Digest: map[string]string{"sha256": ix.SHA256}, Annotations: map[string]string{"archive": a.Name}})
			}
		}
	}
}

// packages adds the packages of a platform: the image's, then those that are of stages
// alone.
func (d *dependencies) packages(l *lock.Lock, p kiln.Platform) {
	locked := l.Platforms[p]
	if locked == nil {
		return
	}
	add := func(list []lock.Package, stage string) {
		for _, pkg := range list {
			notes := map[string]string{"archive": pkg.Archive, "source": pkg.Source}
			if stage != "" {
				notes["stage"] = stage
			}
			d.add(resource{
				Name: pkg.Path, URI: purl(l, pkg), Digest: map[string]string{"sha256": pkg.SHA256}, MediaType: "application/vnd.debian.binary-package",
				Annotations: notes,
			})
		}
	}
	add(locked.Packages, "")
	for _, s := range locked.Stages { // of several, the first that has it
		add(s.Packages, s.Name)
	}
}

// files adds the recipe's own files, by what became of each in the tree.
func (d *dependencies) files(r *recipe.Recipe, t *tree.Tree) {
	from := map[string]recipe.File{}
	for _, l := range r.Layers {
		for i, f := range l.Files {
			if f.From != "" {
				from[fmt.Sprintf("layers[%s].files[%d]", l.Name, i)] = f
			}
		}
	}
	var found []resource
	for e := range t.All() {
		f, ok := from[e.Origin.Recipe]
		if !ok || e.Type != tree.File || e.Origin.Script != "" {
			continue
		}
		inside := strings.TrimPrefix(strings.TrimPrefix("/"+e.Path, f.Path), "/")
		found = append(found, resource{
			Name: path.Join(path.Clean(f.From), inside), Digest: map[string]string{"sha256": e.Content.Hex()},
			Annotations: map[string]string{"path": "/" + e.Path},
		})
	}
	slices.SortStableFunc(found, func(a, b resource) int { return strings.Compare(a.Name, b.Name) })
	for _, r := range found {
		d.add(r)
	}
}

// Statement makes the statement about subjects.
func Statement(in Input, subjects []attest.Subject) (attest.Statement, error) {
	p, err := Predicate(in)
	return attest.Statement{Subject: subjects, PredicateType: attest.PredicateProvenance, Predicate: p}, err
}
