package attest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"kiln"
)

// Signing can be done where the image is not: a request says what is to be signed, an
// answer brings the bundles. Both are JSON; a request shows each statement as what it
// is, so that it can be read before it is signed.

// Formats of the two documents.
const (
	RequestFormat = "signing-request/v1"
	AnswerFormat  = "signing-answer/v1"
)

// Request is what is to be signed of one image.
type Request struct {
	Kiln       string      `json:"kiln"`           // RequestFormat
	Image      string      `json:"image"`          // as it was named where the request was written
	Name       string      `json:"name,omitempty"` // that the statements bear
	Digest     kiln.Digest `json:"digest"`         // of the image
	Statements []ToSign    `json:"statements"`
}

// ToSign is one statement to be signed.
type ToSign struct {
	PredicateType string          `json:"predicateType"`
	Statement     json.RawMessage `json:"statement"` // its bytes without white space are the payload
	PAE           []byte          `json:"pae"`       // the bytes to sign
	Digest        kiln.Digest     `json:"digest"`    // of PAE: what ECDSA signs
}

// Answer brings the bundles.
type Answer struct {
	Kiln    string            `json:"kiln"` // AnswerFormat
	Bundles []json.RawMessage `json:"bundles"`
}

// NewToSign takes a statement's bytes.
func NewToSign(payload []byte) (ToSign, error) {
	s, err := ParseStatement(payload)
	pae := PAE(PayloadType, payload)
	return ToSign{s.PredicateType, payload, pae, kiln.DigestOf(pae)}, err
}

// Payload are the bytes of the statement as they are signed.
func (t ToSign) Payload() []byte {
	var b bytes.Buffer
	if json.Compact(&b, t.Statement) != nil {
		return nil
	}
	return b.Bytes()
}

// ParseRequest reads a request. What it shows is what is signed: each statement, the
// bytes to sign and their digest belong together.
func ParseRequest(text []byte) (Request, error) {
	var r Request
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&r); err != nil {
		return r, fmt.Errorf("it is no signing request: %w", err)
	}
	switch {
	case d.More():
		return r, errors.New("it goes on behind the request")
	case r.Kiln != RequestFormat:
		return r, fmt.Errorf("it is no signing request: its format is %q, not %q", r.Kiln, RequestFormat)
	case len(r.Statements) == 0:
		return r, errors.New("it asks for nothing")
	}
	for i, t := range r.Statements {
		pae := PAE(PayloadType, t.Payload())
		s, err := ParseStatement(t.Payload())
		switch {
		case err != nil:
			return r, fmt.Errorf("statement %d: %w", i+1, err)
		case !bytes.Equal(pae, t.PAE) || kiln.DigestOf(pae) != t.Digest:
			return r, refused("statement %d: the bytes to sign are not those of the statement that it shows", i+1)
		case !canonical(s, t.Payload()):
			return r, refused("statement %d: it is not in the form that kiln writes, and could be read in two ways", i+1)
		case s.PredicateType != t.PredicateType:
			return r, refused("statement %d: it is a %q, and the request says %q", i+1, s.PredicateType, t.PredicateType)
		}
	}
	return r, nil
}

// canonical reports whether the statement is read out of the bytes, and nothing else
// stands in them: no doubled key, none that another reader may take for one of ours.
func canonical(s Statement, payload []byte) bool {
	b, err := s.Marshal()
	return err == nil && bytes.Equal(b, payload)
}

// ParseAnswer reads an answer, or a single bundle.
func ParseAnswer(text []byte) ([]Bundle, error) {
	var a Answer
	if err := json.Unmarshal(text, &a); err != nil {
		return nil, fmt.Errorf("it is neither a bundle nor an answer: %w", err)
	}
	if a.Kiln == "" {
		b, err := ParseBundle(text)
		return []Bundle{b}, err
	}
	if a.Kiln != AnswerFormat {
		return nil, fmt.Errorf("it is no answer to a signing request: its format is %q, not %q", a.Kiln, AnswerFormat)
	}
	var all []Bundle
	for i, text := range a.Bundles {
		b, err := ParseBundle(text)
		if err != nil {
			return nil, fmt.Errorf("bundle %d: %w", i+1, err)
		}
		all = append(all, b)
	}
	if len(all) == 0 {
		return nil, errors.New("it holds no bundle")
	}
	return all, nil
}

// MarshalIndented writes a request or an answer, to be read by people too.
func MarshalIndented(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	err := enc.Encode(v)
	return b.Bytes(), err
}
