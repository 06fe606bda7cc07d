package attest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"kiln"
)

// Statement is an in-toto statement, as its specification v1 says.
type Statement struct {
	Type          string          `json:"_type"`
	Subject       []Subject       `json:"subject"`
	PredicateType string          `json:"predicateType"`
	Predicate     json.RawMessage `json:"predicate"`
}

// Subject is what a statement is about.
type Subject struct {
	Name        string            `json:"name,omitempty"` // "web-base:1.4.0"; cosign writes none
	Digest      map[string]string `json:"digest"`         // "sha256": 64 hexadecimal digits
	Annotations map[string]any    `json:"annotations,omitempty"`
}

// SubjectOf is the subject with the digest d.
func SubjectOf(name string, d kiln.Digest, annotations map[string]string) Subject {
	s := Subject{Name: name, Digest: map[string]string{"sha256": d.Hex()}}
	for k, v := range annotations { // into a map
		if s.Annotations == nil {
			s.Annotations = map[string]any{}
		}
		s.Annotations[k] = v
	}
	return s
}

// Is reports whether d is the subject's digest.
func (s Subject) Is(d kiln.Digest) bool { return strings.EqualFold(s.Digest["sha256"], d.Hex()) }

// Annotation is the text of an annotation; "" where there is none.
func (s Subject) Annotation(key string) string {
	switch v := s.Annotations[key].(type) {
	case nil:
		return ""
	case string:
		return v
	default:
		return fmt.Sprint(v)
	}
}

// Marshal returns the bytes to sign: the same for the same statement.
func (s Statement) Marshal() ([]byte, error) {
	s.Type = StatementType
	if len(s.Predicate) == 0 {
		s.Predicate = json.RawMessage("{}")
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil {
		return nil, fmt.Errorf("cannot write the statement: %w", err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// maxSubjects is what sigstore's verifiers take.
const maxSubjects = 1024

// ParseStatement reads a statement.
func ParseStatement(b []byte) (Statement, error) {
	var s Statement
	if err := json.Unmarshal(b, &s); err != nil {
		return s, fmt.Errorf("it is no in-toto statement: %w", err)
	}
	switch {
	case s.Type != StatementType && s.Type != statementOld:
		return s, fmt.Errorf("it is no in-toto statement: its type is %q", s.Type)
	case s.PredicateType == "":
		return s, errors.New("the statement has no predicate type")
	case len(s.Subject) == 0:
		return s, errors.New("the statement has no subject")
	case len(s.Subject) > maxSubjects:
		return s, fmt.Errorf("the statement has %d subjects, more than %d", len(s.Subject), maxSubjects)
	}
	return s, nil
}

// About returns the subject with the digest d.
func (s Statement) About(d kiln.Digest) (Subject, bool) {
	for _, sub := range s.Subject {
		if sub.Is(d) {
			return sub, true
		}
	}
	return Subject{}, false
}

// Digests lists the digests of the subjects, as "sha256:..." where there is one.
func (s Statement) Digests() []string {
	var list []string
	for _, sub := range s.Subject {
		if h := sub.Digest["sha256"]; h != "" {
			list = append(list, "sha256:"+h)
		}
	}
	return list
}
