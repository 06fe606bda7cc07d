package keyplugin

import (
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"fmt"
)

// What a program is asked with that signs for Secure Boot.
const (
	SecureBoot = "application/vnd.kiln.secureboot" // the type of what it signs: attributes of Authenticode, or a root hash
	RSAPKCS1   = "rsa-pkcs1v15-sha256"
)

// RSA is an RSA key that a program keeps, with its certificate: it signs what firmware and kernel check.
type RSA struct {
	p    *Plugin
	cert *x509.Certificate
}

// OpenRSA finds the program that ref names, as Open does. The certificate says which key it is to sign with.
func OpenRSA(ref string, cert *x509.Certificate, o Options) (*RSA, error) {
	p, err := find(ref, o)
	if err != nil {
		return nil, err
	}
	return &RSA{p, cert}, nil
}

// Certificate is that of the key.
func (r *RSA) Certificate() *x509.Certificate { return r.cert }

// SignRSA asks for the signature of a message, by SHA-256 and PKCS #1 v1.5, and verifies it; what says which message it is.
func (r *RSA) SignRSA(ctx context.Context, what string, message []byte) ([]byte, error) {
	sum := sha256.Sum256(message)
	a, err := r.p.ask(ctx, Question{
		Operation: "sign", Algorithm: RSAPKCS1, PayloadType: SecureBoot, Payload: message, PAE: message,
		Digest: map[string]string{"sha256": hex.EncodeToString(sum[:])},
	})
	if err != nil {
		return nil, err
	}
	key, ok := r.cert.PublicKey.(*rsa.PublicKey)
	if !ok {
		return nil, fmt.Errorf("cannot sign %s: the certificate is not of an RSA key", what)
	}
	if err := rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], a.Signature); err != nil {
		return nil, r.p.problem("its signature of %s is not of the certificate's key", what)
	}
	return a.Signature, nil
}
