package disk

import (
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"kiln"
	"kiln/internal/durable"
)

// Signer signs programs for Secure Boot, and root hashes for the kernel. A signature
// is a function of key and message.
type Signer interface {
	// Certificate is that of the key, which is RSA.
	Certificate() *x509.Certificate
	// SignRSA signs the SHA-256 of the message by PKCS #1 v1.5; what says for people which it is.
	SignRSA(ctx context.Context, what string, message []byte) ([]byte, error)
}

// leastBits is the shortest RSA key that is taken.
const leastBits = 2048

// ParseCertificate reads a certificate in PEM or DER and checks that it can serve, as of now.
func ParseCertificate(b []byte, now time.Time) (*x509.Certificate, error) {
	if block, _ := pem.Decode(b); block != nil {
		if block.Type != "CERTIFICATE" {
			return nil, keyError("the certificate cannot be used: the PEM block is of %q", block.Type)
		}
		b = block.Bytes
	}
	cert, err := x509.ParseCertificate(b)
	if err != nil {
		return nil, keyError("the certificate cannot be read: %v", err)
	}
	key, ok := cert.PublicKey.(*rsa.PublicKey)
	if !ok {
		return nil, keyError("the certificate is of a %s key, and firmware knows RSA alone", cert.PublicKeyAlgorithm)
	}
	if key.N.BitLen() < leastBits {
		return nil, keyError("the RSA key has %d bits, less than %d", key.N.BitLen(), leastBits)
	}
	if now.After(cert.NotAfter) {
		return nil, keyError("the certificate expired on %s", cert.NotAfter.UTC().Format(time.DateOnly))
	}
	if now.Before(cert.NotBefore) {
		return nil, keyError("the certificate is not valid before %s", cert.NotBefore.UTC().Format(time.DateOnly))
	}
	return cert, nil
}

func keyError(format string, args ...any) *kiln.Error {
	return &kiln.Error{
		Code: kiln.User, Text: "cannot sign for Secure Boot: " + fmt.Sprintf(format, args...),
		Hints: []string{"make a key and its certificate: openssl req -new -x509 -newkey rsa:2048 -noenc -keyout db.key -out db.crt -days 3650 -subj /CN=db"},
	}
}

// encrypted says what to do with a key that only a passphrase opens.
func encrypted() error {
	e := keyError("the key is encrypted")
	e.Hints = []string{
		"write it without its passphrase, where nobody else can read: openssl pkey -in KEY -out db.key",
		"where the key is to stay as it is, leave key: out: what is to be signed is then written",
	}
	return e
}

// NewLocalSigner returns a signer with a key in PEM (PKCS #8 or PKCS #1, not encrypted) and its certificate.
func NewLocalSigner(key, certificate []byte, now time.Time) (Signer, error) {
	cert, err := ParseCertificate(certificate, now)
	if err != nil {
		return nil, err
	}
	private, err := parseKey(key)
	if err != nil {
		return nil, err
	}
	if !private.PublicKey.Equal(cert.PublicKey) {
		e := keyError("the certificate is of another key")
		e.Hints = []string{"name the key that the certificate is of, or make a certificate of this one: openssl req -new -x509 -key KEY -out db.crt -days 3650 -subj /CN=db"}
		return nil, e
	}
	return &localSigner{cert, private}, nil
}

func parseKey(b []byte) (*rsa.PrivateKey, error) {
	block, _ := pem.Decode(b)
	if block == nil {
		return nil, keyError("the key is not in PEM")
	}
	switch block.Type {
	case "RSA PRIVATE KEY":
		if len(block.Headers) > 0 {
			return nil, encrypted()
		}
		key, err := x509.ParsePKCS1PrivateKey(block.Bytes)
		if err != nil {
			return nil, keyError("the key cannot be read: %v", err)
		}
		return key, nil
	case "PRIVATE KEY":
		key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
		if err != nil {
			return nil, keyError("the key cannot be read: %v", err)
		}
		if rsaKey, ok := key.(*rsa.PrivateKey); ok {
			return rsaKey, nil
		}
		return nil, keyError("the key is not RSA, and firmware knows RSA alone")
	case "ENCRYPTED PRIVATE KEY":
		return nil, encrypted()
	}
	return nil, keyError("the PEM block is of %q, no private key", block.Type)
}

type localSigner struct {
	cert *x509.Certificate
	key  *rsa.PrivateKey
}

func (s *localSigner) Certificate() *x509.Certificate { return s.cert }

func (s *localSigner) SignRSA(_ context.Context, what string, message []byte) ([]byte, error) {
	sum := sha256.Sum256(message)
	signature, err := rsa.SignPKCS1v15(nil, s.key, crypto.SHA256, sum[:])
	if err != nil {
		return nil, keyError("%s: %v", what, err)
	}
	return signature, nil
}

// DetachedSigner takes signatures that were made elsewhere, out of a folder. For what has none there, it writes
// the message that is to be signed, and says so: the same build, once more, finds the signature. Messages do not
// change from build to build.
type DetachedSigner struct {
	Cert *x509.Certificate
	Dir  string
}

// Certificate implements Signer.
func (s *DetachedSigner) Certificate() *x509.Certificate { return s.Cert }

// SignRSA implements Signer.
func (s *DetachedSigner) SignRSA(_ context.Context, what string, message []byte) ([]byte, error) {
	sum := sha256.Sum256(message)
	base := filepath.Join(s.Dir, hex.EncodeToString(sum[:8]))
	signature, err := os.ReadFile(base + ".sig")
	if err == nil {
		if key, ok := s.Cert.PublicKey.(*rsa.PublicKey); !ok || rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], signature) != nil {
			return nil, keyError("%s: the signature %q is not of %q, or not of the certificate's key", what, base+".sig", base+".tbs")
		}
		return signature, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, keyError("%s: %v", what, err)
	}
	if err := durable.WriteFile(base+".tbs", 0o644, writes(message)); err != nil {
		return nil, err
	}
	return nil, &kiln.Error{
		Code: kiln.User, Text: fmt.Sprintf("cannot sign %s yet: %q is to be signed first", what, base+".tbs"),
		Hints: []string{
			fmt.Sprintf("sign it where the key is: openssl dgst -sha256 -sign db.key -out %s.sig %s.tbs", base, base),
			"then build once more",
		},
	}
}
