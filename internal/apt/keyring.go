package apt

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
)

// Keyring is the set of keys whose signature counts for a pocket.
type Keyring struct {
	entities openpgp.EntityList
	file     []byte
}

// Bytes is the key file that the keyring was read from; of several, all of them.
func (k Keyring) Bytes() []byte { return k.file }

// Key is one key as people tell keys apart.
type Key struct {
	Fingerprint string // 40 (of a version 6 key 64) upper-case hexadecimal digits of the primary key
	Name        string // its first user id
}

// Keys lists the keys in the order of the key file.
func (k Keyring) Keys() []Key {
	var all []Key
	for _, e := range k.entities {
		all = append(all, keyOf(e))
	}
	return all
}

func keyOf(e *openpgp.Entity) Key {
	k := Key{Fingerprint: fmt.Sprintf("%X", e.PrimaryKey.Fingerprint)}
	if id := e.PrimaryIdentity(); id != nil {
		k.Name = printable(id.Name)
	}
	return k
}

// ParseKeyring reads public keys: OpenPGP packets, armored or not. Several
// armored blocks may follow each other, with text between them. It is an error
// if there is no key, if one cannot be read, or if a secret key is among them.
func ParseKeyring(b []byte) (Keyring, error) {
	blocks := [][]byte{b}
	if bytes.Contains(b, []byte("-----BEGIN PGP ")) {
		var err error
		if blocks, err = dearmor(b); err != nil {
			return Keyring{}, err
		}
	}
	k := Keyring{file: b}
	for _, block := range blocks {
		el, err := openpgp.ReadKeyRing(bytes.NewReader(block))
		if err != nil {
			return Keyring{}, fmt.Errorf("not an OpenPGP public key: %w", err)
		}
		k.entities = append(k.entities, el...)
	}
	if len(k.entities) == 0 {
		return Keyring{}, errors.New("there is no OpenPGP public key in it")
	}
	for _, e := range k.entities {
		if e.PrivateKey != nil {
			return Keyring{}, fmt.Errorf("it holds the secret key %X: keep that away from archives and recipes, and export the public one", e.PrimaryKey.Fingerprint)
		}
	}
	return k, nil
}

// dearmor returns the content of every armored block of b.
func dearmor(b []byte) ([][]byte, error) {
	const begin, end = "-----BEGIN PGP ", "-----END PGP "
	var all [][]byte
	for rest := string(b); ; {
		i := strings.Index(rest, begin)
		if i < 0 {
			return all, nil
		}
		rest = rest[i:]
		j := strings.Index(rest, end)
		if j < 0 {
			return nil, errors.New("an armored block has no end")
		}
		if k := strings.IndexByte(rest[j:], '\n'); k >= 0 {
			j += k + 1
		} else {
			j = len(rest)
		}
		content, err := readArmor(rest[:j], openpgp.PublicKeyType)
		if err != nil {
			return nil, err
		}
		all, rest = append(all, content), rest[j:]
	}
}

// readArmor returns the content of the armored block s, which must be of type want.
func readArmor(s, want string) ([]byte, error) {
	block, err := armor.Decode(strings.NewReader(s))
	if err != nil {
		return nil, fmt.Errorf("cannot read the armor: %w", err)
	}
	if block.Type != want {
		return nil, fmt.Errorf("it is a %q, want a %q", block.Type, want)
	}
	var out bytes.Buffer
	if _, err := out.ReadFrom(block.Body); err != nil {
		return nil, fmt.Errorf("cannot read the armor: %w", err)
	}
	return out.Bytes(), nil
}

// printable makes text that others wrote safe to show on a terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < 0x20 || r >= 0x7f && r < 0xa0 || r == 0xfffd {
			return '?'
		}
		return r
	}, s)
}
