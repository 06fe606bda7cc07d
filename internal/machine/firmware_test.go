package machine

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// describe writes a descriptor, and the files that it names.
func describe(t *testing.T, folder, name, arch, boards, features string) {
	t.Helper()
	code, vars := filepath.Join(folder, name+".code"), filepath.Join(folder, name+".vars")
	text := `{"interface-types":["uefi"],"mapping":{"device":"flash","executable":{"filename":"` + code + `","format":"raw"},"nvram-template":{"filename":"` + vars + `","format":"raw"}},
"targets":[{"architecture":"` + arch + `","machines":[` + boards + `]}],"features":[` + features + `]}`
	for file, text := range map[string]string{filepath.Join(folder, name+".json"): text, code: "code", vars: "vars"} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// The firmware taken is for the machine's board, and has Secure Boot just where it is asked for.
func TestFirmware(t *testing.T) {
	t.Parallel()
	vendor, local, empty := t.TempDir(), t.TempDir(), t.TempDir()
	describe(t, vendor, "40-enrolled", "x86_64", `"pc-q35-*"`, `"secure-boot","enrolled-keys","requires-smm"`)
	describe(t, vendor, "50-secure", "x86_64", `"pc-q35-*"`, `"secure-boot","requires-smm"`)
	describe(t, vendor, "60-plain", "x86_64", `"pc-q35-*","pc-i440fx-*"`, `"acpi-s3"`)
	describe(t, vendor, "60-arm", "aarch64", `"virt-*"`, ``)
	describe(t, local, "60-plain", "x86_64", `"pc-q35-*"`, ``)
	for _, row := range []struct {
		summary    string
		folders    []string
		typ, arch  string
		secureBoot bool
		want       string
		smm        bool
		err        string
	}{
		{"plain", []string{vendor}, "virtio", "amd64", false, "60-plain", false, ""},
		{"i440fx", []string{vendor}, "sata", "amd64", false, "60-plain", false, ""},
		{"Secure Boot", []string{vendor}, "virtio", "amd64", true, "40-enrolled", true, ""},
		{"arm64", []string{vendor}, "virt", "arm64", false, "60-arm", false, ""},
		{"what an administrator describes hides what a package does", []string{local, vendor}, "virtio", "amd64", false, "60-plain", false, ""},
		{"and may be for less", []string{local, vendor}, "sata", "amd64", false, "", false, "no UEFI firmware for it"},
		{"none", []string{empty, filepath.Join(empty, "gone")}, "virtio", "amd64", false, "", false, "no UEFI firmware for it"},
		{"none with keys", []string{vendor}, "virt", "arm64", true, "", false, "Secure Boot and keys enrolled"},
	} {
		typ, err := TypeOf(row.typ, row.arch)
		if err != nil {
			t.Fatal(err)
		}
		got, err := firmware(row.folders, typ, row.secureBoot)
		if row.err != "" {
			if err == nil || !strings.Contains(err.Error(), row.err) {
				t.Errorf("%s: %v, %v; want %q", row.summary, got, err, row.err)
			}
			continue
		}
		want := filepath.Join(row.folders[0], row.want)
		if err != nil || got != (Firmware{want + ".code", want + ".vars", row.smm}) {
			t.Errorf("%s: %+v, %v; want %s", row.summary, got, err, want)
		}
	}
}
