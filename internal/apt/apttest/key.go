package apttest

import (
	"bytes"
	"crypto"
	"crypto/sha256"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// Key is an OpenPGP key that signs suites.
type Key struct{ entity *openpgp.Entity }

// KeyOptions change a key from an ordinary one.
type KeyOptions struct {
	Created time.Time     // zero is a year before Date
	Life    time.Duration // from Created; zero is for ever
	Subkey  bool          // sign with a subkey, as Debian's automatic keys do
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

// ClearSign returns text as an InRelease, signed at the given time by each key.
func ClearSign(text string, at time.Time, keys ...*Key) []byte {
	return ClearSignHash(text, at, crypto.SHA512, keys...)
}

// ClearSignHash is ClearSign over a hash of the caller's choice.
func ClearSignHash(text string, at time.Time, h crypto.Hash, keys ...*Key) []byte {
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	var b bytes.Buffer
	fmt.Fprintf(&b, "-----BEGIN PGP SIGNED MESSAGE-----\nHash: %s\n\n", strings.ReplaceAll(h.String(), "-", ""))
	for i, l := range lines {
		lines[i] = strings.TrimRight(l, " \t")
		if strings.HasPrefix(l, "-") {
			b.WriteString("- ")
		}
		b.WriteString(l + "\n")
	}
	b.Write(signatures(strings.Join(lines, "\r\n"), packet.SigTypeText, at, h, keys))
	return b.Bytes()
}

// DetachSign returns the Release.gpg of text.
func DetachSign(text string, at time.Time, keys ...*Key) []byte {
	return signatures(text, packet.SigTypeBinary, at, crypto.SHA512, keys)
}

// signatures returns armored signatures over data.
func signatures(data string, kind packet.SignatureType, at time.Time, h crypto.Hash, keys []*Key) []byte {
	off := false
	conf := &packet.Config{
		Rand:                                  newStream("signature"),
		Time:                                  func() time.Time { return at },
		NonDeterministicSignaturesViaNotation: &off,
	}
	var b bytes.Buffer
	w, err := armor.Encode(&b, openpgp.SignatureType, nil)
	must(err)
	for _, k := range keys {
		priv := k.signer()
		sig := &packet.Signature{
			Version:           priv.Version,
			SigType:           kind,
			PubKeyAlgo:        priv.PubKeyAlgo,
			Hash:              h,
			CreationTime:      at,
			IssuerKeyId:       &priv.KeyId,
			IssuerFingerprint: priv.Fingerprint,
		}
		hashed, err := sig.PrepareSign(conf)
		must(err)
		io.WriteString(hashed, data)
		must(sig.Sign(hashed, priv, conf))
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
