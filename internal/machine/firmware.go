package machine

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"kiln"
)

// Firmware is UEFI firmware of the host: code, and the store of variables that a machine gets a copy of.
type Firmware struct {
	Code, Variables string
	SMM             bool // its variables are safe from the guest only where there is system management mode
}

// descriptor is what a package says of its firmware, as of qemu's docs/interop/firmware.json.
type descriptor struct {
	Interfaces []string `json:"interface-types"`
	Mapping    struct {
		Device     string      `json:"device"`
		Executable description `json:"executable"`
		Template   description `json:"nvram-template"`
	} `json:"mapping"`
	Targets []struct {
		Architecture string   `json:"architecture"`
		Machines     []string `json:"machines"`
	} `json:"targets"`
	Features []string `json:"features"`
}

type description struct {
	File   string `json:"filename"`
	Format string `json:"format"`
}

// boards are the names that descriptors match, of what we call boards.
var boards = map[string]string{"q35": "pc-q35-0", "pc": "pc-i440fx-0", "virt": "virt-0"}

// qemuArch is what qemu calls an architecture of Debian.
var qemuArch = map[string]string{"amd64": "x86_64", "arm64": "aarch64"}

// firmware finds firmware in the folders of descriptors. A file in an earlier folder hides one of its name in a later; the
// first by name that fits is taken.
func firmware(folders []string, t Type, secureBoot bool) (Firmware, error) {
	files := map[string]string{}
	for _, dir := range slices.Backward(folders) {
		entries, err := os.ReadDir(dir)
		if err != nil {
			continue // a folder that is not there describes nothing
		}
		for _, e := range entries {
			if strings.HasSuffix(e.Name(), ".json") {
				files[e.Name()] = filepath.Join(dir, e.Name())
			}
		}
	}
	names := make([]string, 0, len(files))
	for n := range files {
		names = append(names, n)
	}
	slices.Sort(names)
	for _, n := range names {
		text, err := os.ReadFile(files[n])
		if err != nil {
			continue
		}
		var d descriptor
		if json.Unmarshal(text, &d) == nil && d.fits(t, secureBoot) && readable(d.Mapping.Executable.File) && readable(d.Mapping.Template.File) {
			return Firmware{d.Mapping.Executable.File, d.Mapping.Template.File, slices.Contains(d.Features, "requires-smm")}, nil
		}
	}
	what, pkg := "UEFI firmware", "ovmf"
	if secureBoot {
		what = "UEFI firmware with Secure Boot and keys enrolled"
	}
	if t.Arch == "arm64" {
		pkg = "qemu-efi-aarch64"
	}
	return Firmware{}, &kiln.Error{Code: kiln.User, Text: fmt.Sprintf("cannot start a machine %q: there is no %s for it on this host (looked in %s)", t.Name, what, strings.Join(folders, ", ")),
		Hints: []string{"apt install " + pkg}}
}

// fits tells whether firmware is for a type of machine. Without Secure Boot it is to have none, so that
// a machine starts whatever it finds.
func (d descriptor) fits(t Type, secureBoot bool) bool {
	if !slices.Contains(d.Interfaces, "uefi") || d.Mapping.Device != "flash" || d.Mapping.Executable.Format != "raw" || d.Mapping.Template.Format != "raw" {
		return false
	}
	if slices.Contains(d.Features, "secure-boot") != secureBoot || slices.Contains(d.Features, "enrolled-keys") != secureBoot {
		return false
	}
	for _, target := range d.Targets {
		if target.Architecture != qemuArch[t.Arch] {
			continue
		}
		for _, pattern := range target.Machines {
			if ok, err := path.Match(pattern, boards[t.board]); ok && err == nil {
				return true
			}
		}
	}
	return false
}

func readable(file string) bool {
	st, err := os.Stat(file)
	return err == nil && st.Mode()&fs.ModeType == 0
}
