package initrd_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"kiln"
	"kiln/internal/disk/cpio"
	"kiln/internal/disk/erofs"
	"kiln/internal/disk/gpt"
	"kiln/internal/disk/verity"
	"kiln/internal/image"
	"kiln/internal/initrd"
	"kiln/internal/tree"
)

// bootRecipe is a system with what the initrd is made of.
const bootRecipe = `kiln: v1
name: system
platforms: [linux/amd64]
essential: true
sources:
  - {archive: debian, suite: trixie}
layers:
  - name: base
    packages:
      - systemd: init
      - systemd-sysv: init
      - udev: devices
      - systemd-cryptsetup: verity
      - kmod: modules
  - name: kernel
    packages:
      - linux-image-cloud-amd64: virtio guests
`

// system builds the recipe's tree.
func system(t *testing.T) (*tree.Tree, tree.Contents) {
	t.Helper()
	if os.Getenv("KILN_TEST") != "real" {
		t.Skip("needs a Debian mirror and qemu: set KILN_TEST=real")
	}
	dir := t.TempDir()
	program := filepath.Join(dir, "kiln")
	if out, err := exec.Command("go", "build", "-o", program, "kiln/cmd/kiln").CombinedOutput(); err != nil {
		t.Fatalf("cannot build kiln: %v\n%s", err, out)
	}
	if err := os.WriteFile(filepath.Join(dir, "kiln.yaml"), []byte(bootRecipe), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "build", "-q", "-o", "oci:image")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("cannot build the system: %v\n%s", err, out)
	}
	img, err := image.Read(t.Context(), image.ParseReference("oci:"+filepath.Join(dir, "image")), image.Options{Spool: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { img.Close() })
	return img.Tree, img.Contents()
}

func compressed(t *testing.T, i *initrd.Initrd) []byte {
	t.Helper()
	var b bytes.Buffer
	z, err := zstd.NewWriter(&b, zstd.WithEncoderLevel(zstd.SpeedBestCompression))
	if err == nil {
		err = cpio.Write(t.Context(), z, i.Tree, i.Contents)
	}
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// The initrd finds a root on dm-verity by its root hash, on several kinds of disks, and
// goes over to it; where the root does not verify, the machine restarts.
func TestRealBoot(t *testing.T) {
	source, contents := system(t)
	i, err := initrd.Build(t.Context(), source, contents, initrd.Options{Platform: kiln.Platform{OS: "linux", Architecture: "amd64"}})
	if err != nil {
		t.Fatal(err)
	}
	blob := compressed(t, i)
	t.Logf("RESULT %d bytes, %d paths, %d modules: %s", len(blob), i.Tree.Len(), len(i.Modules), strings.Join(i.Modules, " "))
	if len(blob) > 25<<20 {
		t.Errorf("the initrd has %d bytes", len(blob))
	}
	dir := t.TempDir()
	save := func(name string, content []byte) string {
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, content, 0o644); err != nil {
			t.Fatal(err)
		}
		return p
	}
	ird := save("initrd", blob)
	kernel := save("kernel", content(t, source, contents, "boot/vmlinuz-"+i.Kernel))
	disk, roothash := diskOf(t, dir, source, contents)
	device := []string{"-device", "virtio-blk-pci,drive=d"} // others are in the drills of whole disks
	log := boot(t, disk, kernel, ird, "roothash="+roothash+" systemd.default_device_timeout_sec=300", "Welcome to ", device...)
	if !strings.Contains(log, "initrd-switch-root.service") || !strings.Contains(log, "Welcome to ") {
		t.Errorf("the machine does not go over to the root:\n%s", log)
	}
	if strings.Contains(log, "FAILED") || strings.Contains(log, "Failed to") {
		t.Errorf("something fails in the initrd:\n%s", log)
	}
	wrong := "roothash=00" + roothash[2:] + " systemd.default_device_timeout_sec=20"
	if log := boot(t, disk, kernel, ird, wrong, "reboot: Restarting system", device...); !strings.Contains(log, "reboot: Restarting system") {
		t.Errorf("with another root hash the machine does not restart:\n%s", log)
	}
}

// content reads a file of a tree.
func content(t *testing.T, tr *tree.Tree, c tree.Contents, p string) []byte {
	t.Helper()
	e, ok := tr.Lookup(p)
	if !ok {
		t.Fatalf("there is no %s", p)
	}
	r, err := c.OpenContent(e.Content)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// diskOf makes a disk whose root is the tree as EROFS, verified.
func diskOf(t *testing.T, dir string, source *tree.Tree, contents tree.Contents) (file, roothash string) {
	t.Helper()
	file = filepath.Join(dir, "disk")
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	const start = 1 << 20
	size, err := erofs.Write(t.Context(), io.NewOffsetWriter(f, start), source, contents, erofs.Options{Label: "root", Compression: erofs.Zstd})
	if err != nil {
		t.Fatal(err)
	}
	v, err := verity.New(io.NewSectionReader(f, start, size), size, verity.Options{Salt: bytes.Repeat([]byte{7}, 32), UUID: gpt.Derive("verity")})
	if err != nil {
		t.Fatal(err)
	}
	align := func(n int64) int64 { return (n + gpt.Alignment - 1) / gpt.Alignment * gpt.Alignment }
	second := start + align(size)
	table := gpt.Table{Disk: gpt.Derive("disk"), Size: second + align(v.Size()) + gpt.Alignment, Partitions: []gpt.Partition{
		{Type: gpt.MustGUID("4f68bce3-e8cd-4db1-96e7-fbcaf984b709"), GUID: gpt.GUID(v.Root[:16]), Name: "root", Start: start, Size: align(size)},
		{Type: gpt.MustGUID("2c7357ed-ebd2-46d9-aec1-23d437ec2bf5"), GUID: gpt.GUID(v.Root[16:]), Name: "verity", Start: second, Size: align(v.Size())},
	}}
	head, err := table.Head()
	if err != nil {
		t.Fatal(err)
	}
	tail, err := table.Tail()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := v.WriteTo(io.NewOffsetWriter(f, second)); err != nil {
		t.Fatal(err)
	}
	for at, b := range map[int64][]byte{0: head, table.Size - gpt.TailSize: tail} {
		if _, err := f.WriteAt(b, at); err != nil {
			t.Fatal(err)
		}
	}
	return file, hex.EncodeToString(v.Root[:])
}

// boot starts the machine until its console says something, or it ends, and returns what
// the console said.
func boot(t *testing.T, disk, kernel, ird, arguments, until string, device ...string) string {
	t.Helper()
	const longest = 20 * time.Minute // under emulation, on a busy machine
	ctx, stop := context.WithTimeout(t.Context(), longest)
	defer stop()
	args := append([]string{
		"-nodefaults", "-machine", "q35", "-accel", "tcg", "-cpu", "max", "-smp", "2", "-m", "512", "-display", "none", "-no-reboot",
		"-serial", "stdio", "-drive", "if=none,id=d,format=raw,snapshot=on,file=" + disk, "-kernel", kernel, "-initrd", ird,
		"-append", "console=ttyS0 systemd.show_status=1 panic=-1 " + arguments,
	}, device...)
	cmd := exec.CommandContext(ctx, "qemu-system-x86_64", args...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = cmd.Stdout
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	part := make([]byte, 4096)
	for {
		n, err := out.Read(part)
		log.Write(part[:n])
		if err != nil || bytes.Contains(log.Bytes(), []byte(until)) {
			break
		}
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait() // it was killed
	return log.String()
}
