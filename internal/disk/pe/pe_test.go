package pe_test

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"kiln"
	"kiln/internal/disk/pe"
	"kiln/internal/disk/pe/petest"
)

func stub() []byte { return petest.Program(0x8664) }

func uki() *pe.UKI {
	return &pe.UKI{
		Linux: bytes.Repeat([]byte("kernel "), 1000), Initrd: []byte("initrd"), Cmdline: "console=ttyS0 roothash=00ff", OSRelease: []byte("ID=debian\n"), Uname: "6.12.0",
		SBAT: []byte("sbat,1,SBAT Version,sbat,1,https://github.com/rhboot/shim/blob/main/SBAT.md\n"),
	}
}

func build(t *testing.T, u *pe.UKI, stub []byte) *pe.Image {
	t.Helper()
	img, err := u.Build(stub)
	if err != nil {
		t.Fatal(err)
	}
	return img
}

func file(t *testing.T, img *pe.Image) []byte {
	t.Helper()
	b, err := img.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// What was written is read again, and says the same.
func TestRoundTrip(t *testing.T) {
	b := file(t, build(t, uki(), stub()))
	img, err := pe.Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{".text", ".sbat", ".osrel", ".cmdline", ".uname", ".initrd", ".linux"}; !slices.Equal(img.Sections(), want) {
		t.Errorf("sections %q, want %q", img.Sections(), want)
	}
	if got := string(img.Section(".cmdline")); got != uki().Cmdline {
		t.Errorf(".cmdline %q", got)
	}
	if !bytes.Equal(img.Section(".linux"), uki().Linux) {
		t.Error(".linux is another")
	}
	if !bytes.Equal(file(t, img), b) {
		t.Error("read and written, it is another file")
	}
}

// The bytes are a promise.
func TestGolden(t *testing.T) {
	const want = "sha256:766fc67409459345dcbb0d9723cea11c875878efb6c46c133f48ab8e13f177c2"
	if got := kiln.DigestOf(file(t, build(t, uki(), stub()))); got != want {
		t.Errorf("digest %s, want %s", got, want)
	}
}

func TestRefused(t *testing.T) {
	change := func(at int, v byte) []byte {
		b := stub()
		b[at] = v
		return b
	}
	for _, row := range []struct {
		stub []byte
		want string
	}{
		{nil, "does not begin"}, {[]byte("MZ"), "does not begin"}, {change(0, 'X'), "does not begin"}, {change(0x3e, 1), "no PE header"}, {change(0x80, 'X'), "no PE header"},
		{change(0x87, 1), "cut off, or too many"}, {change(0x98, 0), "no PE32+"}, {change(0x98+108, 1), "no PE32+"}, {change(0x98+61, 0), "its headers have"},
		{change(0x98+36, 3), "alignments"}, {change(0x98+112+16*8+18, 1), "lies outside"}, {change(0x98+112+16*8+21, 0), "lies outside"},
		{change(0x98+112+4*8+5, 0xff), "signature lies outside"},
	} {
		if _, err := pe.Parse(row.stub); err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("error %v, want %s", err, row.want)
		}
	}
	if _, err := (&pe.UKI{}).Build(stub()); err == nil {
		t.Error("an image without a kernel")
	}
	img := build(t, uki(), stub())
	for _, name := range []string{"", "much too long", ".linux"} {
		if err := img.Add(name, nil); err == nil {
			t.Errorf("a section %q", name)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(stub())
	f.Fuzz(func(t *testing.T, b []byte) {
		img, err := pe.Parse(b)
		if err != nil {
			return
		}
		if once, err := img.Bytes(); err == nil {
			again, err := pe.Parse(once)
			if err != nil {
				t.Fatalf("what was written cannot be read: %v", err)
			}
			if twice, err := again.Bytes(); err != nil || !bytes.Equal(once, twice) {
				t.Errorf("read and written, it is another file: %v", err)
			}
		}
	})
}

func keyPair(t *testing.T, serial int64) (*rsa.PrivateKey, *x509.Certificate) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "test"}, NotBefore: time.Unix(0, 0), NotAfter: time.Unix(4e9, 0)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return key, cert
}

// A signature changes nothing that it signs, and one of something else is refused.
func TestSign(t *testing.T) {
	key, cert := keyPair(t, 1)
	other, _ := keyPair(t, 2)
	img := build(t, uki(), stub())
	before, err := img.Digest()
	if err != nil {
		t.Fatal(err)
	}
	if err := img.Sign(cert, other); err == nil || !strings.Contains(err.Error(), "not the certificate's") {
		t.Errorf("signed by another key: %v", err)
	}
	if err := img.Sign(cert, key); err != nil {
		t.Fatal(err)
	}
	once := file(t, img)
	if after, err := img.Digest(); err != nil || after != before {
		t.Errorf("the signature changed the digest: %v", err)
	}
	again := build(t, uki(), stub())
	if err := again.Sign(cert, key); err != nil || !bytes.Equal(file(t, again), once) {
		t.Errorf("signed again, it is another file: %v", err)
	}
	if err := img.Add(".more", []byte("x")); err != nil || bytes.Contains(file(t, img), cert.Raw) {
		t.Errorf("changed, it keeps the signature of what it was: %v", err)
	}
}

// objdump sees the sections of systemd's stub with a kernel, and sbverify takes our signature of
// it, finds that of another key wrong, and each changed byte.
func TestJudges(t *testing.T) {
	if os.Getenv("KILN_TEST") != "real" {
		t.Skip("asks objdump and sbverify about systemd's stub: KILN_TEST=real")
	}
	stub, err := os.ReadFile("/usr/lib/systemd/boot/efi/linuxx64.efi.stub")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	run := func(argv ...string) (string, error) {
		out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput()
		return string(out), err
	}
	img := build(t, uki(), stub)
	key, cert := keyPair(t, 1)
	_, stranger := keyPair(t, 2)
	for name, c := range map[string]*x509.Certificate{"own.pem": cert, "stranger.pem": stranger} {
		if err := os.WriteFile(path(name), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := img.Sign(cert, key); err != nil {
		t.Fatal(err)
	}
	b := file(t, img)
	if err := os.WriteFile(path("uki"), b, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := run("objdump", "-h", path("uki"))
	if err != nil {
		t.Errorf("objdump: %v\n%s", err, out)
	}
	for _, name := range img.Sections() {
		if !strings.Contains(out, " "+name+" ") {
			t.Errorf("objdump does not see %s:\n%s", name, out)
		}
	}
	if out, err := run("objcopy", "-O", "binary", "--only-section=.cmdline", path("uki"), path("cmdline")); err != nil {
		t.Errorf("objcopy: %v\n%s", err, out)
	}
	if got, err := os.ReadFile(path("cmdline")); err != nil || strings.TrimRight(string(got), "\x00") != uki().Cmdline {
		t.Errorf("objcopy reads the arguments %q, %v", got, err)
	}
	if out, err := run("sbverify", "--cert", path("own.pem"), path("uki")); err != nil || !strings.Contains(out, "Signature verification OK") {
		t.Errorf("sbverify: %v\n%s", err, out)
	}
	if out, err := run("sbverify", "--cert", path("stranger.pem"), path("uki")); err == nil {
		t.Errorf("sbverify takes another's certificate: %s", out)
	}
	for _, text := range []string{uki().Cmdline, "kernel kernel", "initrd", "ID=debian"} {
		changed := bytes.Clone(b)
		changed[bytes.Index(changed, []byte(text))+2] ^= 1
		if err := os.WriteFile(path("changed"), changed, 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := run("sbverify", "--cert", path("own.pem"), path("changed")); err == nil {
			t.Errorf("sbverify does not see that %q was changed: %s", text, out)
		}
	}
}

// An add-on is its stub, with arguments; a machine is told of what it runs on.
func TestAddon(t *testing.T) {
	a := pe.Addon{Cmdline: "console=ttyS0", SBAT: []byte("sbat,1,SBAT Version,sbat,1,\n")}
	img, err := a.Build(petest.Program(0xaa64))
	if err != nil {
		t.Fatal(err)
	}
	if img, err = pe.Parse(file(t, img)); err != nil {
		t.Fatal(err)
	}
	if want := []string{".text", ".sbat", ".cmdline"}; !slices.Equal(img.Sections(), want) || string(img.Section(".cmdline")) != a.Cmdline {
		t.Errorf("sections %q with %q", img.Sections(), img.Section(".cmdline"))
	}
	if img.Machine() != 0xaa64 {
		t.Errorf("machine 0x%04x", img.Machine())
	}
}

// The digest is of the image as it is now.
func TestDigestAfterChange(t *testing.T) {
	img := build(t, uki(), stub())
	before, err := img.Digest()
	if err != nil {
		t.Fatal(err)
	}
	if err := img.Add(".more", []byte("more")); err != nil {
		t.Fatal(err)
	}
	after, err := img.Digest()
	if err != nil {
		t.Fatal(err)
	}
	again, err := pe.Parse(file(t, img))
	if err != nil {
		t.Fatal(err)
	}
	if want, err := again.Digest(); err != nil || after == before || after != want {
		t.Errorf("digest %x after %x, want %x (%v)", after, before, want, err)
	}
}
