package pe

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/binary"
	"errors"
	"fmt"
	"math/big"
)

// Object identifiers of Authenticode and PKCS #7.
var (
	oidIndirectData  = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 311, 2, 1, 4}
	oidImageData     = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 311, 2, 1, 15}
	oidSignedData    = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2}
	oidContentType   = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 3}
	oidMessageDigest = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 4}
	oidRSA           = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 1}
	oidSHA256        = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 1}
)

// Digest is what a signature signs: the file but for its checksum, the place of its signatures, and these.
func (img *Image) Digest() ([sha256.Size]byte, error) {
	if img.digest != nil {
		return [sha256.Size]byte(img.digest), nil
	}
	unsigned := *img
	unsigned.signed = nil
	b, err := unsigned.Bytes()
	if err != nil {
		return [sha256.Size]byte{}, err
	}
	h := sha256.New()
	at := img.optional
	h.Write(b[:at+checksumOffset])
	h.Write(b[at+checksumOffset+4 : at+certificateDir])
	h.Write(b[at+certificateDir+8:])
	h.Write(make([]byte, -len(b)&7))
	img.digest = h.Sum(nil)
	return [sha256.Size]byte(img.digest), nil
}

// Request is what a key signs for a signature of the image with a certificate: the DER form of
// the signed attributes, whose SHA-256 goes into PKCS #1 v1.5. The key can be elsewhere: Attach
// puts what it gives in place.
func (img *Image) Request() ([]byte, error) {
	content, err := img.indirectData()
	if err != nil {
		return nil, err
	}
	return attributes(content)
}

// Attach adds the signature that the certificate's key gave for Request.
func (img *Image) Attach(cert *x509.Certificate, signature []byte) error {
	key, ok := cert.PublicKey.(*rsa.PublicKey)
	if !ok {
		return errors.New("cannot sign the PE image: firmware knows RSA alone, and the certificate is of another key")
	}
	request, err := img.Request()
	if err != nil {
		return err
	}
	sum := sha256.Sum256(request)
	if err := rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], signature); err != nil {
		return fmt.Errorf("cannot sign the PE image: the signature is not of it, or not the certificate's: %w", err)
	}
	signed, err := img.signedData(cert, request, signature)
	if err != nil {
		return err
	}
	// WIN_CERTIFICATE: length, revision 2.0, PKCS #7 signed data; each at a multiple of 8.
	entry := binary.LittleEndian.AppendUint32(nil, uint32(8+len(signed)))
	entry = append(append(entry, 0, 2, 2, 0), signed...)
	img.signed = append(img.signed, append(entry, make([]byte, -len(entry)&7)...)...)
	return img.pad()
}

// Sign is Request and Attach with a key at hand.
func (img *Image) Sign(cert *x509.Certificate, key *rsa.PrivateKey) error {
	request, err := img.Request()
	if err != nil {
		return err
	}
	sum := sha256.Sum256(request)
	signature, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, sum[:])
	if err != nil {
		return fmt.Errorf("cannot sign the PE image: %w", err)
	}
	return img.Attach(cert, signature)
}

// pad checks that the file ends where signatures may begin: a multiple of 8, which the
// alignment of sections gives.
func (img *Image) pad() error {
	if img.fileAlignment()%8 != 0 {
		return errors.New("cannot sign the PE image: its sections are not aligned")
	}
	return nil
}

type algorithm = pkix.AlgorithmIdentifier

var sha256Algorithm = algorithm{Algorithm: oidSHA256, Parameters: asn1.NullRawValue}

// indirectData is SpcIndirectDataContent: what kind of file, and its digest.
func (img *Image) indirectData() ([]byte, error) {
	digest, err := img.Digest()
	if err != nil {
		return nil, err
	}
	obsolete := []byte{}
	for _, c := range "<<<Obsolete>>>" {
		obsolete = append(obsolete, 0, byte(c)) // BMPString
	}
	context := func(tag int, constructed bool, content []byte) asn1.RawValue {
		return asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: tag, IsCompound: constructed, Bytes: content}
	}
	name, err := asn1.Marshal(context(0, false, obsolete))
	if err != nil {
		return nil, err
	}
	link, err := asn1.Marshal(context(2, true, name))
	if err != nil {
		return nil, err
	}
	type imageData struct {
		Flags asn1.BitString
		File  asn1.RawValue
	}
	return asn1.Marshal(struct {
		Data struct {
			Type  asn1.ObjectIdentifier
			Value imageData
		}
		Digest struct {
			Algorithm algorithm
			Digest    []byte
		}
	}{
		Data: struct {
			Type  asn1.ObjectIdentifier
			Value imageData
		}{oidImageData, imageData{File: context(0, true, link)}},
		Digest: struct {
			Algorithm algorithm
			Digest    []byte
		}{sha256Algorithm, digest[:]},
	})
}

type attribute struct {
	Type   asn1.ObjectIdentifier
	Values []asn1.RawValue `asn1:"set"`
}

// attributes are the signed attributes, as a SET OF, of the content.
func attributes(content []byte) ([]byte, error) {
	var outer asn1.RawValue
	if _, err := asn1.Unmarshal(content, &outer); err != nil {
		return nil, err
	}
	digest := sha256.Sum256(outer.Bytes) // not its tag and length
	kind, err := asn1.Marshal(oidIndirectData)
	if err != nil {
		return nil, err
	}
	sum, err := asn1.Marshal(digest[:])
	if err != nil {
		return nil, err
	}
	return asn1.MarshalWithParams([]attribute{
		{oidContentType, []asn1.RawValue{{FullBytes: kind}}},
		{oidMessageDigest, []asn1.RawValue{{FullBytes: sum}}},
	}, "set")
}

type signerInfo struct {
	Version int
	Issuer  struct {
		Name   asn1.RawValue
		Serial *big.Int
	}
	DigestAlgorithm    algorithm
	Attributes         asn1.RawValue
	SignatureAlgorithm algorithm
	Signature          []byte
}

// signedData is the PKCS #7 SignedData of one signer.
func (img *Image) signedData(cert *x509.Certificate, request, signature []byte) ([]byte, error) {
	content, err := img.indirectData()
	if err != nil {
		return nil, err
	}
	var set asn1.RawValue
	if _, err := asn1.Unmarshal(request, &set); err != nil {
		return nil, err
	}
	explicit := func(b []byte) asn1.RawValue {
		return asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 0, IsCompound: true, Bytes: b}
	}
	info := signerInfo{
		Version: 1, DigestAlgorithm: sha256Algorithm, Attributes: explicit(set.Bytes),
		SignatureAlgorithm: algorithm{Algorithm: oidRSA, Parameters: asn1.NullRawValue}, Signature: signature,
	}
	info.Issuer.Name, info.Issuer.Serial = asn1.RawValue{FullBytes: cert.RawIssuer}, cert.SerialNumber
	type contentInfo struct {
		Type    asn1.ObjectIdentifier
		Content asn1.RawValue
	}
	inner, err := asn1.Marshal(struct {
		Version          int
		DigestAlgorithms []algorithm `asn1:"set"`
		Content          contentInfo
		Certificates     asn1.RawValue
		Signers          []signerInfo `asn1:"set"`
	}{
		1, []algorithm{sha256Algorithm}, contentInfo{oidIndirectData, explicit(content)}, explicit(bytes.Clone(cert.Raw)), []signerInfo{info},
	})
	if err != nil {
		return nil, err
	}
	return asn1.Marshal(contentInfo{oidSignedData, explicit(inner)})
}
