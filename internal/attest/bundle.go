package attest

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"kiln"
)

// MaxBundle bounds a bundle, in bytes: a bill of materials may be long.
const MaxBundle = 128 << 20

// PAE is the pre-authentication encoding of a payload, which is what is signed (DSSE,
// protocol.md, version 1).
func PAE(payloadType string, payload []byte) []byte {
	head := fmt.Sprintf("DSSEv1 %d %s %d ", len(payloadType), payloadType, len(payload))
	return append([]byte(head), payload...)
}

// Bundle is a Sigstore bundle with one signature over one statement.
type Bundle struct {
	Hint      string // which key signed: PublicKey.ID; not to be believed
	Payload   []byte // the statement, as it was signed
	Signature []byte
}

// The bundle as JSON, as protobuf-specs' sigstore_bundle.proto maps to it.
type bundleJSON struct {
	MediaType            string          `json:"mediaType"`
	VerificationMaterial materialJSON    `json:"verificationMaterial"`
	Envelope             *envelopeJSON   `json:"dsseEnvelope,omitempty"`
	Message              json.RawMessage `json:"messageSignature,omitempty"`
}

type materialJSON struct {
	PublicKey   *hintJSON       `json:"publicKey,omitempty"`
	Certificate json.RawMessage `json:"certificate,omitempty"`
	Chain       json.RawMessage `json:"x509CertificateChain,omitempty"`
	// Nothing is read out of these; an empty list is how kiln and cosign write it.
	Log json.RawMessage `json:"tlogEntries,omitempty"`
}

type hintJSON struct {
	Hint string `json:"hint"`
}

type envelopeJSON struct {
	Payload     string          `json:"payload"`
	PayloadType string          `json:"payloadType"`
	Signatures  []signatureJSON `json:"signatures"`
}

// signatureJSON has no keyid, as cosign writes none: its verifier refuses one that is
// not in the form of its own library.
type signatureJSON struct {
	Sig string `json:"sig"`
}

// Marshal writes the bundle: the same for the same signature.
func (b Bundle) Marshal() ([]byte, error) {
	return json.Marshal(bundleJSON{
		MediaType:            MediaBundle,
		VerificationMaterial: materialJSON{PublicKey: &hintJSON{b.Hint}, Log: json.RawMessage("[]")},
		Envelope: &envelopeJSON{
			Payload: base64.StdEncoding.EncodeToString(b.Payload), PayloadType: PayloadType,
			Signatures: []signatureJSON{{Sig: base64.StdEncoding.EncodeToString(b.Signature)}},
		},
	})
}

// ParseBundle reads a bundle. What it says is not verified.
func ParseBundle(text []byte) (Bundle, error) {
	if len(text) > MaxBundle {
		return Bundle{}, refused("it has %d bytes, more than %d", len(text), MaxBundle)
	}
	var j bundleJSON
	if err := json.Unmarshal(text, &j); err != nil {
		return Bundle{}, refused("it is no Sigstore bundle: %v", err)
	}
	if err := j.check(); err != nil {
		return Bundle{}, refused("%v", err)
	}
	sig := j.Envelope.Signatures[0]
	b := Bundle{Hint: j.VerificationMaterial.PublicKey.Hint}
	var err error
	if b.Payload, err = decode64(j.Envelope.Payload); err != nil {
		return Bundle{}, refused("its payload: %v", err)
	}
	if b.Signature, err = decode64(sig.Sig); err != nil {
		return Bundle{}, refused("its signature: %v", err)
	}
	return b, nil
}

func (j *bundleJSON) check() error {
	m := j.VerificationMaterial
	switch {
	case j.MediaType == "":
		return errors.New("it is no Sigstore bundle: it has no media type")
	case j.MediaType != MediaBundle && j.MediaType != mediaBundleOld:
		return fmt.Errorf("it is a %q, and kiln reads %q", j.MediaType, MediaBundle)
	case m.Certificate != nil || m.Chain != nil:
		return errors.New("it was signed with a certificate, and kiln verifies with keys only")
	case m.PublicKey == nil:
		return errors.New("it does not say which key signed it")
	case j.Envelope == nil && j.Message != nil:
		return errors.New("it is a signature over a file, and no statement")
	case j.Envelope == nil:
		return errors.New("it holds no envelope")
	case j.Envelope.PayloadType != PayloadType:
		return fmt.Errorf("its payload is a %q, and no in-toto statement", j.Envelope.PayloadType)
	case len(j.Envelope.Signatures) != 1:
		return fmt.Errorf("it has %d signatures, and a bundle has exactly one", len(j.Envelope.Signatures))
	}
	return nil
}

// decode64 reads base64 in the standard or the URL's alphabet, as protobuf's JSON and
// DSSE have it.
func decode64(s string) ([]byte, error) {
	s = strings.TrimRight(strings.NewReplacer("-", "+", "_", "/").Replace(s), "=")
	return base64.RawStdEncoding.Strict().DecodeString(s)
}

// Verify checks the signature with the key, and returns the statement.
func (b Bundle) Verify(k PublicKey) (Statement, error) {
	if err := k.Verify(PAE(PayloadType, b.Payload), b.Signature); err != nil {
		return Statement{}, refused("%v", err)
	}
	s, err := ParseStatement(b.Payload)
	if err != nil {
		return Statement{}, refused("%v", err)
	}
	return s, nil
}

// Claimed is the statement of a bundle that nobody has verified: to say what it is
// about, and never to be believed.
func (b Bundle) Claimed() (Statement, error) { return ParseStatement(b.Payload) }

// Digest names the bundle in messages: that of the bytes that were signed.
func (b Bundle) Digest() kiln.Digest { return kiln.DigestOf(PAE(PayloadType, b.Payload)) }
