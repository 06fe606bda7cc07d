package disk_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kiln/internal/disk"
)

// judges runs the tools that other people trust, in a folder.
type judges struct {
	t   *testing.T
	dir string
}

func (j judges) run(argv ...string) string {
	j.t.Helper()
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Dir = j.dir
	cmd.Env = append(os.Environ(), "MTOOLS_SKIP_CHECK=1", "TZ=UTC", "LC_ALL=C.UTF-8", "GNUPGHOME="+j.dir)
	out, err := cmd.CombinedOutput()
	if err != nil {
		j.t.Errorf("%q: %v\n%s", argv, err, out)
	}
	return string(out)
}

func (j judges) read(name string) []byte {
	j.t.Helper()
	b, err := os.ReadFile(filepath.Join(j.dir, name))
	if err != nil {
		j.t.Fatal(err)
	}
	return b
}

func (j judges) write(name string, b []byte) {
	j.t.Helper()
	if err := os.WriteFile(filepath.Join(j.dir, name), b, 0o600); err != nil {
		j.t.Fatal(err)
	}
}

// The tools of partition tables, file systems, dm-verity, Secure Boot, disks of hypervisors and OpenPGP
// take a disk of systemd's own programs for what it is to be.
func TestJudges(t *testing.T) {
	if os.Getenv("KILN_TEST") != "real" {
		t.Skip("asks sgdisk, fsck.vfat, veritysetup, sbverify, qemu-img and more: KILN_TEST=real")
	}
	s, st, j := system(t), openStore(t), judges{t, t.TempDir()}
	const efi = "/usr/lib/systemd/boot/efi/"
	for file, to := range map[string]*[]byte{"linuxx64.efi.stub": &s.Stub, "systemd-bootx64.efi": &s.Loader} {
		b, err := os.ReadFile(efi + file)
		if err != nil {
			t.Fatal(err)
		}
		*to = b
	}
	signer, cert := testSigner(t)
	s.Signer, s.Kernel = signer, s.Loader // any program will do for a kernel that nobody starts
	d := newDisk(t, st, s)
	for _, f := range disk.Formats() {
		if err := d.Write(t.Context(), f, filepath.Join(j.dir, "disk."+string(f)), nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.WriteParts(t.Context(), filepath.Join(j.dir, "parts"), nil); err != nil {
		t.Fatal(err)
	}
	j.write("cert.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw}))
	j.partitions()
	j.formats()
	j.signatures(d)
	j.update(d)
}

// partitions asks about the raw disk.
func (j judges) partitions() {
	if out := j.run("sgdisk", "-v", "disk.raw"); !strings.Contains(out, "No problems found") {
		j.t.Errorf("sgdisk: %s", out)
	}
	if out := j.run("sfdisk", "-V", "disk.raw"); !strings.Contains(out, "No errors detected") {
		j.t.Errorf("sfdisk: %s", out)
	}
	table := partitions(j.read("disk.raw")[:64<<10])
	part := func(i int, name string) {
		b := j.read("disk.raw")
		j.write(name, b[table[i].start:table[i].start+table[i].size])
	}
	part(0, "esp")
	part(1, "root")
	part(2, "hashes")
	j.run("fsck.vfat", "-n", "esp")
	out := j.run("mdir", "-i", "esp", "-/", "-b", "::")
	for _, want := range []string{"::/EFI/BOOT/BOOTX64.EFI", "::/EFI/systemd/systemd-bootx64.efi", "::/EFI/Linux/web_1.2+3-0.efi", "::/loader/loader.conf", "::/loader/addons/serial.addon.efi"} {
		if !strings.Contains(out, want+"\n") {
			j.t.Errorf("mdir does not see %s:\n%s", want, out)
		}
	}
	j.run("veritysetup", "verify", "root", "hashes", strings.TrimSpace(string(j.read("parts/web_1.2.roothash"))))
}

// formats compares each format with the raw disk.
func (j judges) formats() {
	for name, format := range map[string]string{"qcow2": "qcow2", "vmdk": "vmdk", "vhd": "vpc"} {
		j.run("qemu-img", "compare", "-f", "raw", "-F", format, "disk.raw", "disk."+name)
		j.run("qemu-img", "convert", "-f", format, "-O", "raw", "disk."+name, "converted")
		if !bytes.Equal(j.read("converted"), j.read("disk.raw")) {
			j.t.Errorf("%s: converted it is another disk", name)
		}
		if format != "vpc" { // qemu-img does not check fixed ones
			j.run("qemu-img", "check", "-f", format, "disk."+name)
		}
	}
	j.run("tar", "-xzf", "disk.gce")
	if out := j.run("sgdisk", "-v", "disk.raw"); !strings.Contains(out, "No problems found") {
		j.t.Errorf("sgdisk of what tar unpacked: %s", out)
	}
}

// signatures asks sbverify, objdump and openssl.
func (j judges) signatures(d *disk.Disk) {
	for _, f := range []string{"web_1.2.efi", "systemd-bootx64.efi", "serial.addon.efi"} {
		j.run("sbverify", "--cert", "cert.pem", "parts/"+f)
	}
	out := j.run("objdump", "-h", "parts/web_1.2.efi")
	for _, section := range []string{".osrel", ".cmdline", ".uname", ".initrd", ".linux", ".sbat"} {
		if !strings.Contains(out, " "+section+" ") {
			j.t.Errorf("objdump does not see %s", section)
		}
	}
	var signature struct{ RootHash, CertificateFingerprint, Signature string }
	if err := json.Unmarshal(bytes.TrimRight(j.read("parts/web_1.2.verity-sig.raw"), "\x00"), &signature); err != nil {
		j.t.Fatal(err)
	}
	der, err := base64.StdEncoding.DecodeString(signature.Signature)
	if err != nil {
		j.t.Fatal(err)
	}
	hash, err := d.RootHash(j.t.Context())
	if err != nil || hash != signature.RootHash {
		j.t.Errorf("root hash %s, signed %s, %v", hash, signature.RootHash, err)
	}
	j.write("sig.der", der)
	j.write("hash", []byte(hash))
	j.run("openssl", "smime", "-verify", "-inform", "DER", "-in", "sig.der", "-content", "hash", "-certfile", "cert.pem", "-nointern", "-noverify", "-binary", "-out", "/dev/null")
	if out := j.run("openssl", "x509", "-in", "cert.pem", "-noout", "-fingerprint", "-sha256"); !strings.Contains(strings.ToLower(strings.ReplaceAll(out, ":", "")), signature.CertificateFingerprint) {
		j.t.Errorf("fingerprint %s, signed %s", out, signature.CertificateFingerprint)
	}
}

// update asks sha256sum and gpgv about an update.
func (j judges) update(d *disk.Disk) {
	key, err := disk.ParseUpdateKey(updateKey(j.t, time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)), nil)
	if err != nil {
		j.t.Fatal(err)
	}
	ring, err := key.Keyring()
	if err != nil {
		j.t.Fatal(err)
	}
	if err := d.WriteUpdate(j.t.Context(), filepath.Join(j.dir, "update"), key, nil); err != nil {
		j.t.Fatal(err)
	}
	j.write("ring.gpg", ring)
	j.run("gpgv", "--keyring", filepath.Join(j.dir, "ring.gpg"), "update/SHA256SUMS.gpg", "update/SHA256SUMS")
	in := judges{j.t, filepath.Join(j.dir, "update")}
	if out := in.run("sha256sum", "-c", "SHA256SUMS"); strings.Count(out, ": OK\n") != 4 {
		j.t.Error(fmt.Sprint("sha256sum: ", out))
	}
}
