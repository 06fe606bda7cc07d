package disk_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"kiln"
	"kiln/internal/disk"
)

var now = time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)

// key is the RSA key of all tests here: making one takes long.
var key = sync.OnceValue(func() *rsa.PrivateKey {
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return k
})

func certificate(t *testing.T, public, private any, from, to time.Time) []byte {
	t.Helper()
	c := &x509.Certificate{SerialNumber: big.NewInt(7), Subject: pkix.Name{CommonName: "db"}, NotBefore: from, NotAfter: to}
	der, err := x509.CreateCertificate(rand.Reader, c, c, public, private)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

func keyPEM(t *testing.T, key any) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

// testSigner is a signer, and its certificate.
func testSigner(t *testing.T) (disk.Signer, *x509.Certificate) {
	t.Helper()
	s, err := disk.NewLocalSigner(keyPEM(t, key()), certificate(t, &key().PublicKey, key(), now.AddDate(-1, 0, 0), now.AddDate(1, 0, 0)), now)
	if err != nil {
		t.Fatal(err)
	}
	return s, s.Certificate()
}

// Keys and certificates that cannot serve are refused with what is wrong with them.
func TestKeysRefused(t *testing.T) {
	year := func(n int) time.Time { return now.AddDate(n, 0, 0) }
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	good, cert := keyPEM(t, key()), certificate(t, &key().PublicKey, key(), year(-1), year(1))
	for want, row := range map[string][2][]byte{
		"expired on 2029-01-01":             {good, certificate(t, &key().PublicKey, key(), year(-2), year(-1))},
		"not valid before 2031-01-01":       {good, certificate(t, &key().PublicKey, key(), year(1), year(2))},
		"the certificate is of a ECDSA key": {good, certificate(t, &curve.PublicKey, curve, year(-1), year(1))},
		"the key is not RSA":                {keyPEM(t, curve), cert},
		"the certificate is of another key": {keyPEM(t, other), cert},
		"the key is not in PEM":             {[]byte("key"), cert},
		"the certificate cannot be read":    {good, []byte("cert")},
		`the PEM block is of "PRIVATE KEY"`: {good, good},
		`the PEM block is of "CERTIFICATE"`: {cert, cert},
		"the key is encrypted":              {[]byte("-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n"), cert},
	} {
		if _, err := disk.NewLocalSigner(row[0], row[1], now); err == nil || !strings.Contains(err.Error(), want) || len(kiln.HintsOf(err)) == 0 {
			t.Errorf("error %v, want %s", err, want)
		}
	}
}

// Where the key is elsewhere, the build asks for all signatures at once; with them it is the disk that the key at hand makes.
func TestDetached(t *testing.T) {
	st, s, dir := openStore(t), system(t), t.TempDir()
	var cert *x509.Certificate
	s.Signer, cert = testSigner(t)
	want := write(t, st, s, disk.Raw)
	s.Signer = &disk.DetachedSigner{Cert: cert, Dir: dir}
	file := filepath.Join(t.TempDir(), "disk")
	err := newDisk(t, st, s).Write(t.Context(), disk.Raw, file, nil)
	requests, globErr := filepath.Glob(filepath.Join(dir, "*.tbs"))
	if err == nil || globErr != nil || len(requests) != 4 || strings.Count(err.Error(), "is to be signed first") != 4 {
		t.Fatalf("%d requests, error %v", len(requests), err)
	}
	for _, r := range requests {
		b, err := os.ReadFile(r)
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(b)
		signature, err := rsa.SignPKCS1v15(nil, key(), crypto.SHA256, sum[:])
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(strings.TrimSuffix(r, ".tbs")+".sig", signature, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if got := write(t, st, s, disk.Raw); string(got) != string(want) {
		t.Error("it is another disk")
	}
	broken := strings.TrimSuffix(requests[0], ".tbs") + ".sig"
	if err := os.WriteFile(broken, make([]byte, 256), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := newDisk(t, st, s).Write(t.Context(), disk.Raw, file, nil); err == nil || !strings.Contains(err.Error(), "is not of") {
		t.Errorf("error %v", err)
	}
}

// Without signatures nothing differs but what signatures are: the signer has no part in ids.
func TestSignerChangesNoID(t *testing.T) {
	st, s := openStore(t), system(t)
	plain := partitions(write(t, st, s, disk.Raw))
	s.Signer, _ = testSigner(t)
	signed := partitions(write(t, st, s, disk.Raw))
	if plain[0].guid != signed[0].guid || plain[1].guid != signed[1].guid || plain[3].guid != signed[4].guid {
		t.Errorf("GUIDs %v and %v", plain, signed)
	}
}
