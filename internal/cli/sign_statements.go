package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"

	"kiln"
	"kiln/internal/attest"
	"kiln/internal/image"
	"kiln/internal/provenance"
	"kiln/internal/store"
)

// sbomTypes are the artifact types of bills of materials that stand beside an image,
// and the predicate types of the statements with them.
func sbomTypes() map[string]string {
	return map[string]string{
		"application/spdx+json":          attest.PredicateSPDX,
		"application/vnd.cyclonedx+json": attest.PredicateCycloneDX,
	}
}

// signFlags are the flags of kiln sign, as typed.
type signFlags struct {
	key        keyFlags
	provenance provenanceFlags
	keys       []string
	types      []string
	predicate  string
	name       string
	serial     int
	annotate   []string
	output     string
	request    string
	answer     string
	signatures []string
	publicKey  string
	skip       bool
}

// statement is one that is to be signed.
type statement struct {
	attest.Statement
	payload []byte
}

// statements are all that can be said of an image, each as the bytes to sign.
func (f *signFlags) statements(o *image.Outline, st *store.Store) ([]statement, error) {
	annotations, err := f.annotations()
	if err != nil {
		return nil, err
	}
	name := imageName(o, f.name)
	if f.predicate != "" {
		return f.predicated(subjectsOf(o, name, annotations))
	}
	all := []attest.Statement{{Subject: subjectsOf(o, name, annotations), PredicateType: attest.PredicateSignature}}
	if o.Record != nil {
		s, err := provenance.Statement(f.provenance.input(o, st), subjectsOf(o, name, nil))
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	for _, r := range o.Referrers {
		predicateType := sbomTypes()[r.ArtifactType]
		if predicateType == "" || len(r.Contents) != 1 {
			continue
		}
		if !json.Valid(r.Contents[0]) {
			return nil, &kiln.Error{Code: kiln.Refused, Text: fmt.Sprintf("cannot sign the %s beside the image: %s is no JSON", r.ArtifactType, r.Digest)}
		}
		all = append(all, attest.Statement{
			Subject:       []attest.Subject{sbomSubject(o, name, r.Artifact.Subject.Digest)},
			PredicateType: predicateType, Predicate: bytes.TrimSpace(r.Contents[0]),
		})
	}
	return f.chosen(all)
}

// predicated is the statement with a predicate that the caller wrote.
func (f *signFlags) predicated(subjects []attest.Subject) ([]statement, error) {
	p, err := attest.ParsePredicate(f.types[0])
	if err != nil {
		return nil, &kiln.Error{Code: kiln.Usage, Text: err.Error(), Hints: []string{"--type openvex"}}
	}
	text, err := readBounded(f.predicate, attest.MaxBundle/2)
	if err == nil && !json.Valid(text) {
		err = fmt.Errorf("%q is no JSON", f.predicate)
	}
	if err != nil {
		return nil, &kiln.Error{Code: kiln.User, Text: fmt.Sprintf("cannot read the predicate: %v", err), Err: err, Hints: []string{"--predicate FILE, with a JSON document of the type"}}
	}
	s := attest.Statement{Subject: subjects, PredicateType: p.Type, Predicate: bytes.TrimSpace(text)}
	payload, err := s.Marshal()
	return []statement{{s, payload}}, err
}

// chosen are the statements of the types that --type names, or all.
func (f *signFlags) chosen(all []attest.Statement) ([]statement, error) {
	var wanted []string
	for _, t := range f.types {
		p, err := attest.ParsePredicate(t)
		if err != nil {
			return nil, &kiln.Error{Code: kiln.Usage, Text: err.Error(), Hints: []string{"--type signature"}}
		}
		if !slices.ContainsFunc(all, func(s attest.Statement) bool { return p.Is(s.PredicateType) }) {
			return nil, &kiln.Error{Code: kiln.User, Text: fmt.Sprintf("cannot sign %s: nothing of the kind stands beside the image", p.Name), Hints: []string{"leave --type out to sign all there is"}}
		}
		wanted = append(wanted, p.Type)
	}
	var list []statement
	for _, s := range all {
		if len(wanted) > 0 && !slices.Contains(wanted, s.PredicateType) {
			continue
		}
		payload, err := s.Marshal()
		if err != nil {
			return nil, err
		}
		list = append(list, statement{s, payload})
	}
	return list, nil
}

// sbomSubject is the image, or one of its platforms.
func sbomSubject(o *image.Outline, name string, d kiln.Digest) attest.Subject {
	for _, p := range o.Platforms {
		if p.Manifest.Digest == d && d != o.Entry.Digest {
			name = platformName(name, p)
		}
	}
	return attest.SubjectOf(name, d, nil)
}
