package attest

import (
	"bytes"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"

	"golang.org/x/crypto/nacl/secretbox"
	"golang.org/x/crypto/scrypt"
)

// A key file is PEM. What is in it is PKCS #8, under a passphrase in the form of
// cosign: JSON with the parameters of scrypt, a nonce, and a NaCl secret box.
const (
	pemEncrypted    = "ENCRYPTED SIGSTORE PRIVATE KEY"
	pemEncryptedOld = "ENCRYPTED COSIGN PRIVATE KEY"
	pemPlain        = "PRIVATE KEY"
)

// ErrPassphrase says that a passphrase is needed, or is not the right one.
var ErrPassphrase = errors.New("the passphrase is not the right one")

// boxed is the encrypted form.
type boxed struct {
	KDF        kdf    `json:"kdf"`
	Cipher     cipher `json:"cipher"`
	Ciphertext []byte `json:"ciphertext"`
}

type kdf struct {
	Name   string `json:"name"`
	Params cost   `json:"params"`
	Salt   []byte `json:"salt"`
}

type cost struct {
	N int `json:"N"`
	R int `json:"r"`
	P int `json:"p"`
}

type cipher struct {
	Name  string `json:"name"`
	Nonce []byte `json:"nonce"`
}

const (
	nameKDF    = "scrypt"
	nameCipher = "nacl/secretbox"
	saltSize   = 32
	maxKeyFile = 64 << 10
)

// costs are the parameters that cosign writes and takes. Others are refused: a file
// must not say how much memory is used. The last one is written.
func costs() []cost { return []cost{{1 << 15, 8, 1}, {1 << 16, 8, 1}, {1 << 17, 8, 1}} }

// Encrypt returns the key file under a passphrase. Salt and nonce come out of rand.
func (k *PrivateKey) Encrypt(passphrase []byte, rand io.Reader) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(k.key)
	if err != nil {
		return nil, err
	}
	all := costs()
	b := boxed{KDF: kdf{nameKDF, all[len(all)-1], make([]byte, saltSize)}, Cipher: cipher{nameCipher, make([]byte, 24)}}
	if _, err := io.ReadFull(rand, b.KDF.Salt); err != nil {
		return nil, err
	}
	if _, err := io.ReadFull(rand, b.Cipher.Nonce); err != nil {
		return nil, err
	}
	key, err := b.key(passphrase)
	if err != nil {
		return nil, err
	}
	b.Ciphertext = secretbox.Seal(nil, der, (*[24]byte)(b.Cipher.Nonce), key)
	text, err := json.Marshal(b)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: pemEncrypted, Bytes: text}), nil
}

// Plain returns the key file without a passphrase: PKCS #8.
func (k *PrivateKey) Plain() ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(k.key)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: pemPlain, Bytes: der}), nil
}

func (b *boxed) key(passphrase []byte) (*[32]byte, error) {
	key, err := scrypt.Key(passphrase, b.KDF.Salt, b.KDF.Params.N, b.KDF.Params.R, b.KDF.Params.P, 32)
	if err != nil {
		return nil, err
	}
	return (*[32]byte)(key), nil
}

// open returns what is in the box.
func (b *boxed) open(passphrase []byte) ([]byte, error) {
	known := false
	for _, c := range costs() {
		known = known || b.KDF.Params == c
	}
	switch {
	case b.KDF.Name != nameKDF || b.Cipher.Name != nameCipher:
		return nil, fmt.Errorf("it is encrypted by %q and %q, and kiln knows %s and %s", b.KDF.Name, b.Cipher.Name, nameKDF, nameCipher)
	case !known:
		return nil, fmt.Errorf("its parameters of scrypt are not such as cosign and kiln write: N=%d r=%d p=%d", b.KDF.Params.N, b.KDF.Params.R, b.KDF.Params.P)
	case len(b.Cipher.Nonce) != 24:
		return nil, fmt.Errorf("its nonce has %d bytes, not 24", len(b.Cipher.Nonce))
	}
	key, err := b.key(passphrase)
	if err != nil {
		return nil, err
	}
	plain, ok := secretbox.Open(nil, b.Ciphertext, (*[24]byte)(b.Cipher.Nonce), key)
	if !ok {
		return nil, ErrPassphrase
	}
	return plain, nil
}

// ParsePrivateKey reads a key file: one of kiln or cosign under a passphrase, which
// is asked for when it is needed, or PKCS #8 without one. rand serves the signatures.
// errors.Is(err, ErrPassphrase) tells that the passphrase is wrong.
func ParsePrivateKey(text []byte, passphrase func() ([]byte, error), rand io.Reader) (*PrivateKey, error) {
	if len(text) > maxKeyFile {
		return nil, fmt.Errorf("it has %d bytes, which is no key file", len(text))
	}
	block, rest := pem.Decode(text)
	switch {
	case block == nil:
		return nil, errors.New("it is no PEM file")
	case block.Type == pemPublic:
		return nil, errors.New("it is the public key, and the private one is needed")
	case len(bytes.TrimSpace(rest)) > 0:
		return nil, errors.New("it holds more than one key")
	}
	der := block.Bytes
	switch block.Type {
	case pemPlain:
	case pemEncrypted, pemEncryptedOld:
		var b boxed
		if err := json.Unmarshal(block.Bytes, &b); err != nil {
			return nil, errors.New("the key file is damaged: what is in it is not what cosign and kiln write")
		}
		pass, err := passphrase()
		if err != nil {
			return nil, err
		}
		if der, err = b.open(pass); err != nil {
			return nil, err
		}
	default:
		return nil, fmt.Errorf("it holds a %q, and kiln reads %q (of cosign and kiln) and %q (PKCS #8)", block.Type, pemEncrypted, pemPlain)
	}
	key, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, errors.New("the private key in it is damaged, or no PKCS #8")
	}
	return newPrivateKey(key, rand)
}
