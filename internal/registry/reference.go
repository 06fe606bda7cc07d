package registry

import (
	"fmt"
	"regexp"
	"strings"

	"kiln"
)

// Reference names an image, or a repository, of a registry.
type Reference struct {
	Host       string // with its port, where it is not the usual one
	Repository string
	Tag        string      // may be empty
	Digest     kiln.Digest // may be empty
}

// The grammar of the distribution specification 1.1, "Pulling manifests".
var (
	hostForm       = regexp.MustCompile(`^([a-zA-Z0-9]([a-zA-Z0-9.-]*[a-zA-Z0-9])?|\[[0-9a-fA-F:.]+\])(:[0-9]{1,5})?$`)
	repositoryForm = regexp.MustCompile(`^[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*$`)
	tagForm        = regexp.MustCompile(`^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$`)
)

// schemes may stand before a reference: other tools want one of them.
var schemes = []string{"docker://", "oci://"}

// LooksLike tells whether s has the form of a reference and not that of a path: it
// begins with a host, which has a dot or a port or is localhost.
func LooksLike(s string) bool {
	for _, scheme := range schemes {
		if strings.HasPrefix(s, scheme) {
			return true
		}
	}
	h, rest, ok := strings.Cut(s, "/")
	return ok && rest != "" && hostForm.MatchString(h) && (strings.ContainsAny(h, ".:") || h == "localhost")
}

// ParseReference reads "HOST/NAME", "HOST/NAME:TAG", "HOST/NAME@sha256:HEX" or
// "HOST/NAME:TAG@sha256:HEX".
func ParseReference(s string) (Reference, error) {
	var r Reference
	rest := s
	for _, scheme := range schemes {
		rest = strings.TrimPrefix(rest, scheme)
	}
	if strings.Contains(rest, "://") {
		return r, badReference(s, "it begins with a scheme", "leave the scheme out; for a registry without TLS: --plain-http")
	}
	rest, digest, pinned := strings.Cut(rest, "@")
	if pinned {
		var err error
		if r.Digest, err = kiln.ParseDigest(digest); err != nil {
			return r, badReference(s, err.Error(), "REGISTRY/NAME@sha256:DIGEST, as kiln push prints it")
		}
	}
	var ok bool
	if r.Host, rest, ok = strings.Cut(rest, "/"); !ok || rest == "" {
		return r, badReference(s, "it names no repository", hintReference)
	}
	r.Repository = rest
	if i := strings.LastIndexByte(rest, ':'); i >= 0 {
		r.Repository, r.Tag = rest[:i], rest[i+1:]
		if !tagForm.MatchString(r.Tag) {
			return r, badReference(s, fmt.Sprintf("%q is no tag", r.Tag), "a tag has up to 128 letters, digits, dots, dashes and underscores")
		}
	}
	switch {
	case !hostForm.MatchString(r.Host):
		return r, badReference(s, fmt.Sprintf("%q is no host", r.Host), hintReference)
	case !strings.ContainsAny(r.Host, ".:") && r.Host != "localhost":
		return r, badReference(s, fmt.Sprintf("it names no registry: %q has neither a dot nor a port", r.Host), hintReference)
	case !repositoryForm.MatchString(r.Repository):
		return r, badReference(s, fmt.Sprintf("%q is no repository", r.Repository), "a name is lower case: letters, digits, and single separators between them")
	}
	return r, nil
}

const hintReference = "name the registry too: REGISTRY/NAME:TAG, such as registry.example.org/team/web:1.4"

func badReference(s, why string, hints ...string) error {
	return &kiln.Error{Code: kiln.Usage, Text: fmt.Sprintf("cannot read the reference %q: %s", s, why), Hints: hints}
}

// Name is the host and the repository.
func (r Reference) Name() string { return r.Host + "/" + r.Repository }

// String returns the form that ParseReference reads.
func (r Reference) String() string {
	s := r.Name()
	if r.Tag != "" {
		s += ":" + r.Tag
	}
	if r.Digest != "" {
		s += "@" + string(r.Digest)
	}
	return s
}

// Pinned is the reference by digest alone.
func (r Reference) Pinned(d kiln.Digest) string { return r.Name() + "@" + string(d) }

// ValidTag tells whether s may be a tag.
func ValidTag(s string) bool { return tagForm.MatchString(s) }

// want is what a manifest is asked for by.
func (r Reference) want() string {
	if r.Digest != "" {
		return string(r.Digest)
	}
	return r.Tag
}
