package attest_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"kiln"
	"kiln/internal/attest"
)

func newKey(t testing.TB, a attest.Algorithm) *attest.PrivateKey {
	t.Helper()
	k, err := attest.Generate(a, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func payload(t testing.TB) []byte {
	t.Helper()
	b, err := attest.Statement{
		Subject:       []attest.Subject{attest.SubjectOf("web:1.4", kiln.DigestOf([]byte("image")), map[string]string{"b": "<2>", "a": "1"})},
		PredicateType: attest.PredicateSPDX, Predicate: json.RawMessage("{\"z\": 1,\n \"a\": \"<é>\"}"),
	}.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestStatementBytes(t *testing.T) {
	const want = `{"_type":"https://in-toto.io/Statement/v1","subject":[{"name":"web:1.4","digest":{"sha256":"6105d6cc76af400325e94d588ce511be5bfdbb73b437dc51eca43917d7a43e3d"},"annotations":{"a":"1","b":"<2>"}}],"predicateType":"https://spdx.dev/Document","predicate":{"z":1,"a":"<é>"}}`
	if got := string(payload(t)); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

// The vector of the specification (DSSE, protocol.md, "Test Vectors").
func TestPAE(t *testing.T) {
	if got := string(attest.PAE("http://example.com/HelloWorld", []byte("hello world"))); got != "DSSEv1 29 http://example.com/HelloWorld 11 hello world" {
		t.Errorf("got %q", got)
	}
}

func TestBundles(t *testing.T) {
	for _, a := range attest.Algorithms() {
		k := newKey(t, a)
		b, err := attest.Sign(context.Background(), k, payload(t))
		if err != nil {
			t.Fatal(err)
		}
		text, err := b.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		back, err := attest.ParseBundle(text)
		if err != nil {
			t.Fatal(err)
		}
		if s, err := back.Verify(k.Public()); err != nil || s.Subject[0].Name != "web:1.4" || back.Hint != k.Public().ID() {
			t.Errorf("%s: %+v, %v", a, s, err)
		}
		if _, err := back.Verify(newKey(t, a).Public()); err == nil {
			t.Errorf("%s: another key verifies it", a)
		}
		for i := range back.Payload {
			back.Payload[i] ^= 1
			if _, err := back.Verify(k.Public()); err == nil {
				t.Fatalf("%s: altered at byte %d, it verifies", a, i)
			}
			back.Payload[i] ^= 1
		}
	}
}

func TestBundlesThatAreNone(t *testing.T) {
	b, err := attest.Sign(context.Background(), newKey(t, attest.Ed25519), payload(t))
	if err != nil {
		t.Fatal(err)
	}
	good, err := b.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	for old, row := range map[string]struct{ new, want string }{
		`{"mediaType"`:     {`["mediaType"`, "it is no Sigstore bundle"},
		`bundle.v0.3+json`: {`bundle.v0.4+json`, "and kiln reads"},
		`"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json",`: {"", "it has no media type"},
		`"publicKey":{`:                {`"certificate":{"rawBytes":""},"publicKey":{`, "signed with a certificate"},
		`"publicKey"`:                  {`"nothing"`, "does not say which key"},
		`"dsseEnvelope"`:               {`"messageSignature"`, "a signature over a file"},
		`application/vnd.in-toto+json`: {`text/plain`, `its payload is a "text/plain"`},
		`"signatures":[`:               {`"signatures":[{"sig":""},`, "2 signatures, and a bundle has exactly one"},
		`"payload":"`:                  {`"payload":"!`, "its payload: illegal base64"},
		`"sig":"`:                      {`"sig":"!`, "its signature: illegal base64"},
	} {
		text := strings.Replace(string(good), old, row.new, 1)
		if text == string(good) {
			t.Errorf("the bundle has no %q", old)
		}
		if _, err := attest.ParseBundle([]byte(text)); err == nil || kiln.CodeOf(err) != kiln.Refused || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: got %v, want %q", row.new, err, row.want)
		}
	}
}

func FuzzParseBundle(f *testing.F) {
	b, err := attest.Sign(context.Background(), newKey(f, attest.Ed25519), payload(f))
	if err != nil {
		f.Fatal(err)
	}
	good, err := b.Marshal()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte(`{"kiln":"signing-answer/v1","bundles":[{}]}`))
	k := newKey(f, attest.Ed25519).Public()
	f.Fuzz(func(t *testing.T, text []byte) {
		all, err := attest.ParseAnswer(text)
		if err != nil {
			return
		}
		for _, b := range all {
			if _, err := b.Verify(k); err == nil {
				t.Error("a key verifies what it never signed")
			}
			_, _ = b.Claimed()
		}
	})
}

// cosign.key was made by cosign 3.1.3 with the passphrase "x".
func TestKeyFilesOfCosign(t *testing.T) {
	text, err := os.ReadFile("testdata/cosign.key")
	if err != nil {
		t.Fatal(err)
	}
	public, err := os.ReadFile("testdata/cosign.pub")
	if err != nil {
		t.Fatal(err)
	}
	pass := func(s string) func() ([]byte, error) { return func() ([]byte, error) { return []byte(s), nil } }
	k, err := attest.ParsePrivateKey(text, pass("x"), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(k.Public().PEM(), public) {
		t.Errorf("its public key is %s, want %s", k.Public().PEM(), public)
	}
	if _, err := attest.ParsePrivateKey(text, pass("y"), rand.Reader); !errors.Is(err, attest.ErrPassphrase) {
		t.Errorf("with a wrong passphrase: %v", err)
	}
}

// This bundle is of cosign 3.1.3, with an Ed25519 key.
func TestBundleOfCosign(t *testing.T) {
	text, err := os.ReadFile("testdata/cosign-ed25519.sigstore.json")
	if err != nil {
		t.Fatal(err)
	}
	b, err := attest.ParseBundle(text)
	if err != nil {
		t.Fatal(err)
	}
	public, err := os.ReadFile("testdata/ed25519.pub")
	if err != nil {
		t.Fatal(err)
	}
	k, err := attest.ParsePublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	if s, err := b.Verify(k); err != nil || s.PredicateType != attest.PredicateProvenance || b.Hint != k.ID() {
		t.Errorf("%+v, %v", s, err)
	}
}

func TestKeyFiles(t *testing.T) {
	k := newKey(t, attest.Ed25519)
	text, err := k.Encrypt([]byte("passphrase"), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	none := func() ([]byte, error) { return nil, errors.New("the passphrase was asked for") }
	back, err := attest.ParsePrivateKey(text, func() ([]byte, error) { return []byte("passphrase"), nil }, rand.Reader)
	if err != nil || back.Public().ID() != k.Public().ID() {
		t.Fatalf("%v", err)
	}
	plain, err := k.Plain()
	if err != nil {
		t.Fatal(err)
	}
	if back, err = attest.ParsePrivateKey(plain, none, rand.Reader); err != nil || back.Public().ID() != k.Public().ID() {
		t.Errorf("without a passphrase: %v", err)
	}
	if bytes.Contains(text, plain) {
		t.Error("the key stands in its encrypted file")
	}
	block, _ := pem.Decode(text)
	seal := func(old, new string) []byte {
		inside := strings.Replace(string(block.Bytes), old, new, 1)
		if inside == string(block.Bytes) {
			t.Fatalf("the key file has no %q: %s", old, inside)
		}
		return pem.EncodeToMemory(&pem.Block{Type: block.Type, Bytes: []byte(inside)})
	}
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	other, err := x509.MarshalPKCS8PrivateKey(p384)
	if err != nil {
		t.Fatal(err)
	}
	for want, text := range map[string][]byte{
		"it is no PEM file":                          []byte("hello"),
		"it is the public key":                       k.Public().PEM(),
		"it holds more than one key":                 append(plain, plain...),
		"parameters of scrypt":                       seal(`"N":131072`, `"N":1073741824`),
		"it is encrypted by \"argon2\"":              seal(`"scrypt"`, `"argon2"`),
		"its nonce has":                              seal(`"nonce":"`, `"nonce":"AAAA`),
		"the key file is damaged":                    seal(`{`, `[`),
		"the private key in it is damaged":           pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte("x")}),
		"it holds a \"RSA PRIVATE KEY\"":             pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: []byte("x")}),
		"P-384, and kiln takes ECDSA P-256 and Ed25": pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: other}),
		"which is no key file":                       bytes.Repeat([]byte("x"), 1<<17),
	} {
		if _, err := attest.ParsePrivateKey(text, func() ([]byte, error) { return nil, nil }, rand.Reader); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

func TestRequests(t *testing.T) {
	one, err := attest.NewToSign(payload(t))
	if err != nil {
		t.Fatal(err)
	}
	good, err := attest.MarshalIndented(attest.Request{Kiln: attest.RequestFormat, Image: "oci:web", Digest: kiln.DigestOf([]byte("image")), Statements: []attest.ToSign{one}})
	if err != nil {
		t.Fatal(err)
	}
	r, err := attest.ParseRequest(good)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(r.Statements[0].Payload(), payload(t)) {
		t.Errorf("the statement is %s", r.Statements[0].Payload())
	}
	pae := base64.StdEncoding.EncodeToString(one.PAE)
	other := base64.StdEncoding.EncodeToString(bytes.Replace(one.PAE, []byte("web:1.4"), []byte("web:1.5"), 1))
	twice, err := attest.NewToSign(bytes.Replace(payload(t), []byte(`"predicateType"`), []byte(`"PredicateType":"https://example.org/x","predicateType"`), 1))
	if err != nil {
		t.Fatal(err)
	}
	double, err := attest.MarshalIndented(attest.Request{Kiln: attest.RequestFormat, Statements: []attest.ToSign{twice}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := attest.ParseRequest(double); err == nil || !strings.Contains(err.Error(), "could be read in two ways") {
		t.Errorf("a doubled key: %v", err)
	}
	for old, row := range map[string]struct{ new, want string }{
		"signing-request/v1":          {"signing-request/v2", "its format is"},
		`"web:1.4"`:                   {`"web:1.5"`, "not those of the statement that it shows"},
		pae:                           {other, "not those of the statement that it shows"},
		string(one.Digest):            {string(kiln.DigestOf(nil)), "not those of the statement that it shows"},
		`"image": `:                   {`"picture": `, "unknown field"},
		`"predicateType": "https://s`: {`"predicateType": "https://t`, "and the request says"},
	} {
		text := strings.Replace(string(good), old, row.new, 1)
		if _, err := attest.ParseRequest([]byte(text)); err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: got %v, want %q", old, err, row.want)
		}
	}
}

func TestOlder(t *testing.T) {
	day := func(n int) time.Time { return time.Date(2026, 1, n, 0, 0, 0, 0, time.UTC) }
	a, b := kiln.DigestOf([]byte("a")), kiln.DigestOf([]byte("b"))
	known, err := attest.ParseAccepted(nil)
	if err != nil {
		t.Fatal(err)
	}
	known.Accept("web", attest.Standing{Digest: a, Created: day(10), Serial: 7})
	known.Accept("plain", attest.Standing{Digest: a, Created: day(10)})
	text, err := attest.MarshalIndented(known)
	if err != nil {
		t.Fatal(err)
	}
	if known, err = attest.ParseAccepted(text); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		name string
		attest.Standing
		want string
	}{
		{"web", attest.Standing{Digest: a, Created: day(10), Serial: 7}, ""},
		{"web", attest.Standing{Digest: b, Created: day(10), Serial: 8}, ""},
		{"web", attest.Standing{Digest: b, Created: day(10), Serial: 7}, "was accepted with the serial number 7 before"},
		{"web", attest.Standing{Digest: b, Created: day(20), Serial: 6}, "this is a downgrade"},
		{"web", attest.Standing{Digest: b, Created: day(20)}, "with no serial number, and"},
		{"web", attest.Standing{Digest: b, Created: day(9), Serial: 8}, "was created 2026-01-09"},
		{"plain", attest.Standing{Digest: b, Created: day(9)}, "this is a downgrade"},
		{"plain", attest.Standing{Digest: b, Created: day(10)}, "which of the two is newer nobody can tell"},
		{"plain", attest.Standing{Digest: b, Created: day(10), Serial: 1}, ""},
		{"plain", attest.Standing{Digest: b, Created: day(11)}, ""},
		{"other", attest.Standing{Digest: b, Created: day(1)}, ""},
	} {
		if got := known.Older(row.name, row.Standing); got != row.want && (row.want == "" || !strings.Contains(got, row.want)) {
			t.Errorf("%s %+v: got %q, want %q", row.name, row.Standing, got, row.want)
		}
	}
	for _, bad := range []string{"x", `{"format":2}`, `{"format":1,"other":1}`} {
		if _, err := attest.ParseAccepted([]byte(bad)); err == nil {
			t.Errorf("%s is taken", bad)
		}
	}
}
