package disk

import (
	"bytes"
	"fmt"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/packet"

	"kiln"
)

// UpdateKey is an OpenPGP key that signs updates. A system takes those that the keyring in its image verifies.
type UpdateKey struct{ entity *openpgp.Entity }

// ParseUpdateKey reads a private key as gpg exports it, armoured or not; passphrase is for one that has one.
func ParseUpdateKey(b, passphrase []byte) (*UpdateKey, error) {
	ring, err := openpgp.ReadArmoredKeyRing(bytes.NewReader(b))
	if err != nil {
		ring, err = openpgp.ReadKeyRing(bytes.NewReader(b))
	}
	if err != nil {
		return nil, updateError("the key cannot be read: %v", err)
	}
	for _, e := range ring {
		if e.PrivateKey == nil {
			continue
		}
		if err := unlock(e, passphrase); err != nil {
			return nil, updateError("the key cannot be unlocked: %v", err)
		}
		return &UpdateKey{e}, nil
	}
	return nil, updateError("the file holds no private key")
}

func unlock(e *openpgp.Entity, passphrase []byte) error {
	keys := []*packet.PrivateKey{e.PrivateKey}
	for _, sub := range e.Subkeys {
		if sub.PrivateKey != nil {
			keys = append(keys, sub.PrivateKey)
		}
	}
	for _, k := range keys {
		if !k.Encrypted || k.Dummy() {
			continue
		}
		if len(passphrase) == 0 {
			return fmt.Errorf("it has a passphrase, and none is given")
		}
		if err := k.Decrypt(passphrase); err != nil {
			return err
		}
	}
	return nil
}

func updateError(format string, args ...any) error {
	return &kiln.Error{
		Code: kiln.User, Text: "cannot sign the update: " + fmt.Sprintf(format, args...),
		Hints: []string{"export one: gpg --export-secret-keys NAME > update.key", "or sign later: gpg --detach-sign --output SHA256SUMS.gpg SHA256SUMS"},
	}
}

// Keyring is the public half, as /usr/lib/systemd/import-pubring.gpg of the image is to hold it.
func (k *UpdateKey) Keyring() ([]byte, error) {
	var b bytes.Buffer
	err := k.entity.Serialize(&b)
	return b.Bytes(), err
}

// sign makes a detached signature. Its time is the image's, or that from which on the key is valid: no clock is asked.
func (k *UpdateKey) sign(b []byte, epoch kiln.Epoch) ([]byte, error) {
	at := epoch.Time()
	for _, valid := range k.valid() {
		if valid.After(at) {
			at = valid
		}
	}
	plain := false
	c := &packet.Config{Time: func() time.Time { return at }, NonDeterministicSignaturesViaNotation: &plain}
	var out bytes.Buffer
	if err := openpgp.DetachSign(&out, k.entity, bytes.NewReader(b), c); err != nil {
		return nil, updateError("%v", err)
	}
	return out.Bytes(), nil
}

// valid are the times from which on the key's parts are valid.
func (k *UpdateKey) valid() []time.Time {
	all := []time.Time{k.entity.PrimaryKey.CreationTime}
	for _, id := range k.entity.Identities {
		if id.SelfSignature != nil {
			all = append(all, id.SelfSignature.CreationTime)
		}
	}
	for _, sub := range k.entity.Subkeys {
		all = append(all, sub.PublicKey.CreationTime)
		if sub.Sig != nil {
			all = append(all, sub.Sig.CreationTime)
		}
	}
	return all
}
