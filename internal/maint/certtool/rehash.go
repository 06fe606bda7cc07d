package certtool

import (
	"bytes"
	"crypto/sha1"
	"encoding/asn1"
	"encoding/binary"
	"encoding/pem"
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
	"unicode/utf16"

	"kiln/internal/maint/vfs"
)

var hashedName = regexp.MustCompile(`^[0-9a-f]{8}\.(r?)[0-9]+$`)

// rehashFolder makes the names by which OpenSSL finds certificates in a folder, as
// "openssl rehash" does: HHHHHHHH.N, links to the files that hold one certificate
// each.
func rehashFolder(f *vfs.FS, dir string) error {
	entries, err := f.ReadDir(dir)
	if err != nil {
		return err
	}
	stale := map[string]bool{}
	wanted := map[string]string{} // by name of the link
	count := map[uint32]int{}
	prints := map[uint32][][sha1.Size]byte{}
	for _, e := range entries {
		p := dir + "/" + e.Name()
		if hashedName.MatchString(e.Name()) && f.IsLink(p) {
			stale[e.Name()] = true
			continue
		}
		if !slices.Contains([]string{".pem", ".crt", ".cer"}, path.Ext(e.Name())) || !f.IsFile(p) {
			continue
		}
		der, err := oneCertificate(f, p)
		if err != nil {
			return err
		}
		hash, err := subjectHash(der)
		if err != nil {
			continue // no certificate, or more than one
		}
		print := sha1.Sum(der)
		if slices.Contains(prints[hash], print) {
			continue
		}
		prints[hash] = append(prints[hash], print)
		wanted[fmt.Sprintf("%08x.%d", hash, count[hash])] = e.Name()
		count[hash]++
	}
	for _, name := range slices.Sorted(maps.Keys(stale)) {
		if wanted[name] == "" {
			if err := f.Remove(dir + "/" + name); err != nil {
				return err
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(wanted)) {
		if err := f.ReplaceLink(wanted[name], dir+"/"+name); err != nil {
			return err
		}
	}
	return nil
}

// oneCertificate returns the DER of the one certificate in a PEM file; nothing
// where there are none or several.
func oneCertificate(f *vfs.FS, p string) ([]byte, error) {
	text, err := f.ReadFile(p)
	if err != nil {
		return nil, err
	}
	var found []byte
	for {
		var block *pem.Block
		block, text = pem.Decode(text)
		if block == nil {
			return found, nil
		}
		if block.Type != "CERTIFICATE" && block.Type != "X509 CERTIFICATE" && block.Type != "TRUSTED CERTIFICATE" {
			continue
		}
		if found != nil {
			return nil, nil
		}
		found = block.Bytes
	}
}

// certificate is as much of RFC 5280's Certificate as is needed to reach the
// subject.
type certificate struct {
	TBS struct {
		Version    int `asn1:"optional,explicit,default:0,tag:0"`
		Serial     asn1.RawValue
		Algorithm  asn1.RawValue
		Issuer     asn1.RawValue
		Validity   asn1.RawValue
		Subject    asn1.RawValue
		PublicKey  asn1.RawValue
		IssuerID   asn1.RawValue `asn1:"optional,tag:1"`
		SubjectID  asn1.RawValue `asn1:"optional,tag:2"`
		Extensions asn1.RawValue `asn1:"optional,explicit,tag:3"`
	}
	Algorithm, Signature asn1.RawValue
}

// subjectHash is OpenSSL's X509_NAME_hash of the subject: the first four bytes,
// lowest first, of the SHA-1 of its canonical encoding.
func subjectHash(der []byte) (uint32, error) {
	var cert certificate
	if rest, err := asn1.Unmarshal(der, &cert); err != nil || len(rest) > 0 {
		return 0, fmt.Errorf("cannot read the certificate: %v", err)
	}
	canonical, err := canonicalName(cert.TBS.Subject.Bytes)
	if err != nil {
		return 0, err
	}
	sum := sha1.Sum(canonical)
	return binary.LittleEndian.Uint32(sum[:4]), nil
}

// canonicalName encodes a name as OpenSSL compares names (x509_name_canon): the
// RDNs one after the other with no SEQUENCE around them, strings in UTF-8, lower
// case, and single spaces.
func canonicalName(rdns []byte) ([]byte, error) {
	var out []byte
	for len(rdns) > 0 {
		var rdn asn1.RawValue
		rest, err := asn1.Unmarshal(rdns, &rdn)
		if err != nil {
			return nil, err
		}
		rdns = rest
		var attributes [][]byte
		for set := rdn.Bytes; len(set) > 0; {
			var pair struct {
				Type  asn1.ObjectIdentifier
				Value asn1.RawValue
			}
			if set, err = asn1.Unmarshal(set, &pair); err != nil {
				return nil, err
			}
			pair.Value = canonicalValue(pair.Value)
			b, err := asn1.Marshal(pair)
			if err != nil {
				return nil, err
			}
			attributes = append(attributes, b)
		}
		slices.SortFunc(attributes, bytes.Compare) // DER's order for SET OF
		set, err := asn1.Marshal(asn1.RawValue{Class: asn1.ClassUniversal, Tag: asn1.TagSet, IsCompound: true, Bytes: bytes.Join(attributes, nil)})
		if err != nil {
			return nil, err
		}
		out = append(out, set...)
	}
	return out, nil
}

// canonicalValue turns the kinds of strings that OpenSSL canonicalizes into
// UTF8String; anything else stays.
func canonicalValue(v asn1.RawValue) asn1.RawValue {
	if v.Class != asn1.ClassUniversal {
		return v
	}
	var text string
	const universal, bmp, visible = 28, asn1.TagBMPString, 26
	switch v.Tag {
	case asn1.TagUTF8String, asn1.TagPrintableString, asn1.TagIA5String, visible:
		text = string(v.Bytes)
	case asn1.TagT61String: // taken for Latin-1
		for _, b := range v.Bytes {
			text += string(rune(b))
		}
	case bmp:
		var units []uint16
		for i := 0; i+1 < len(v.Bytes); i += 2 {
			units = append(units, binary.BigEndian.Uint16(v.Bytes[i:]))
		}
		text = string(utf16.Decode(units))
	case universal:
		for i := 0; i+3 < len(v.Bytes); i += 4 {
			text += string(rune(binary.BigEndian.Uint32(v.Bytes[i:])))
		}
	default:
		return v
	}
	return asn1.RawValue{Class: asn1.ClassUniversal, Tag: asn1.TagUTF8String, Bytes: []byte(foldText(text))}
}

// foldText trims and joins runs of ASCII white space, and lowers ASCII letters.
func foldText(s string) string {
	isSpace := func(r rune) bool { return strings.ContainsRune(" \t\n\v\f\r", r) }
	s = strings.Join(strings.FieldsFunc(s, isSpace), " ")
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}
