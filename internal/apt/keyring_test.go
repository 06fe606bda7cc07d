package apt_test

import (
	"bytes"
	"testing"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"

	"kiln"
	"kiln/internal/apt"
	"kiln/internal/apt/apttest"
)

func secretKey(t *testing.T) []byte {
	t.Helper()
	e, err := openpgp.NewEntity("Secret", "", "secret@example.org", nil)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := e.SerializePrivate(&b, nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func binary(t *testing.T, armored []byte) []byte {
	t.Helper()
	block, err := armor.Decode(bytes.NewReader(armored))
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if _, err := b.ReadFrom(block.Body); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestParseKeyring(t *testing.T) {
	a, b := apttest.NewKey("A", apttest.KeyOptions{}), apttest.NewKey("B", apttest.KeyOptions{Subkey: true})
	rows := []struct {
		summary string
		input   []byte
		want    int
	}{
		{"armored", a.Public(), 1},
		{"binary", binary(t, a.Public()), 1},
		{"two blocks with text between", append(append(a.Public(), "\nthe next one:\n"...), b.Public()...), 2},
		{"two binary keys", append(binary(t, a.Public()), binary(t, b.Public())...), 2},
		{"empty", nil, 0},
		{"text", []byte("hello"), 0},
		{"cut armor", a.Public()[:200], 0},
		{"cut binary", binary(t, a.Public())[:60], 0},
		{"a signature", apttest.DetachSign("x", apttest.Date, a), 0},
		{"a secret key", secretKey(t), 0},
	}
	for _, row := range rows {
		k, err := apt.ParseKeyring(row.input)
		if (err == nil) != (row.want > 0) || err == nil && len(k.Keys()) != row.want {
			t.Errorf("%s: %v, %v", row.summary, k.Keys(), err)
		}
	}
}

func TestVendor(t *testing.T) {
	key := apttest.DefaultKey().Public()
	rows := []struct {
		summary, url, suite string
		components          []string
		key                 []byte
		ok                  bool
	}{
		{"https", "https://x.example.org/apt/", "stable", []string{"main"}, key, true},
		{"file", "file:///srv/apt", "stable", nil, key, true},
		{"a suite of two parts", "http://x.example.org", "stable/updates", nil, key, true},
		{"flat", "http://x.example.org", "./", nil, key, true},
		{"flat with components", "http://x.example.org", "./", []string{"main"}, key, false},
		{"ftp", "ftp://x.example.org", "stable", nil, key, false},
		{"no scheme", "x.example.org", "stable", nil, key, false},
		{"a suite that climbs", "http://x.example.org", "../x", nil, key, false},
		{"an absolute suite", "http://x.example.org", "/x", nil, key, false},
		{"no suite", "http://x.example.org", "", nil, key, false},
		{"a suite with a blank", "http://x.example.org", "a b", nil, key, false},
		{"a component that climbs", "http://x.example.org", "stable", []string{"../.."}, key, false},
		{"no key", "http://x.example.org", "stable", nil, nil, false},
	}
	for _, row := range rows {
		a, err := apt.Vendor("vendor", row.url, row.suite, row.components, row.key)
		if row.ok != (err == nil) || err != nil && kiln.CodeOf(err) != kiln.User {
			t.Errorf("%s: %v", row.summary, err)
		}
		if err == nil && (len(a.Pockets) != 1 || a.Pockets[0].ID() != "vendor/"+row.suite) {
			t.Errorf("%s: %v", row.summary, a.Pockets)
		}
	}
}
