package apt

import (
	"bytes"
	"crypto"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// futureSlack is how far a date may lie in the future: apt's Acquire::Max-FutureTime.
const futureSlack = 10 * time.Hour

// maxSignatures bounds the work that a hostile file can cause.
const maxSignatures = 64

// verdict is what was found about all signatures of a file.
type verdict struct {
	good []Key    // keys of the pocket's keyring with a good signature, each once, in the file's order
	bad  []string // for every signature that does not count, why, in the file's order
}

// judge looks at every signature, because a library that stops at the first good
// one cannot say who else signed. Two signatures by one key count once.
func (k Keyring) judge(s *signed, at time.Time) (verdict, error) {
	var v verdict
	packets := packet.NewReader(bytes.NewReader(s.signatures))
	for n := 0; ; n++ {
		p, err := packets.NextWithUnsupported()
		if err == io.EOF {
			return v, nil
		}
		if err != nil {
			return v, fmt.Errorf("cannot read its signature: %v", err)
		}
		if n == maxSignatures {
			return v, fmt.Errorf("it has more than %d signatures", maxSignatures)
		}
		switch p := p.(type) {
		case *packet.Signature:
			v.add(k.check(s, p, at))
		case *packet.UnsupportedPacket:
			v.bad = append(v.bad, fmt.Sprintf("a signature of a kind that does not count: %v", p.Error))
		default:
			return v, errors.New("its signature holds a packet of another kind")
		}
	}
}

// signedAt is when the newest of the signatures says it was made; zero where none
// can be read.
func (s *signed) signedAt() time.Time {
	var newest time.Time
	packets := packet.NewReader(bytes.NewReader(s.signatures))
	for range maxSignatures {
		p, err := packets.NextWithUnsupported()
		if err != nil {
			break
		}
		if sig, ok := p.(*packet.Signature); ok {
			newest = later(newest, sig.CreationTime)
		}
	}
	return newest
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

func (v *verdict) add(k Key, err error) {
	if err != nil {
		v.bad = append(v.bad, err.Error())
	} else if !contains(v.good, k) {
		v.good = append(v.good, k)
	}
}

func contains(keys []Key, k Key) bool {
	for _, have := range keys {
		if have.Fingerprint == k.Fingerprint {
			return true
		}
	}
	return false
}

// check judges one signature. It counts if it is one over this text, by a key of
// the ring that may sign, over a strong hash, with key and signature valid at the
// given time.
func (k Keyring) check(s *signed, sig *packet.Signature, at time.Time) (Key, error) {
	name := issuer(sig)
	if sig.SigType != packet.SigTypeBinary && sig.SigType != packet.SigTypeText {
		return Key{}, fmt.Errorf("key %s: a signature of type %#x, which is not one over a file", name, byte(sig.SigType))
	}
	if !strongHash(sig.Hash) {
		return Key{}, fmt.Errorf("key %s: signs over the weak hash %v", name, sig.Hash)
	}
	keys := k.lookup(sig)
	if len(keys) == 0 {
		return Key{}, fmt.Errorf("key %s: not in the keyring", name)
	}
	var why error
	for _, key := range keys {
		if why = verifyWith(key, s, sig); why == nil {
			why = checkTimes(key, sig, at)
		}
		if why == nil {
			return keyOf(key.Entity), nil
		}
	}
	return Key{}, fmt.Errorf("key %s: %v", name, why)
}

// issuer is the fingerprint or key id that a signature claims, or "unknown".
func issuer(sig *packet.Signature) string {
	switch {
	case len(sig.IssuerFingerprint) > 0:
		return fmt.Sprintf("%X", sig.IssuerFingerprint)
	case sig.IssuerKeyId != nil:
		return fmt.Sprintf("%016X", *sig.IssuerKeyId)
	}
	return "unknown"
}

func strongHash(h crypto.Hash) bool {
	switch h {
	case crypto.SHA256, crypto.SHA384, crypto.SHA512, crypto.SHA3_256, crypto.SHA3_512:
		return true
	}
	return false
}

// lookup returns the keys and subkeys that sig may be by.
func (k Keyring) lookup(sig *packet.Signature) []openpgp.Key {
	var found []openpgp.Key
	for _, e := range k.entities {
		self, _ := e.PrimarySelfSignature()
		if self == nil {
			continue
		}
		if claims(sig, e.PrimaryKey) {
			found = append(found, openpgp.Key{Entity: e, PublicKey: e.PrimaryKey, SelfSignature: self, Revocations: e.Revocations})
		}
		for _, sub := range e.Subkeys {
			if claims(sig, sub.PublicKey) {
				found = append(found, openpgp.Key{Entity: e, PublicKey: sub.PublicKey, SelfSignature: sub.Sig, Revocations: sub.Revocations})
			}
		}
	}
	return found
}

func claims(sig *packet.Signature, pk *packet.PublicKey) bool {
	if len(sig.IssuerFingerprint) > 0 {
		return bytes.Equal(sig.IssuerFingerprint, pk.Fingerprint)
	}
	return sig.IssuerKeyId != nil && *sig.IssuerKeyId == pk.KeyId
}

// verifyWith does the arithmetic, after checking that the key may sign at all.
func verifyWith(key openpgp.Key, s *signed, sig *packet.Signature) error {
	if self := key.SelfSignature; self.FlagsValid && !self.FlagSign {
		return errors.New("is not a key for signing")
	}
	if key.PublicKey != key.Entity.PrimaryKey && key.SelfSignature.EmbeddedSignature == nil {
		return errors.New("is a subkey without a cross-signature")
	}
	for _, n := range sig.Notations {
		if n.IsCritical {
			return fmt.Errorf("the signature has the unknown critical notation %q", printable(n.Name))
		}
	}
	if bits, err := key.PublicKey.BitLength(); err == nil && key.PublicKey.PubKeyAlgo == packet.PubKeyAlgoRSA && bits < 2048 {
		return fmt.Errorf("is an RSA key of %d bits, which is too weak", bits)
	}
	if key.PublicKey.PubKeyAlgo == packet.PubKeyAlgoDSA {
		return errors.New("is a DSA key, which is too weak")
	}
	h, err := sig.PrepareVerify()
	if err != nil {
		return err
	}
	if sig.SigType == packet.SigTypeText {
		h.Write(canonical(s.hashed))
	} else {
		h.Write(s.hashed)
	}
	if err := key.PublicKey.VerifySignature(h, sig); err != nil {
		return errors.New("the signature is wrong: the text was altered")
	}
	return nil
}

// canonical gives text the line ends that a text signature is over.
func canonical(text []byte) []byte {
	t := strings.ReplaceAll(string(text), "\r\n", "\n")
	return []byte(strings.ReplaceAll(t, "\n", "\r\n"))
}
