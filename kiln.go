// Package kiln is the vocabulary of the project: what a digest, a platform, a
// package and an epoch are, how a problem is reported, and how progress is told.
// It does no I/O and imports the standard library only, so that every room of
// the house can speak it.
package kiln

import (
	"crypto/sha256"
	"encoding"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"strings"
	"time"
)

// Digest names content by its SHA-256, written "sha256:" and 64 lower-case
// hexadecimal digits, as the OCI image specification writes it.
type Digest string

const digestPrefix = "sha256:"

// ParseDigest checks that s is a well-formed digest.
func ParseDigest(s string) (Digest, error) {
	hexes, ok := strings.CutPrefix(s, digestPrefix)
	if !ok || len(hexes) != 2*sha256.Size || !isHex(hexes) {
		return "", fmt.Errorf("not a digest: %q (want sha256: and 64 lower-case hexadecimal digits)", s)
	}
	return Digest(s), nil
}

// isHex is asked some hundred thousand times in a build: it allocates nothing.
func isHex(s string) bool {
	var other byte
	for i := range len(s) {
		other |= notHex[s[i]]
	}
	return other == 0
}

// notHex has 1 for each byte that is no lower-case hexadecimal digit.
var notHex = func() (table [256]byte) {
	for i := range table {
		if !strings.ContainsRune("0123456789abcdef", rune(i)) {
			table[i] = 1
		}
	}
	return table
}()

// DigestFromHex is ParseDigest for the bare hexadecimal form of Debian's indexes.
func DigestFromHex(s string) (Digest, error) { return ParseDigest(digestPrefix + s) }

// DigestOf returns the digest of b.
func DigestOf(b []byte) Digest {
	return DigestOfSum(sha256.Sum256(b))
}

// DigestOfSum returns the digest that a SHA-256 sum is.
func DigestOfSum(sum [sha256.Size]byte) Digest {
	var text [len(digestPrefix) + 2*sha256.Size]byte
	hex.Encode(text[copy(text[:], digestPrefix):], sum[:])
	return Digest(text[:])
}

// Hex returns the digits without the algorithm's name.
func (d Digest) Hex() string { return strings.TrimPrefix(string(d), digestPrefix) }

// Short returns the first twelve digits, for people.
func (d Digest) Short() string {
	if h := d.Hex(); len(h) > 12 {
		return h[:12]
	}
	return d.Hex()
}

// Digester computes a Digest of what is written to it.
type Digester struct{ hash.Hash }

// NewDigester returns an empty Digester.
func NewDigester() Digester { return Digester{sha256.New()} }

// State returns where the digest is after what was written so far, for Resume.
func (d Digester) State() ([]byte, error) {
	m, ok := d.Hash.(encoding.BinaryMarshaler)
	if !ok {
		return nil, errors.New("bug: a digest whose state cannot be saved")
	}
	return m.MarshalBinary()
}

// Resume makes d go on after what another Digester had written when its State was taken.
func (d Digester) Resume(state []byte) error {
	u, ok := d.Hash.(encoding.BinaryUnmarshaler)
	if !ok {
		return errors.New("bug: a digest whose state cannot be restored")
	}
	return u.UnmarshalBinary(state)
}

// Digest returns the digest of all that was written so far.
func (d Digester) Digest() Digest {
	return Digest(digestPrefix + hex.EncodeToString(d.Sum(nil)))
}

// Epoch is a time stamp in the image: whole seconds since 1970-01-01 UTC.
type Epoch int64

// Time returns e in UTC.
func (e Epoch) Time() time.Time { return time.Unix(int64(e), 0).UTC() }

// PackageID names one package of any family exactly.
type PackageID struct {
	Name, Version, Architecture string
}

// String returns name_version_architecture, as package files are named.
func (id PackageID) String() string {
	return id.Name + "_" + id.Version + "_" + id.Architecture
}
