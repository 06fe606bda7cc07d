package drills_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Where Debian's ovmf has the store of variables that accepts one test key, and that key.
const (
	snakeoilVariables   = "/usr/share/OVMF/OVMF_VARS_4M.snakeoil.fd"
	snakeoilKey         = "/usr/share/ovmf/PkKek-1-snakeoil.key"
	snakeoilCertificate = "/usr/share/ovmf/PkKek-1-snakeoil.pem"
)

// tested is one element of "machines" of kiln test --json.
type tested struct {
	Machine  string `json:"machine"`
	OK       bool   `json:"ok"`
	Findings []struct {
		Check string `json:"check"`
		OK    bool   `json:"ok"`
		Found string `json:"found"`
	} `json:"findings"`
	Facts *struct {
		Name       string   `json:"name"`
		Version    string   `json:"version"`
		Interfaces []string `json:"interfaces"`
		Root       struct{ Device, Type string }
		Var        struct{ Device, Label, Type string }
		Startup    string `json:"startup"`
		SecureBoot bool   `json:"secureBoot"`
	} `json:"facts"`
	Console []string `json:"console"`

	log string // all that the console said
}

// wrong are the findings that are not as they are to be.
func (m tested) wrong() string {
	var list []string
	for _, f := range m.Findings {
		if !f.OK {
			list = append(list, f.Check+": "+f.Found)
		}
	}
	return strings.Join(list, "; ")
}

// machines lets few machines run at a time: each takes half a gigabyte, and where it is emulated all of a processor.
var machines = make(chan struct{}, 2)

// kilnTest runs kiln test on one machine, which must end with the status.
func kilnTest(t *testing.T, status int, image string, args ...string) tested {
	t.Helper()
	machines <- struct{}{}
	defer func() { <-machines }()
	logs := t.TempDir()
	cmd := exec.Command(kilnBinary(t), append([]string{"test", image, "--json", "--console", logs, "--silence", "15m"}, args...)...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	_ = cmd.Run() // its status is looked at
	if got := cmd.ProcessState.ExitCode(); got != status {
		t.Fatalf("%v: status %d, want %d\n%s%s", cmd.Args, got, status, out.String(), errs.String())
	}
	var report struct{ Machines []tested }
	if err := json.Unmarshal(out.Bytes(), &report); err != nil || len(report.Machines) != 1 {
		t.Fatalf("%v printed %q: %v", cmd.Args, out.String(), err)
	}
	files, err := filepath.Glob(filepath.Join(logs, "*"))
	if err != nil || len(files) != 1 {
		t.Fatalf("consoles: %v, %v", files, err)
	}
	text, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	m := report.Machines[0]
	m.log = string(text)
	if m.Facts != nil {
		t.Logf("RESULT %s: up after %s", m.Machine, m.Facts.Startup)
	}
	return m
}

// system copies an example that boots into a folder of its own, with other text in place of some of it.
func system(t *testing.T, name string, replace ...string) string {
	t.Helper()
	dir := example(t, name)
	file := filepath.Join(dir, "kiln.yaml")
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	text := string(data)
	for i := 0; i < len(replace); i += 2 {
		if !strings.Contains(text, replace[i]) {
			t.Fatalf("examples/%s has no %q any more", name, replace[i])
		}
		text = strings.Replace(text, replace[i], replace[i+1], 1)
	}
	write(t, file, text)
	return dir
}

// disk has a disk section take the place of what the example does without.
const (
	profileLine = "  profile: virt\n"
	stateDisk   = profileLine + "  disk:\n    state: {minimum: 64M}\n"
)

// The same disk starts on machines that have little in common; nothing fails, and what is promised of names holds.
func TestBootsOnFourMachines(t *testing.T) {
	real(t)
	t.Parallel()
	cloud := system(t, "system-minimal", profileLine, stateDisk)
	build(t, cloud, "--platform", "linux/amd64", "-o", "raw:disk.raw", "-o", "uki:disk.efi", "-o", "qcow2:disk.qcow2")
	// Debian's cloud kernel has no driver for e1000e. Its disk is the one with LZ4.
	whole := system(t, "system-minimal", profileLine, stateDisk+"    compression: lz4\n", "kernel: {why: made for virtual machines}", "kernel: {package: linux-image-amd64, why: it has drivers for e1000e}",
		"platforms: [linux/amd64, linux/arm64]", "platforms: [linux/amd64]")
	build(t, whole, "-o", "raw:disk.raw")
	for _, row := range []struct {
		machine, image string
		args           []string
		network        string
		state          string
	}{
		{"virtio", filepath.Join(cloud, "disk.qcow2"), nil, "enp0s4", "/dev/vda"},
		{"nvme", filepath.Join(whole, "disk.raw"), nil, "enp0s4", "/dev/nvme0n1p"},
		{"sata", filepath.Join(cloud, "disk.raw"), nil, "ens4", "/dev/sda"},
		{"uki", filepath.Join(cloud, "disk.raw"), []string{"--uki", filepath.Join(cloud, "disk.efi")}, "enp0s4", "/dev/sda"},
	} {
		t.Run(row.machine, func(t *testing.T) {
			t.Parallel()
			m := kilnTest(t, 0, row.image, append([]string{"--machine", row.machine, "--platform", "linux/amd64"}, row.args...)...)
			f := m.Facts
			if !m.OK || f == nil {
				t.Fatalf("%s\n%s", m.wrong(), strings.Join(m.Console, "\n"))
			}
			if f.Name != "system-minimal" || !slices.Equal(f.Interfaces, []string{row.network}) || f.Root.Device != "/dev/mapper/root" || f.Root.Type != "erofs" {
				t.Errorf("it is %+v", *f)
			}
			if f.Var.Label != "state" || f.Var.Type != "ext4" || !strings.HasPrefix(f.Var.Device, row.state) {
				t.Errorf("/var is %+v, want the partition state of %s", f.Var, row.state)
			}
		})
	}
}

// An arm64 disk that was built here starts on that architecture's board.
func TestBootsOnARM(t *testing.T) {
	real(t)
	t.Parallel()
	dir := system(t, "system-minimal")
	build(t, dir, "--platform", "linux/arm64", "-o", "raw:disk.raw")
	m := kilnTest(t, 0, filepath.Join(dir, "disk.raw"))
	if !m.OK || m.Machine != "virt" || !slices.Equal(m.Facts.Interfaces, []string{"enp0s4"}) {
		t.Errorf("%s\n%s", m.wrong(), strings.Join(m.Console, "\n"))
	}
}

// signedSystem is a disk that the snakeoil key signed.
func signedSystem(t *testing.T, more string) string {
	t.Helper()
	dir := system(t, "system-minimal", profileLine, stateDisk+"    secureboot: {key: db.key, certificate: db.pem}\n"+more)
	run(t, dir, "openssl", "rsa", "-in", snakeoilKey, "-passin", "pass:snakeoil", "-out", "db.key")
	run(t, dir, "cp", snakeoilCertificate, "db.pem")
	return dir
}

// With Secure Boot on, what the key signed starts; with one byte of the command line changed it does not; and a root of which one bit
// is other than it was is stopped, with the log saying so.
func TestSecureBoot(t *testing.T) {
	real(t)
	t.Parallel()
	dir := signedSystem(t, "")
	build(t, dir, "--platform", "linux/amd64", "-o", "raw:disk.raw", "-o", "parts:parts")
	disk, err := os.ReadFile(filepath.Join(dir, "disk.raw"))
	if err != nil {
		t.Fatal(err)
	}
	secure := []string{"--secure-boot", "--variables", snakeoilVariables}
	t.Run("signed", func(t *testing.T) {
		t.Parallel()
		m := kilnTest(t, 0, filepath.Join(dir, "disk.raw"), secure...)
		if !m.OK || !m.Facts.SecureBoot {
			t.Errorf("%s\n%s", m.wrong(), strings.Join(m.Console, "\n"))
		}
	})
	t.Run("command line changed", func(t *testing.T) {
		t.Parallel()
		image := filepath.Join(t.TempDir(), "disk.raw")
		saveChanged(t, image, disk, index(t, disk, []byte("roothash="))+len("roothash="))
		m := kilnTest(t, 3, image, secure...)
		if m.Facts != nil || strings.Contains(m.log, "Linux version") || !strings.Contains(m.wrong(), "its console says") {
			t.Errorf("%s\n%s", m.wrong(), strings.Join(m.Console, "\n"))
		}
	})
	t.Run("root changed", func(t *testing.T) {
		t.Parallel()
		image := filepath.Join(t.TempDir(), "disk.raw")
		saveChanged(t, image, disk, rootStart(t, dir, disk)+1024) // EROFS has its superblock there
		m := kilnTest(t, 3, image, secure...)
		if m.Facts != nil || !strings.Contains(m.log, "is corrupted") {
			t.Errorf("%s\n%s", m.wrong(), strings.Join(m.Console, "\n"))
		}
	})
}

// saveChanged saves data with one bit of one byte changed. The zeros of a disk take no room.
func saveChanged(t *testing.T, file string, data []byte, at int) {
	t.Helper()
	data = bytes.Clone(data)
	data[at] ^= 1
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.Truncate(int64(len(data))); err != nil {
		t.Fatal(err)
	}
	const piece = 1 << 20
	zeros := make([]byte, piece)
	for off := 0; off < len(data); off += piece {
		part := data[off:min(off+piece, len(data))]
		if bytes.Equal(part, zeros[:len(part)]) {
			continue
		}
		if _, err := f.WriteAt(part, int64(off)); err != nil {
			t.Fatal(err)
		}
	}
}

func index(t *testing.T, data, what []byte) int {
	t.Helper()
	i := bytes.Index(data, what)
	if i < 0 {
		t.Fatalf("the disk has no %q", what)
	}
	return i
}

// rootStart is where the root's bytes begin on a disk, as its parts have them.
func rootStart(t *testing.T, dir string, disk []byte) int {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "parts", "*.root.raw"))
	if err != nil || len(files) != 1 {
		t.Fatalf("parts: %v, %v", files, err)
	}
	root, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	return index(t, disk, root[:8192])
}
