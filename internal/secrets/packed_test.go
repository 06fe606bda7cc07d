package secrets_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"io"
	randv2 "math/rand/v2"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/klauspost/compress/zstd"

	"kiln/internal/secrets"
)

func gzipped(t testing.TB, text []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(text); err != nil || w.Close() != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func zstandard(t testing.TB, text []byte) []byte {
	t.Helper()
	w, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	return w.EncodeAll(text, nil)
}

// tarred and zipped are archives with a file before and one behind that of interest.
func tarred(t testing.TB, name string, text []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, f := range []struct {
		name string
		text []byte
	}{{"readme", []byte("nothing\n")}, {name, text}, {"last", []byte("nothing\n")}} {
		if err := w.WriteHeader(&tar.Header{Name: f.name, Mode: 0o644, Size: int64(len(f.text))}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(f.text); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// zipped has its files stored or deflated, with their sizes behind them, as streams
// have, or before.
func zipped(t testing.TB, name string, text []byte, method uint16, raw bool) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, f := range []struct {
		name string
		text []byte
	}{{"readme", []byte("nothing\n")}, {name, text}, {"last", []byte("nothing\n")}} {
		h := &zip.FileHeader{Name: f.name, Method: method}
		create := w.CreateHeader
		if raw {
			h.Method, h.UncompressedSize64, h.CompressedSize64 = zip.Store, uint64(len(f.text)), uint64(len(f.text))
			create = w.CreateRaw
		}
		part, err := create(h)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := part.Write(f.text); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// A secret in a file that is packed is found as in the file itself, under the name of
// what it is in.
func TestPacked(t *testing.T) {
	t.Parallel()
	m := maker{randv2.New(randv2.NewPCG(11, 12))}
	token := "gh" + "p_" + m.of(alnum, 36)
	env := []byte("A=b\nGH_TOKEN=" + token + "\n")
	pgpass := []byte("db.example.org:5432:app:bob:" + m.word() + "\n")
	for _, row := range []struct {
		summary, file string
		data          []byte
		rule, inside  string
	}{
		{"gzip", "env.gz", gzipped(t, env), "github-token", "gzip"},
		{"the name within counts", ".pgpass.gz", gzipped(t, pgpass), "pgpass", "gzip"},
		{"gzip of two members", "env.gz", append(gzipped(t, []byte("x")), gzipped(t, env)...), "github-token", "gzip"},
		{"zstd", "env.zst", zstandard(t, env), "github-token", "zstd"},
		{"tar", "x.tar", tarred(t, "root/.pgpass", pgpass), "pgpass", "tar:root/.pgpass"},
		{"tar and gzip", "x.tgz", gzipped(t, tarred(t, "root/.env", env)), "github-token", "gzip:root/.env"},
		{"tar and zstd", "x.tar.zst", zstandard(t, tarred(t, "root/.pgpass", pgpass)), "pgpass", "zstd:root/.pgpass"},
		{"zip", "x.zip", zipped(t, "app/.env", env, zip.Deflate, false), "github-token", "zip:app/.env"},
		{"zip, stored", "x.jar", zipped(t, "app/.pgpass", pgpass, zip.Store, true), "pgpass", "zip:app/.pgpass"},
		{"UTF-16", "x.reg", wide(binary.LittleEndian, true, env), "github-token", "UTF-16"},
		{"UTF-16, big-endian", "x.reg", wide(binary.BigEndian, true, env), "github-token", "UTF-16"},
		{"UTF-16 without a mark", "x.ini", wide(binary.LittleEndian, false, env), "github-token", "UTF-16"},
		{"UTF-16 in zip", "x.zip", zipped(t, "x.reg", wide(binary.LittleEndian, true, env), zip.Deflate, false), "github-token", "zip:x.reg:UTF-16"},
		{"cut off", "env.gz", gzipped(t, append(bytes.Clone(env), m.bytes(90000)...))[:80000], "github-token", "gzip"},
	} {
		t.Run(row.summary, func(t *testing.T) {
			t.Parallel()
			list, passed, err := secrets.Scan(row.file, bytes.NewReader(row.data))
			if err != nil || len(list) != 1 || list[0].Rule != row.rule || list[0].Inside != row.inside {
				t.Fatalf("found %v, passed over %v, %v", list, passed, err)
			}
			if row.rule == "github-token" && (list[0].Line != 2 || list[0].Column != 10) && row.summary != "cut off" && row.summary != "gzip of two members" {
				t.Errorf("the place is %v", list[0])
			}
			if strings.Contains(fmt.Sprint(list), token) {
				t.Error("the token is told")
			}
			if (len(passed) > 0) != (row.summary == "cut off") {
				t.Errorf("passed over: %v", passed)
			}
		})
	}
}

// wide is an ASCII text in UTF-16.
func wide(order binary.ByteOrder, mark bool, text []byte) []byte {
	units := utf16.Encode([]rune(string(text)))
	if mark {
		units = append([]uint16{0xfeff}, units...)
	}
	b := make([]byte, 2*len(units))
	for i, u := range units {
		order.PutUint16(b[2*i:], u)
	}
	return b
}

// What is not looked into is told, and what is beside it is looked into still.
func TestPassedOver(t *testing.T) {
	t.Parallel()
	m := maker{randv2.New(randv2.NewPCG(13, 14))}
	token := "X=gh" + "p_" + m.of(alnum, 36) + "\n"
	locked := zipped(t, "a", []byte(token), zip.Store, true)
	for at := 0; ; at++ { // the first file's flag
		i := bytes.Index(locked[at:], []byte("PK\x03\x04"))
		if i < 0 {
			break
		}
		at += i
		locked[at+6] |= 1
	}
	for _, row := range []struct {
		summary string
		data    []byte
		found   int
		want    string
	}{
		{"encrypted", locked, 1, "zip:readme: it is encrypted, and 2 more like it"}, // the raw bytes are looked at
		{"packed twice", tarred(t, "x.gz", gzipped(t, []byte(token))), 0, "tar:x.gz: it is gzip inside of what is packed"},
		{"twice compressed", gzipped(t, gzipped(t, []byte(token))), 0, "gzip: it is gzip inside of what is packed"},
		{"7z", append([]byte("7z\xbc\xaf\x27\x1c"), m.bytes(1000)...), 0, "it is compressed as 7z, which kiln does not read"},
		{"no gzip", append([]byte("\x1f\x8b\x08\xff"), []byte(strings.Repeat(" ", 100)+token)...), 1, "it cannot be read as gzip to its end"},
		{"a bomb", zstandard(t, make([]byte, 600<<20)), 0, "it unpacks to more than 512 MiB"},
		{"too large a window", []byte("\x28\xb5\x2f\xfd\x00\x88\x09\x00\x00a"), 0, "it cannot be read as zstd"},
	} {
		t.Run(row.summary, func(t *testing.T) {
			list, passed, err := secrets.Scan("x", bytes.NewReader(row.data))
			if err != nil || len(list) != row.found || len(passed) != 1 || !strings.Contains(passed[0].String(), row.want) {
				t.Errorf("found %v, passed over %v, %v", list, passed, err)
			}
		})
	}
}

// An archive's names are shown as they can be printed.
func TestPackedNames(t *testing.T) {
	t.Parallel()
	m := maker{randv2.New(randv2.NewPCG(15, 16))}
	list, _, err := secrets.Scan("x.tar", bytes.NewReader(tarred(t, "a\x1b[2J"+strings.Repeat("b", 90), []byte("X=gh"+"p_"+m.of(alnum, 36)+"\n"))))
	if err != nil || len(list) != 1 || strings.ContainsRune(list[0].Inside, 0x1b) {
		t.Errorf("%q, %v", list, err)
	}
}

// A program that knows how secrets begin has none: the frames of keys without a body, and
// words side by side as a compiler puts them.
func TestProgramsOfPatterns(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	b.WriteString("\x7fELF\x02\x01\x01\x00\x00")
	for _, frame := range []string{"RSA ", "EC ", "", "OPENSSH ", "PGP "} {
		b.WriteString("-----BEGIN " + frame + key + "-----\x00-----END " + frame + key + "-----")
	}
	for _, r := range secrets.Rules() {
		b.WriteString(r.Name + r.What)
	}
	for _, words := range []string{"gl" + "pat-", "gl" + "dt-", "sq0" + "atp-", "sq0" + "csp-", "hv" + "s.", "hv" + "r.", "xo" + "xb-", "{SS" + "HA}", "{sm" + "d5}"} {
		b.WriteString(words + "privatekeyprivate-keypresharedkeyrequirepassmasterauthldapDefaultAuthtok")
	}
	b.WriteString("-----BEGIN RSA " + key + "-----\nreadPythonMultilines: parsing %q&MutatingAdmissionPolicyBinding{ValidatingAdmissionPolicyBinding&ValidatingWebhookConfiguration{nil value WithWebhooksMutatingWebhookConfigurationListRollingUpdateStatefulSetStrategy")
	b.WriteString("-----BEGIN RSA " + key + "-----\nreadPythonMultilines: MutatingAdmissionPolicyBindingValidatingAdmissionPolicyBindingValidatingWebhookConfiguration")
	b.WriteString("curl -u user:passwordvalue1 mysql -u root -psecretword1")
	if list := secrets.Bytes("program", b.Bytes()); len(list) > 0 {
		t.Errorf("found %v", list)
	}
}

// The reader behind a packed file is read to its end, and its error handed on.
func TestPackedReadError(t *testing.T) {
	t.Parallel()
	data := gzipped(t, make([]byte, 1000))
	if _, _, err := secrets.Scan("x.gz", io.MultiReader(bytes.NewReader(data[:20]), failing{})); err == nil || err.Error() != "no more" {
		t.Errorf("error %v", err)
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, fmt.Errorf("no more") }
