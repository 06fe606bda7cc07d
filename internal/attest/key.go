package attest

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
)

// Algorithm is how a key signs.
type Algorithm string

// The algorithms.
const (
	ECDSAP256 Algorithm = "ecdsa-p256" // with SHA-256; signatures in ASN.1
	Ed25519   Algorithm = "ed25519"
)

// Algorithms lists them, the default first.
func Algorithms() []Algorithm { return []Algorithm{ECDSAP256, Ed25519} }

// PublicKey verifies signatures.
type PublicKey struct {
	key crypto.PublicKey // *ecdsa.PublicKey or ed25519.PublicKey
	der []byte           // SubjectPublicKeyInfo
}

// NewPublicKey takes an *ecdsa.PublicKey of P-256 or an ed25519.PublicKey.
func NewPublicKey(key crypto.PublicKey) (PublicKey, error) {
	switch k := key.(type) {
	case *ecdsa.PublicKey:
		if k.Curve != elliptic.P256() {
			return PublicKey{}, fmt.Errorf("it is a key of the curve %s, and kiln takes ECDSA P-256 and Ed25519", k.Params().Name)
		}
	case ed25519.PublicKey:
	default:
		return PublicKey{}, fmt.Errorf("it is a key of the type %T, and kiln takes ECDSA P-256 and Ed25519", key)
	}
	der, err := x509.MarshalPKIXPublicKey(key)
	return PublicKey{key, der}, err
}

const pemPublic = "PUBLIC KEY"

// ParsePublicKey reads one public key, as PEM.
func ParsePublicKey(text []byte) (PublicKey, error) {
	block, rest := pem.Decode(text)
	switch {
	case block == nil:
		return PublicKey{}, errors.New("it is no PEM file")
	case block.Type != pemPublic:
		return PublicKey{}, fmt.Errorf("it holds a %s, and no %s", block.Type, pemPublic)
	case len(bytes.TrimSpace(rest)) > 0:
		return PublicKey{}, errors.New("it holds more than one key")
	}
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return PublicKey{}, fmt.Errorf("the public key is damaged: %w", err)
	}
	return NewPublicKey(key)
}

// PEM is the key as ParsePublicKey reads it.
func (k PublicKey) PEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: pemPublic, Bytes: k.der})
}

// ID names the key as sigstore does: SHA-256 of its SubjectPublicKeyInfo, in base64.
func (k PublicKey) ID() string {
	sum := sha256.Sum256(k.der)
	return base64.StdEncoding.EncodeToString(sum[:])
}

// Algorithm is how the key signs.
func (k PublicKey) Algorithm() Algorithm {
	if _, ok := k.key.(ed25519.PublicKey); ok {
		return Ed25519
	}
	return ECDSAP256
}

// errSignature says that a signature is not one of the key over the message.
var errSignature = errors.New("the signature does not fit what is signed")

// Verify checks a signature over a message. Of Ed25519 it also takes Ed25519ph
// (RFC 8032), which cosign may sign with; the two cannot be taken for each other.
func (k PublicKey) Verify(message, signature []byte) error {
	ok := false
	switch key := k.key.(type) {
	case *ecdsa.PublicKey:
		sum := sha256.Sum256(message)
		ok = ecdsa.VerifyASN1(key, sum[:], signature)
	case ed25519.PublicKey:
		sum := sha512.Sum512(message)
		ok = ed25519.Verify(key, message, signature) ||
			ed25519.VerifyWithOptions(key, sum[:], signature, &ed25519.Options{Hash: crypto.SHA512}) == nil
	}
	if !ok {
		return errSignature
	}
	return nil
}

// Signer signs with one key: one at hand, or one that a program keeps.
type Signer interface {
	Public() PublicKey
	// Sign signs the pre-authentication encoding of the payload.
	Sign(ctx context.Context, payloadType string, payload []byte) ([]byte, error)
}

// PrivateKey is a Signer whose key is at hand.
type PrivateKey struct {
	key    crypto.Signer
	public PublicKey
	rand   io.Reader
}

// Generate makes a key out of rand.
func Generate(a Algorithm, rand io.Reader) (*PrivateKey, error) {
	if a == Ed25519 {
		_, key, err := ed25519.GenerateKey(rand)
		if err != nil {
			return nil, err
		}
		return newPrivateKey(key, rand)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand)
	if err != nil {
		return nil, err
	}
	return newPrivateKey(key, rand)
}

func newPrivateKey(key any, rand io.Reader) (*PrivateKey, error) {
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("it is a key of the type %T, which does not sign", key)
	}
	public, err := NewPublicKey(signer.Public())
	if err != nil {
		return nil, err
	}
	return &PrivateKey{signer, public, rand}, nil
}

// Public returns the public key.
func (k *PrivateKey) Public() PublicKey { return k.public }

// Sign implements Signer.
func (k *PrivateKey) Sign(_ context.Context, payloadType string, payload []byte) ([]byte, error) {
	message := PAE(payloadType, payload)
	if k.public.Algorithm() == Ed25519 {
		return k.key.Sign(k.rand, message, crypto.Hash(0))
	}
	sum := sha256.Sum256(message)
	return k.key.Sign(k.rand, sum[:], crypto.SHA256)
}

// Sign makes the bundle of a statement's bytes, and checks that the signature is one
// of the signer's key: a signer may be any program.
func Sign(ctx context.Context, s Signer, payload []byte) (Bundle, error) {
	sig, err := s.Sign(ctx, PayloadType, payload)
	if err != nil {
		return Bundle{}, err
	}
	if err := s.Public().Verify(PAE(PayloadType, payload), sig); err != nil {
		return Bundle{}, refused("cannot use the signature: %v with the key %s", err, s.Public().ID())
	}
	return Bundle{Hint: s.Public().ID(), Payload: payload, Signature: sig}, nil
}
