package secrets

import (
	"bytes"
	"fmt"
)

// Names of rules that code asks for.
const (
	privateKey = "private-key"
	sshHostKey = "ssh-host-key"
)

// keyRules are private keys in the forms in which programs keep them.
func keyRules() []Rule {
	return []Rule{
		{Name: "gcp-service-account", What: "the private key of a Google Cloud service account", anchors: []string{`"private_key"`}, match: serviceAccount, mask: maskKey},
		{Name: "encrypted-private-key", What: "a private key under a passphrase: PKCS#8, PEM, OpenSSH", anchors: []string{"private key-----"}, match: encryptedPEM, mask: maskKey},
		{Name: privateKey, What: "a private key in PEM: RSA, EC, DSA, PKCS#8, OpenSSH (ssh-host-key: of an SSH server)", anchors: []string{"private key-----"}, match: pemKey, mask: maskKey},
		{Name: "ssh2-private-key", What: "a private key in SSH2's own form (ssh.com)", anchors: []string{"private key ----"}, match: ssh2Key, mask: maskKey},
		{Name: "ansible-vault", What: "a file of Ansible Vault: secrets under a password that can be tried", anchors: []string{"$ansible_vault;1."}, match: ansibleVault, mask: maskKey},
		{Name: "pgp-private-key", What: "an OpenPGP private key, armoured", anchors: []string{"private key block-----"}, match: pemKey, mask: maskKey},
		{Name: "putty-key", What: "a private key of PuTTY", anchors: []string{"putty-user-key-file-"}, match: puttyKey, mask: maskKey},
		{Name: "gnupg-key", What: "a private key in GnuPG's own form", anchors: []string{"private-key (", "private-key("}, match: gnupgKey, mask: maskKey},
		{Name: "der-private-key", What: "a private key in DER: PKCS#8 with RSA or an elliptic curve", anchors: []string{rsaPKCS8, ecPKCS8}, match: derKey, mask: maskKey},
		{Name: "age-key", What: "an age identity", anchors: []string{"age-secret-key-1"}, match: ageKey, open: 16},
		{Name: "wireguard-key", What: "a private or preshared key of WireGuard", anchors: []string{"privatekey", "private-key", "presharedkey", "preshared-key"}, match: wireguardKey},
		{Name: "openvpn-key", What: "a static key of OpenVPN", anchors: []string{"openvpn static key v"}, match: openvpnKey, mask: maskKey},
		{Name: "keystore", What: "a key store with a private key: PKCS#12, Java's JKS", file: keystore, mask: maskKey},
		{Name: "kerberos-keytab", What: "a Kerberos keytab", file: keytab, mask: maskKey},
	}
}

// maskKey shows of a key its first line where that is one of words.
func maskKey(value []byte) string {
	line, _, _ := bytes.Cut(value, []byte{'\n'})
	if i := bytes.LastIndex(line, []byte("-----")); i > 0 {
		line = line[:i+5]
	}
	if len(line) > 60 || !bytes.HasPrefix(line, []byte("-----")) {
		return fmt.Sprintf("(%d bytes)", len(value))
	}
	return string(line)
}

// least is how many characters of base64 make the body of a key: an Ed25519 key in
// PKCS#8 has 64.
const leastBody = 48

// pemFrame finds the frame and the body of a PEM block (RFC 7468, RFC 1421) whose
// first line ends with the anchor. What is between two lines of base64 may be
// escaped or quoted as in JSON, YAML or a program.
func (p *probe) pemFrame() (from, to int, head, body []byte, ok bool) {
	begin := bytes.LastIndex(p.text[max(0, p.at-40):p.at], []byte("-----BEGIN "))
	if begin < 0 || !bytes.HasSuffix(p.text[p.at:p.end], []byte("-----")) {
		return 0, 0, nil, nil, false
	}
	from = max(0, p.at-40) + begin
	i := p.end
	start := i
	for i < len(p.text) { // RFC 1421 headers: "Proc-Type: 4,ENCRYPTED"
		next := skipJoint(p.text, i)
		n := urlSafe.run(p.text, next, 40)
		if n == 0 || next+n >= len(p.text) || p.text[next+n] != ':' {
			break
		}
		for i = next + n; i < len(p.text) && p.text[i] != '\n' && (p.text[i] != '\\' || i+1 >= len(p.text) || p.text[i+1] != 'n'); {
			i++
		}
	}
	head = p.text[start:i]
	for i < len(p.text) {
		i = skipJoint(p.text, i)
		n := base64Set.run(p.text, i, 200)
		if n == 0 {
			break
		}
		body = append(body, p.text[i:i+n]...)
		to = i + n
		i += n
	}
	ok = len(body) >= leastBody && entropy(body[:leastBody]) >= leastRandom && !isFiller(body) && (!p.binary || isBody(p.text[from:p.at], head, body))
	return from, to, head, body, ok
}

// isBody reports whether what follows a frame in a program is a key, and not what a
// compiler put behind the text of the frame: it begins as DER (a SEQUENCE), as OpenSSH's
// form, or as an OpenPGP packet does, or is encrypted; and it is a machine's.
func isBody(label, head, body []byte) bool {
	begins := body[0] == 'M' && body[1] >= 'A' && body[1] <= 'I' || bytes.HasPrefix(body, []byte("b3BlbnNzaC1rZXktdjE"))
	return (begins || bytes.Contains(head, []byte("ENCRYPTED")) || bytes.Contains(label, []byte("PGP"))) && isMade(body[:min(len(body), 400)])
}

// skipJoint skips what stands between two lines of base64.
func skipJoint(text []byte, i int) int {
	for most := i + 40; i < len(text) && i < most; i++ {
		switch c := text[i]; {
		case space[c], c == '"', c == '\'', c == ',', c == '>', c == '|', c == '#':
		case c == '\\' && i+1 < len(text) && (text[i+1] == 'n' || text[i+1] == 'r'):
			i++
		case c == '\\', c == '+' && i > 0 && (space[text[i-1]] || text[i-1] == '"'):
		default:
			return i
		}
	}
	return i
}

func pemKey(p *probe) (int, int, bool) {
	from, to, _, _, ok := p.pemFrame()
	return from, to, ok
}

// encryptedPEM tells a key under a passphrase by its label, its RFC 1421 header, or
// the cipher that an OpenSSH key names: "openssh-key-v1\0", its length, its name.
func encryptedPEM(p *probe) (int, int, bool) {
	from, to, head, body, ok := p.pemFrame()
	if !ok {
		return 0, 0, false
	}
	label := p.text[from:p.at]
	if bytes.Contains(label, []byte("ENCRYPTED")) || bytes.Contains(head, []byte("ENCRYPTED")) {
		return from, to, true
	}
	open := decoded(body[:leastBody])
	if i := bytes.Index(open, []byte("openssh-key-v1\x00")); i == 0 && len(open) > 23 {
		return from, to, !bytes.HasPrefix(open[19:], []byte("none"))
	}
	return 0, 0, false
}

func serviceAccount(p *probe) (int, int, bool) {
	rest := p.text[p.end:min(len(p.text), p.end+40)]
	i := bytes.Index(rest, []byte("-----BEGIN "))
	if i < 0 {
		return 0, 0, false
	}
	label := []byte("PRIVATE KEY-----")
	at := bytes.Index(p.text[p.end+i:], label)
	if at < 0 || at > 40 {
		return 0, 0, false
	}
	inner := *p
	inner.at = p.end + i + at
	inner.end = inner.at + len(label)
	return pemKey(&inner)
}

var (
	ssh2Form  = newForm(`(?s)^---- BEGIN SSH2 (?:ENCRYPTED )?PRIVATE KEY ----\r?\n(?:[A-Za-z-]+: [^\n]*\n)*([A-Za-z0-9+/=\r\n]{100,})`)
	vaultForm = newForm(`^\$ANSIBLE_VAULT;1\.[12];AES256[^\n]{0,80}\n((?:[ \t]*[0-9a-f]{20,80}\r?\n?){2,})`)
)

func ssh2Key(p *probe) (int, int, bool) {
	begin := bytes.LastIndex(p.text[max(0, p.at-30):p.at], []byte("---- BEGIN SSH2 "))
	if begin < 0 {
		return 0, 0, false
	}
	begin += max(0, p.at-30)
	_, to, ok := p.found(ssh2Form, begin, lookAhead)
	return begin, to, ok
}

func ansibleVault(p *probe) (int, int, bool) {
	_, to, ok := p.found(vaultForm, p.at, lookAhead)
	return p.at, to, ok
}

func puttyKey(p *probe) (int, int, bool) {
	i := bytes.Index(p.text[p.end:], []byte("Private-Lines:"))
	if i < 0 {
		return 0, 0, false
	}
	from := p.end + i + len("Private-Lines:")
	from += countSet.run(p.text, from, 20)
	n := base64Set.run(p.text, from, 100)
	return p.at, from + n, n >= 32 && entropy(p.text[from:from+n]) >= leastRandom
}

// gnupgForms are the S-expressions of private-keys-v1.d: as text, and canonical.
var gnupgForms = []form{
	newForm(`^private-key \((rsa|dsa|elg|ecc)\s*\((n|p|curve) ?#?[0-9A-Za-z"]{5,}`),
	newForm(`^(protected-)?private-key\([0-9]+:(rsa|dsa|elg|ecc|ecdsa|ecdh)\([0-9]+:(n|p|curve)[0-9]+:`),
}

func gnupgKey(p *probe) (int, int, bool) {
	from := p.at
	if bytes.HasSuffix(p.text[:from], []byte("protected-")) {
		from -= len("protected-")
	}
	for _, f := range gnupgForms {
		if m := f().FindIndex(p.text[from:min(len(p.text), from+200)]); m != nil {
			return from, from + m[1], true
		}
	}
	return 0, 0, false
}

// What stands before the key itself in PKCS#8 (RFC 5958): the end of the algorithm,
// its parameters, the tag of the key.
const (
	rsaPKCS8 = "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00\x04\x82"
	ecPKCS8  = "\x2a\x86\x48\xce\x3d\x03\x01\x07\x04"
)

func derKey(p *probe) (int, int, bool) {
	version := bytes.LastIndex(p.text[max(0, p.at-20):p.at], []byte{2, 1, 0, 0x30}) // INTEGER 0, SEQUENCE
	if !p.is(rsaPKCS8) && !p.is(ecPKCS8) || version < 0 || p.end+64 > len(p.text) {
		return 0, 0, false
	}
	version += max(0, p.at-20)
	from := bytes.LastIndexByte(p.text[max(0, version-4):version], 0x30) // SEQUENCE
	if from < 0 {
		return 0, 0, false
	}
	return max(0, version-4) + from, p.end + 64, entropy(p.text[p.end:p.end+64]) >= 4
}

func ageKey(p *probe) (int, int, bool) {
	const bech32 = 58 // characters after the prefix: 32 bytes and a checksum (BIP 173)
	n := upperDigits.run(p.text, p.end, bech32+1)
	ok := p.is("AGE-SECRET-KEY-1") && p.starts(p.at) && n == bech32 && entropy(p.text[p.end:p.end+n]) >= leastRandom
	return p.at, p.end + n, ok
}

// wireguardKey finds "PrivateKey = " with 32 bytes in base64, as wg(8), systemd and
// NetworkManager write it.
func wireguardKey(p *probe) (int, int, bool) {
	i := p.end + blank.run(p.text, p.end, 8)
	if i >= len(p.text) || p.text[i] != '=' && p.text[i] != ':' {
		return 0, 0, false
	}
	i++
	i += blankQuote.run(p.text, i, 8)
	n := base64Set.run(p.text, i, 45)
	if n != 44 || p.text[i+43] != '=' || len(decoded(p.text[i:i+44])) != 32 || entropy(p.text[i:i+44]) < 4 {
		return 0, 0, false
	}
	return i, i + 44, true
}

// keytab tells a keytab by its name and its version (MIT Kerberos, keytab file format).
func keytab(name string, text []byte, _ bool, found func(from, to int)) {
	if len(text) > 20 && text[0] == 5 && (text[1] == 1 || text[1] == 2) && (bytes.HasSuffix([]byte(name), []byte("keytab"))) {
		found(0, min(len(text), 64))
	}
}

func openvpnKey(p *probe) (int, int, bool) {
	from := bytes.LastIndex(p.text[:p.at], []byte("-----BEGIN "))
	line := bytes.IndexByte(p.text[p.end:], '\n')
	if from < 0 || p.at-from > 12 || line < 0 || line > 20 {
		return 0, 0, false
	}
	body := p.end + line + 1
	n := hexLines.run(p.text, body, 1000)
	return from, body + n, n >= 64 && entropy(p.text[body:body+n]) >= leastRandom
}

// keystore tells PKCS#12 (RFC 7292: SEQUENCE, INTEGER 3) by its name and beginning,
// and a JKS by its first entry's tag: 1 is a private key, 2 a certificate.
func keystore(name string, text []byte, _ bool, found func(from, to int)) {
	pkcs12 := len(text) > 12 && text[0] == 0x30 && bytes.Contains(text[:12], []byte{2, 1, 3, 0x30})
	named := bytes.HasSuffix([]byte(name), []byte(".p12")) || bytes.HasSuffix([]byte(name), []byte(".pfx"))
	jks := len(text) > 16 && bytes.HasPrefix(text, []byte{0xfe, 0xed, 0xfe, 0xed, 0, 0, 0, 2}) && text[15] == 1
	if named && pkcs12 || jks {
		found(0, min(len(text), 64))
	}
}
