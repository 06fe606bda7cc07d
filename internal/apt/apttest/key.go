package apttest

import (
	"bytes"
	"crypto"
	"crypto/sha256"
	"fmt"
	"io"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/clearsign"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// Key is an OpenPGP key that signs suites.
type Key struct{ entity *openpgp.Entity }

// KeyOptions change a key from an ordinary one.
type KeyOptions struct {
	Created time.Time     // zero is a year before Date
	Life    time.Duration // from Created; zero is for ever
	Subkey  bool          // sign with a subkey, as Debian's automatic keys do
	Hash    crypto.Hash   // of signatures over files; zero is SHA-512
	Revoked bool
}

// DefaultKey is the key that a Suite without Keys is signed by.
func DefaultKey() *Key { return NewKey("Test Archive Key", KeyOptions{}) }

// NewKey returns the Ed25519 key of that name: the same for the same arguments.
func NewKey(name string, o KeyOptions) *Key {
	if o.Created.IsZero() {
		o.Created = Date.AddDate(-1, 0, 0)
	}
	conf := &packet.Config{
		Algorithm:       packet.PubKeyAlgoEdDSA,
		DefaultHash:     crypto.SHA512,
		Rand:            newStream(name),
		Time:            func() time.Time { return o.Created },
		KeyLifetimeSecs: uint32(o.Life / time.Second),
	}
	e, err := openpgp.NewEntity(name, "", "archive@example.org", conf)
	must(err)
	e.Subkeys = nil // an encryption key is of no use here
	if o.Subkey {
		must(e.AddSigningSubkey(conf))
	}
	if o.Revoked {
		must(e.RevokeKey(packet.NoReason, "", conf))
	}
	return &Key{e}
}

// Public returns the armored public key, as a recipe's keyring.
func (k *Key) Public() []byte {
	var b bytes.Buffer
	w, err := armor.Encode(&b, openpgp.PublicKeyType, nil)
	must(err)
	must(k.entity.Serialize(w))
	must(w.Close())
	b.WriteByte('\n')
	return b.Bytes()
}

// Fingerprint returns that of the primary key, in upper-case hexadecimal digits.
func (k *Key) Fingerprint() string { return fmt.Sprintf("%X", k.entity.PrimaryKey.Fingerprint) }

// Keyring returns the armored public keys of several.
func Keyring(keys ...*Key) []byte {
	var b []byte
	for _, k := range keys {
		b = append(b, k.Public()...)
	}
	return b
}

// signer is the secret key to sign with: the last subkey, or the primary one.
func (k *Key) signer() *packet.PrivateKey {
	if n := len(k.entity.Subkeys); n > 0 {
		return k.entity.Subkeys[n-1].PrivateKey
	}
	return k.entity.PrivateKey
}

func config(at time.Time, h crypto.Hash) *packet.Config {
	off := false
	return &packet.Config{
		DefaultHash:                           h,
		Rand:                                  newStream("signature"),
		Time:                                  func() time.Time { return at },
		NonDeterministicSignaturesViaNotation: &off,
	}
}

// ClearSign returns text as an InRelease, signed at the given time by each key.
func ClearSign(text string, at time.Time, keys ...*Key) []byte {
	return ClearSignHash(text, at, crypto.SHA512, keys...)
}

// ClearSignHash is ClearSign over a hash of the caller's choice.
func ClearSignHash(text string, at time.Time, h crypto.Hash, keys ...*Key) []byte {
	var private []*packet.PrivateKey
	for _, k := range keys {
		private = append(private, k.signer())
	}
	var b bytes.Buffer
	w, err := clearsign.EncodeMulti(&b, private, config(at, h))
	must(err)
	_, err = io.WriteString(w, text)
	must(err)
	must(w.Close())
	b.WriteByte('\n')
	return b.Bytes()
}

// DetachSign returns the Release.gpg of text.
func DetachSign(text string, at time.Time, keys ...*Key) []byte {
	var b bytes.Buffer
	w, err := armor.Encode(&b, openpgp.SignatureType, nil)
	must(err)
	for _, k := range keys {
		sig := &packet.Signature{
			Version:      k.signer().PublicKey.Version,
			SigType:      packet.SigTypeBinary,
			PubKeyAlgo:   k.signer().PubKeyAlgo,
			Hash:         crypto.SHA512,
			CreationTime: at,
			IssuerKeyId:  &k.signer().KeyId,
		}
		h, err := sig.PrepareSign(config(at, crypto.SHA512))
		must(err)
		h.Write([]byte(text))
		must(sig.Sign(h, k.signer(), config(at, crypto.SHA512)))
		must(sig.Serialize(w))
	}
	must(w.Close())
	b.WriteByte('\n')
	return b.Bytes()
}

// stream is bytes that depend on a name alone.
type stream struct {
	seed [32]byte
	rest []byte
}

func newStream(name string) *stream { return &stream{seed: sha256.Sum256([]byte(name))} }

func (s *stream) Read(b []byte) (int, error) {
	for i := range b {
		if len(s.rest) == 0 {
			s.seed = sha256.Sum256(s.seed[:])
			out := sha256.Sum256(append([]byte("out"), s.seed[:]...))
			s.rest = out[:]
		}
		b[i], s.rest = s.rest[0], s.rest[1:]
	}
	return len(b), nil
}

func must(err error) {
	if err != nil {
		panic("apttest: " + err.Error())
	}
}
