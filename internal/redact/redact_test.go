package redact_test

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"kiln/internal/redact"
)

const value = "s3cr3t/+väl ue&x=ÿ~"

func forms() *redact.Forms {
	return redact.NewForms([]redact.Secret{{ID: "token", Value: []byte(value + "\n")}, {ID: "key", Value: []byte("-----BEGIN-----\nabcdefghijkl\nmnopqrstuvwx\n-----END-----\n")}})
}

// disguises are the forms that must be known, each of a text that holds the secret.
func disguises(t *testing.T) map[string]string {
	wrapped := func(s string) string {
		var b strings.Builder
		for i := 0; i < len(s); i += 7 {
			b.WriteString(s[i:min(i+7, len(s))] + "\n")
		}
		return b.String()
	}
	all := map[string]string{
		"plain": value, "hex": hex.EncodeToString([]byte(value)), "HEX": strings.ToUpper(hex.EncodeToString([]byte(value))),
		"wrapped hex": wrapped(hex.EncodeToString([]byte(value))),
		"query":       url.QueryEscape(value), "path": url.PathEscape(value), "small escapes": strings.ToLower(url.QueryEscape(value)),
	}
	for i := range 6 {
		text := []byte(strings.Repeat("x", i) + value + "yz")
		all[fmt.Sprint("base64 ", i)] = base64.StdEncoding.EncodeToString(text)
		all[fmt.Sprint("url base64 ", i)] = base64.RawURLEncoding.EncodeToString(text)
		all[fmt.Sprint("wrapped base64 ", i)] = wrapped(base64.StdEncoding.EncodeToString(text))
	}
	all["gzip"] = zip(t, "before "+value+" after")
	all["gzip of gzip"] = zip(t, zip(t, value))
	all["gzip of base64"] = zip(t, base64.StdEncoding.EncodeToString([]byte("q"+value)))
	return all
}

func zip(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestFind(t *testing.T) {
	f := forms()
	for name, text := range disguises(t) {
		for _, pad := range []int{0, 1, 5000, 1<<20 - 9, 1<<20 - 1, 1 << 20, 1<<20 + 1} {
			hit := f.FindIn([]byte(strings.Repeat("\xee", pad) + text + "\xee\xee"))
			if hit == nil || hit.ID != "token" {
				t.Errorf("%s after %d bytes: %v", name, pad, hit)
			}
		}
	}
	for _, text := range []string{"", value[1:], "\x1f\x8b\x08 no gzip", zip(t, "nothing"), strings.Repeat("\x1f\x8b\x08", 1000)} {
		if hit := f.FindIn([]byte(text)); hit != nil {
			t.Errorf("in %q: %v", text, hit)
		}
	}
	if hit := f.FindIn([]byte("a line of a key: mnopqrstuvwx")); hit == nil || hit.ID != "key" {
		t.Errorf("a line of several: %v", hit)
	}
}

// Whatever way a text is cut into writes, no form of a secret comes through.
func TestMask(t *testing.T) {
	f := forms()
	for name, text := range disguises(t) {
		if strings.Contains(name, "gzip") || strings.Contains(name, "wrapped") || name == "small escapes" {
			continue
		}
		whole := "before " + text + " after"
		want := f.Mask(whole)
		if strings.Contains(want, text) || !strings.Contains(want, "[secret token]") || !strings.HasPrefix(want, "before ") || !strings.HasSuffix(want, " after") {
			t.Errorf("%s: %q", name, want)
		}
		for step := 1; step < len(whole); step++ {
			var b bytes.Buffer
			w := f.NewWriter(&b)
			for i := 0; i < len(whole); i += step {
				if _, err := w.Write([]byte(whole[i:min(i+step, len(whole))])); err != nil {
					t.Fatal(err)
				}
			}
			if err := w.Flush(); err != nil {
				t.Fatal(err)
			}
			if b.String() != want {
				t.Errorf("%s in pieces of %d: %q, want %q", name, step, b.String(), want)
			}
		}
	}
}

func TestNoSecretIsNoForm(t *testing.T) {
	f := redact.NewForms(nil)
	if got := f.Mask("all of it"); got != "all of it" {
		t.Errorf("got %q", got)
	}
	if hit := f.FindIn([]byte("all of it")); hit != nil {
		t.Errorf("got %v", hit)
	}
}
