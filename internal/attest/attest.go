// Package attest holds signed statements about images: in-toto statements (v1), in
// DSSE envelopes, in Sigstore bundles (v0.3), the keys that sign them, and the trust
// policy that says which of them an image must have.
//
// A bundle has one signature by one key, which it names by a hint; an image signed
// by several has several bundles. What is signed is the pre-authentication encoding
// of the statement's bytes, and nothing is read out of a statement before a
// signature over these bytes was found good. Keys are ECDSA P-256 with SHA-256, and
// Ed25519; certificates, transparency logs and signatures over bare files are
// refused or passed over, and never taken for more than they are.
//
// There is no I/O here: clock, randomness and files are handed in.
package attest

import (
	"fmt"
	"slices"
	"strings"

	"kiln"
)

// Media types and the type of a statement.
const (
	StatementType = "https://in-toto.io/Statement/v1"
	PayloadType   = "application/vnd.in-toto+json"
	MediaBundle   = "application/vnd.dev.sigstore.bundle.v0.3+json"

	mediaBundleOld = "application/vnd.dev.sigstore.bundle+json;version=0.3" // as cosign wrote it for a while
	statementOld   = "https://in-toto.io/Statement/v0.1"
)

// Annotations of the artifact that holds a bundle beside an image: those of cosign,
// and the one where Trivy and BuildKit look.
const (
	AnnotationContent   = "dev.sigstore.bundle.content"
	AnnotationPredicate = "dev.sigstore.bundle.predicateType"
	AnnotationInToto    = "in-toto.io/predicate-type"
	AnnotationCreated   = "org.opencontainers.image.created"

	ContentEnvelope = "dsse-envelope" // the value of AnnotationContent
)

// AnnotationSerial, of a statement's subject, is the serial number of a signed
// release: a whole number that its signers raise with each.
const AnnotationSerial = "vnd.kiln.serial"

// Predicate types that kiln writes.
const (
	PredicateSignature  = "https://sigstore.dev/cosign/sign/v1"
	PredicateProvenance = "https://slsa.dev/provenance/v1"
	PredicateSPDX       = "https://spdx.dev/Document"
	PredicateCycloneDX  = "https://cyclonedx.org/bom"
)

// Predicate is a type of statement that has a short name.
type Predicate struct {
	Name string // as --type of cosign has it, where cosign has it
	Type string
	Also []string // further types that count as this one
}

// Predicates lists the types with a short name, in the order to show them.
func Predicates() []Predicate {
	return []Predicate{
		{"signature", PredicateSignature, nil},
		{"slsaprovenance1", PredicateProvenance, nil},
		{"slsaprovenance02", "https://slsa.dev/provenance/v0.2", nil},
		{"spdxjson", PredicateSPDX, []string{"https://spdx.dev/Document/v2.3"}},
		{"cyclonedx", PredicateCycloneDX, []string{"https://cyclonedx.org/bom/v1.6"}},
		{"vuln", "https://cosign.sigstore.dev/attestation/vuln/v1", []string{"https://in-toto.io/attestation/vulns/v0.2"}},
		{"openvex", "https://openvex.dev/ns", []string{"https://openvex.dev/ns/v0.2.0"}},
		{"test-result", "https://in-toto.io/attestation/test-result/v0.1", nil},
		{"vsa", "https://slsa.dev/verification_summary/v1", nil},
	}
}

// PredicateNames lists their short names.
func PredicateNames() []string {
	var names []string
	for _, p := range Predicates() {
		names = append(names, p.Name)
	}
	return names
}

// ParsePredicate reads a short name, or a type as a URI.
func ParsePredicate(s string) (Predicate, error) {
	for _, p := range Predicates() {
		if s == p.Name || s == p.Type {
			return p, nil
		}
	}
	if scheme, rest, ok := strings.Cut(s, ":"); !ok || scheme == "" || rest == "" || strings.ContainsAny(s, " \t\n") {
		return Predicate{}, fmt.Errorf("%q is no predicate type: write a URI, or one of %s", s, strings.Join(PredicateNames(), ", "))
	}
	return Predicate{Name: s, Type: s}, nil
}

// Is reports whether a statement of the type is one of these.
func (p Predicate) Is(predicateType string) bool {
	return predicateType == p.Type || slices.Contains(p.Also, predicateType)
}

// NameOf is the short name of a predicate type, or the type itself.
func NameOf(predicateType string) string {
	for _, p := range Predicates() {
		if p.Is(predicateType) {
			return p.Name
		}
	}
	return predicateType
}

func refused(format string, args ...any) error {
	return &kiln.Error{Code: kiln.Refused, Text: fmt.Sprintf(format, args...)}
}
