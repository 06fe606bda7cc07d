package keyplugin_test

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kiln"
	"kiln/internal/attest"
	"kiln/internal/keyplugin"
)

// The test program is a plug-in where it is called by such a name: what stands behind
// the prefix says how it behaves.
func TestMain(m *testing.M) {
	if behave := strings.TrimPrefix(filepath.Base(os.Args[0]), keyplugin.Prefix); behave != filepath.Base(os.Args[0]) {
		plugin(behave)
		return
	}
	os.Exit(m.Run())
}

func plugin(behave string) {
	var q keyplugin.Question
	if err := json.NewDecoder(os.Stdin).Decode(&q); err != nil {
		panic(err)
	}
	text, err := os.ReadFile(q.Key)
	if err != nil {
		panic(err)
	}
	if q.Algorithm == keyplugin.RSAPKCS1 {
		signRSA(behave, q, text)
		return
	}
	key, err := attest.ParsePrivateKey(text, nil, rand.Reader)
	if err != nil {
		panic(err)
	}
	a := keyplugin.Answer{Protocol: keyplugin.Protocol}
	if q.Operation == "public-key" {
		a.PublicKey = string(key.Public().PEM())
	} else if a.Signature, err = key.Sign(context.Background(), q.PayloadType, q.Payload); err != nil {
		panic(err)
	}
	switch {
	case behave == "hangs":
		select {}
	case behave == "endless":
		for {
			if _, err := fmt.Print(strings.Repeat("x", 4096)); err != nil {
				return
			}
		}
	case behave == "fails":
		fmt.Fprintln(os.Stderr, "the token \x1b[31mis locked")
		os.Exit(3)
	case behave == "declines":
		a = keyplugin.Answer{Protocol: keyplugin.Protocol, Error: "not on a Sunday"}
	case behave == "twice":
		fmt.Println("{}")
	case behave == "foreign":
		a.Protocol = "other/v9"
	case behave == "keyless":
		a.PublicKey = "none"
	case behave == "environment" && (os.Getenv("KILN_KEY_PASSPHRASE") != "" || len(os.Args) > 1):
		a = keyplugin.Answer{Protocol: keyplugin.Protocol, Error: "it was told too much"}
	case q.Operation == "sign" && behave == "mute":
		a.Signature = nil
	case q.Operation == "sign" && behave == "lies":
		a.Signature[10] ^= 1
	}
	if err := json.NewEncoder(os.Stdout).Encode(a); err != nil {
		panic(err)
	}
}

func TestPlugins(t *testing.T) {
	dir := t.TempDir()
	key, err := attest.Generate(attest.ECDSAP256, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	text, err := key.Plain()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "a.key")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir)
	for behave, want := range map[string]string{
		"works":       "",
		"environment": "",
		"hangs":       "no answer within",
		"endless":     "more than 65536 bytes",
		"fails":       "it says: the token ?[31mis locked",
		"declines":    "not on a Sunday",
		"twice":       "goes on behind the first JSON object",
		"foreign":     "does not speak kiln-key/v1",
		"keyless":     "its public key cannot be used: it is no PEM file",
		"mute":        "has no signature",
		"lies":        "the signature does not fit what is signed",
		"missing":     "cannot find the key plug-in",
	} {
		t.Run(behave, func(t *testing.T) {
			if behave != "missing" {
				if err := os.Symlink(self, filepath.Join(dir, keyplugin.Prefix+behave)); err != nil {
					t.Fatal(err)
				}
			}
			o := keyplugin.Options{Env: []string{"PATH=" + dir}}
			if behave == "hangs" {
				o.Timeout = 300 * time.Millisecond
			}
			b, err := sign(behave+":"+file, o)
			switch {
			case want == "" && err != nil:
				t.Fatal(err)
			case want == "":
				if _, err := b.Verify(key.Public()); err != nil {
					t.Error(err)
				}
			case err == nil || !strings.Contains(err.Error(), want):
				t.Errorf("got %v, want %q", err, want)
			case len(kiln.HintsOf(err)) == 0 && behave != "lies":
				t.Errorf("%v: says nothing to do next", err)
			}
		})
	}
}

func sign(ref string, o keyplugin.Options) (attest.Bundle, error) {
	p, err := keyplugin.Open(context.Background(), ref, o)
	if err != nil {
		return attest.Bundle{}, err
	}
	return attest.Sign(context.Background(), p, []byte(`{"_type":"https://in-toto.io/Statement/v1","subject":[{"digest":{"sha256":"00"}}],"predicateType":"x:y"}`))
}

// signRSA answers as a plug-in that keeps an RSA key.
func signRSA(behave string, q keyplugin.Question, text []byte) {
	key, err := x509.ParsePKCS1PrivateKey(text)
	if err != nil {
		panic(err)
	}
	digest, err := hex.DecodeString(q.Digest["sha256"])
	if err != nil || q.PayloadType != keyplugin.SecureBoot {
		panic(q)
	}
	a := keyplugin.Answer{Protocol: keyplugin.Protocol}
	if a.Signature, err = rsa.SignPKCS1v15(nil, key, crypto.SHA256, digest); err != nil {
		panic(err)
	}
	if behave == "lies" {
		a.Signature[10] ^= 1
	}
	if err := json.NewEncoder(os.Stdout).Encode(a); err != nil {
		panic(err)
	}
}

// A program can keep the key of Secure Boot; what it answers is verified with the certificate.
func TestRSA(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "key")
	if err := os.WriteFile(file, x509.MarshalPKCS1PrivateKey(key), 0o600); err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cert := &x509.Certificate{PublicKey: &key.PublicKey}
	for behave, want := range map[string]string{"works": "", "lies": "its signature of the loader is not of the certificate's key"} {
		program := filepath.Join(dir, keyplugin.Prefix+behave)
		if err := os.Symlink(self, program); err != nil {
			t.Fatal(err)
		}
		r, err := keyplugin.OpenRSA(program+":"+file, cert, keyplugin.Options{})
		if err != nil {
			t.Fatal(err)
		}
		got, err := r.SignRSA(t.Context(), "the loader", []byte("message"))
		if want != "" {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: error %v, want %s", behave, err, want)
			}
			continue
		}
		sum := sha256.Sum256([]byte("message"))
		if err != nil || rsa.VerifyPKCS1v15(&key.PublicKey, crypto.SHA256, sum[:], got) != nil {
			t.Errorf("%s: %x, %v", behave, got, err)
		}
	}
	if _, err := keyplugin.OpenRSA("nowhere-to-be-found", cert, keyplugin.Options{}); err == nil {
		t.Error("a program that is not there was found")
	}
}
