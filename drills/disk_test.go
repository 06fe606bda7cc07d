package drills_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// systemNames are the examples that boot.
func systemNames() []string { return []string{"system-minimal", "appliance", "system-server"} }

// Each example that boots is a disk whose partition table, root and hashes other people's tools take, small,
// and the same in another store, another time zone and with another umask.
func TestSystemsAreSoundDisks(t *testing.T) {
	real(t)
	const mib = 1 << 20
	fsck := fsckErofs(t)
	for _, name := range systemNames() {
		dir := example(t, name)
		build(t, dir, "--platform", "linux/amd64", "-o", "raw:a.raw", "-o", "parts:parts", "-o", "initrd:initrd")
		if out := run(t, dir, "sgdisk", "-v", "a.raw"); !strings.Contains(out, "No problems found") {
			t.Errorf("%s: sgdisk says\n%s", name, out)
		}
		part := func(suffix string) string { return filepath.Join("parts", name+"_1"+suffix) }
		hash, err := os.ReadFile(filepath.Join(dir, part(".roothash")))
		if err != nil {
			t.Fatal(err)
		}
		run(t, dir, "veritysetup", "verify", part(".root.raw"), part(".verity.raw"), strings.TrimSpace(string(hash)))
		run(t, dir, fsck[0], append(fsck[1:], part(".root.raw"))...)
		root, initrd := sizeOf(t, filepath.Join(dir, part(".root.raw"))), sizeOf(t, filepath.Join(dir, "initrd"))
		taken := blocksOf(t, filepath.Join(dir, "a.raw"))
		t.Logf("RESULT %s: root %d, initrd %d, disk %d bytes", name, root, initrd, taken)
		if root > 90*mib || initrd > 25*mib || taken > 250*mib {
			t.Errorf("%s is too large: root %d, initrd %d, disk %d bytes", name, root, initrd, taken)
		}
	}
}

// The bytes of a disk do not depend on where, when and by whom it is built, nor on what the store held.
func TestDisksAreReproducible(t *testing.T) {
	real(t)
	dir := example(t, "system-minimal")
	build(t, dir, "--platform", "linux/amd64", "-o", "raw:a.raw", "-o", "qcow2:a.qcow2")
	t.Setenv("TZ", "Pacific/Kiritimati")
	t.Setenv("LC_ALL", "tr_TR.UTF-8")
	t.Setenv("GOMAXPROCS", "1")
	old := syscall.Umask(0o077)
	defer syscall.Umask(old)
	buildIn(t, dir, t.TempDir(), "--platform", "linux/amd64", "-o", "raw:b.raw", "-o", "qcow2:b.qcow2")
	for _, f := range []string{"raw", "qcow2"} {
		run(t, dir, "cmp", "a."+f, "b."+f)
	}
}

// A file that changes moves nothing but the root, its hashes, and what names them: the initrd stays. A denied
// module is known to the kernel's command line and to modprobe.
func TestChangeOfASystem(t *testing.T) {
	real(t)
	dir := example(t, "system-minimal")
	build(t, dir, "--platform", "linux/amd64", "-o", "initrd:a.initrd", "-o", "uki:a.efi")
	path := filepath.Join(dir, "kiln.yaml")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	changed := strings.Replace(string(text), "DHCP=yes", "DHCP=ipv4", 1)
	write(t, path, changed)
	build(t, dir, "--platform", "linux/amd64", "-o", "initrd:b.initrd")
	run(t, dir, "cmp", "a.initrd", "b.initrd")
	write(t, path, strings.Replace(changed, "  services:", "  modules: {deny: [{module: rds, why: nobody speaks it}]}\n  services:", 1))
	build(t, dir, "--platform", "linux/amd64", "-o", "uki:b.efi", "-o", "folder:tree")
	line := run(t, dir, "objcopy", "-O", "binary", "--only-section=.cmdline", "b.efi", "/dev/stdout")
	if !strings.Contains(line, "module_blacklist=rds") || !strings.Contains(line, "roothash=") {
		t.Errorf("the command line is %q", line)
	}
	if a, err := os.ReadFile(filepath.Join(dir, "a.efi")); err != nil || bytes.Contains(a, []byte(line)) {
		t.Errorf("the root hash is the same in both versions: %v", err)
	}
	denial, err := os.ReadFile(filepath.Join(dir, "tree/usr/lib/modprobe.d/kiln-deny-rds.conf"))
	if err != nil || !strings.Contains(string(denial), "blacklist rds\n") {
		t.Errorf("modprobe is told %q, %v", denial, err)
	}
	why := run(t, dir, kilnBinary(t), "why", ".", "arg:module_blacklist", "module:rds", "--store", sharedStore(t), "--platform", "linux/amd64")
	if !strings.Contains(why, "module_blacklist=rds") || !strings.Contains(why, "nobody speaks it") {
		t.Errorf("kiln why says\n%s", why)
	}
}

// What the firmware starts is signed with the recipe's key, and by nobody where it names none.
func TestSignedSystem(t *testing.T) {
	real(t)
	dir := example(t, "system-minimal")
	run(t, dir, "openssl", "req", "-new", "-x509", "-newkey", "rsa:2048", "-noenc", "-keyout", "db.key", "-out", "db.crt", "-days", "3650", "-subj", "/CN=db")
	path := filepath.Join(dir, "kiln.yaml")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	write(t, path, strings.Replace(string(text), "  services:", "  disk: {secureboot: {key: db.key, certificate: db.crt}}\n  services:", 1))
	build(t, dir, "--platform", "linux/amd64", "-o", "parts:parts")
	for _, f := range []string{"parts/system-minimal_1.efi", "parts/systemd-bootx64.efi"} {
		run(t, dir, "sbverify", "--cert", "db.crt", f)
	}
}

// fsckErofs is the command that checks an EROFS: trixie's, since bookworm's knows no zstd. It is run in the image's
// own loader and libraries, for which nobody has to be root. What is compressed is read, and written nowhere.
func fsckErofs(t *testing.T) []string {
	t.Helper()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "kiln.yaml"), "kiln: v1\nname: tools\nplatforms: [linux/amd64]\nsources: [{archive: debian, suite: trixie}]\nlayers:\n  - name: tools\n    packages: [{erofs-utils: checks file systems}]\n")
	build(t, dir, "-o", "folder:tools")
	tools := filepath.Join(dir, "tools/usr")
	return []string{filepath.Join(tools, "lib64/ld-linux-x86-64.so.2"), "--library-path", filepath.Join(tools, "lib/x86_64-linux-gnu"), filepath.Join(tools, "bin/fsck.erofs"), "--extract"}
}

func sizeOf(t *testing.T, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

// blocksOf is what a file with holes takes.
func blocksOf(t *testing.T, path string) int64 {
	t.Helper()
	var st syscall.Stat_t
	if err := syscall.Stat(path, &st); err != nil {
		t.Fatal(err)
	}
	return st.Blocks * 512
}
