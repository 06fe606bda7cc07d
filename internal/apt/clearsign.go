package apt

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/ProtonMail/go-crypto/openpgp"
)

const (
	beginMessage   = "-----BEGIN PGP SIGNED MESSAGE-----"
	beginSignature = "-----BEGIN PGP SIGNATURE-----"
	endSignature   = "-----END PGP SIGNATURE-----"
)

// signed is a text and the signatures that were served with it. Nothing of the
// text may be read before the signatures are judged.
type signed struct {
	text       []byte // what is to be parsed, once judged
	hashed     []byte // the form of text that the signatures are over
	signatures []byte // OpenPGP packets
}

// errNotSigned says that a file has no signature at all.
var errNotSigned = errors.New("it is not signed")

// splitInRelease takes a clear-signed message apart (RFC 9580, section 7). The
// message must be the whole file: whatever stood before or behind it, or in a
// second message, would be unsigned text that a lenient reader takes for signed.
func splitInRelease(b []byte) (*signed, error) {
	lines := strings.Split(strings.TrimRight(string(b), "\r\n"), "\n")
	for i := range lines {
		// Trailing blanks are no part of what is signed, so they must be no part of what is read.
		lines[i] = strings.TrimRight(lines[i], " \t\r")
	}
	if lines[0] != beginMessage {
		if bytes.Contains(b, []byte(beginMessage)) {
			return nil, errors.New("there is text before the signed message")
		}
		return nil, errNotSigned
	}
	body, err := skipArmorHeaders(lines[1:])
	if err != nil {
		return nil, err
	}
	end := indexOf(body, beginSignature)
	if end < 0 {
		return nil, errors.New("the signed message has no signature")
	}
	text, err := undash(body[:end])
	if err != nil {
		return nil, err
	}
	sigs, err := wholeArmor(body[end:])
	if err != nil {
		return nil, err
	}
	return &signed{
		text:       []byte(strings.Join(text, "\n") + "\n"),
		hashed:     []byte(strings.Join(text, "\r\n")),
		signatures: sigs,
	}, nil
}

func indexOf(lines []string, want string) int {
	for i, l := range lines {
		if l == want {
			return i
		}
	}
	return -1
}

// skipArmorHeaders drops the lines up to the empty one. Only Hash may stand
// there; anything else would be shown to a person as if it were signed.
func skipArmorHeaders(lines []string) ([]string, error) {
	for i, l := range lines {
		if l == "" {
			return lines[i+1:], nil
		}
		if !strings.HasPrefix(l, "Hash: ") {
			return nil, fmt.Errorf("the signed message has the header %q: want Hash alone", printable(l))
		}
	}
	return nil, errors.New("the signed message has no text")
}

// undash takes the dash escapes off. An unescaped dash is refused: it is a
// framing line in the wrong place.
func undash(lines []string) ([]string, error) {
	out := make([]string, len(lines))
	for i, l := range lines {
		rest, escaped := strings.CutPrefix(l, "- ")
		if !escaped && strings.HasPrefix(l, "-") {
			return nil, fmt.Errorf("the signed text has the framing line %q in it", printable(l))
		}
		out[i] = rest
	}
	return out, nil
}

// wholeArmor reads lines that must be one armored signature and nothing else.
func wholeArmor(lines []string) ([]byte, error) {
	end := indexOf(lines, endSignature)
	if end < 0 {
		return nil, errors.New("the signature has no end: the file is cut off")
	}
	if end != len(lines)-1 {
		return nil, errors.New("there is text behind the signature")
	}
	return readArmor(strings.Join(lines, "\n")+"\n", openpgp.SignatureType)
}

// splitDetached pairs a Release with its Release.gpg, armored or binary.
func splitDetached(release, signature []byte) (*signed, error) {
	s := &signed{text: release, hashed: release, signatures: signature}
	trimmed := bytes.TrimSpace(signature)
	if len(trimmed) == 0 {
		return nil, errNotSigned
	}
	const packetBit = 0x80 // set in the first byte of every OpenPGP packet
	if trimmed[0] != '-' && trimmed[0]&packetBit == 0 {
		return nil, errors.New("its Release.gpg holds no signature")
	}
	if bytes.HasPrefix(trimmed, []byte("-----")) {
		lines := strings.Split(string(trimmed), "\n")
		for i := range lines {
			lines[i] = strings.TrimRight(lines[i], " \t\r")
		}
		var err error
		if s.signatures, err = wholeArmor(lines); err != nil {
			return nil, err
		}
	}
	return s, nil
}
