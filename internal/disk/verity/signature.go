package verity

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
)

// SignatureSize is the size of a signature partition in bytes, as systemd-repart makes it.
const SignatureSize = 16 << 10

// Message is what a key signs of a root hash, by SHA-256 and PKCS #1 v1.5: its hexadecimal digits, as the kernel checks it.
func Message(root [sha256.Size]byte) []byte { return []byte(hex.EncodeToString(root[:])) }

// Signature returns the content of a signature partition, as the discoverable partitions
// specification has it: root hash, the certificate's fingerprint, and PKCS #7 of the signature that the certificate's
// key gave for Message. Zeros fill it up to SignatureSize.
func Signature(root [sha256.Size]byte, cert *x509.Certificate, signature []byte) ([]byte, error) {
	key, ok := cert.PublicKey.(*rsa.PublicKey)
	if !ok {
		return nil, errors.New("cannot sign the root hash: the certificate is not of an RSA key")
	}
	sum := sha256.Sum256(Message(root))
	if err := rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], signature); err != nil {
		return nil, fmt.Errorf("cannot sign the root hash: the signature is not of it, or not the certificate's: %w", err)
	}
	signed, err := PKCS7(cert, signature)
	if err != nil {
		return nil, err
	}
	fingerprint := sha256.Sum256(cert.Raw)
	b, err := json.Marshal(struct {
		RootHash    string `json:"rootHash"`
		Fingerprint string `json:"certificateFingerprint"`
		Signature   string `json:"signature"`
	}{string(Message(root)), hex.EncodeToString(fingerprint[:]), base64.StdEncoding.EncodeToString(signed)})
	if err != nil {
		return nil, err
	}
	if len(b) > SignatureSize {
		return nil, fmt.Errorf("cannot sign the root hash: the certificate is too large: %d bytes, not %d", len(b), SignatureSize)
	}
	return append(b, make([]byte, SignatureSize-len(b))...), nil
}

var (
	oidData       = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 1}
	oidSignedData = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2}
	oidRSA        = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 1}
	oidSHA256     = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 1}
)

// PKCS7 is SignedData of RFC 2315 in DER, detached, without signed attributes and without certificates:
// what "openssl smime -sign -nocerts -noattr -binary" writes, and what the kernel checks.
func PKCS7(cert *x509.Certificate, signature []byte) ([]byte, error) {
	type issuer struct {
		Name   asn1.RawValue
		Serial *big.Int
	}
	type signer struct {
		Version            int
		Issuer             issuer
		DigestAlgorithm    pkix.AlgorithmIdentifier
		SignatureAlgorithm pkix.AlgorithmIdentifier
		Signature          []byte
	}
	type content struct{ Type asn1.ObjectIdentifier }
	digest := pkix.AlgorithmIdentifier{Algorithm: oidSHA256, Parameters: asn1.NullRawValue}
	inner, err := asn1.Marshal(struct {
		Version          int
		DigestAlgorithms []pkix.AlgorithmIdentifier `asn1:"set"`
		Content          content
		Signers          []signer `asn1:"set"`
	}{1, []pkix.AlgorithmIdentifier{digest}, content{oidData}, []signer{{
		Version: 1, Issuer: issuer{asn1.RawValue{FullBytes: cert.RawIssuer}, cert.SerialNumber}, DigestAlgorithm: digest,
		SignatureAlgorithm: pkix.AlgorithmIdentifier{Algorithm: oidRSA, Parameters: asn1.NullRawValue}, Signature: signature,
	}}})
	if err != nil {
		return nil, err
	}
	return asn1.Marshal(struct {
		Type    asn1.ObjectIdentifier
		Content asn1.RawValue
	}{oidSignedData, asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 0, IsCompound: true, Bytes: inner}})
}

// SizeOf is the size of the hash device over so many bytes of data, a multiple of BlockSize.
func SizeOf(data int64) int64 {
	size := int64(BlockSize)
	for n := data / BlockSize; n > 1; {
		n = (n + perBlock - 1) / perBlock
		size += n * BlockSize
	}
	return size
}
