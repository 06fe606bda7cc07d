package system

import (
	"fmt"
	"path"
	"strings"

	"kiln"
	"kiln/internal/tree"
)

// firmwareNames are what UEFI calls architectures (2.10, 3.5.1.1), in systemd's small letters.
var firmwareNames = map[string]string{"amd64": "x64", "arm64": "aa64"}

// Programs are what the firmware starts, out of a tree that has systemd's.
type Programs struct {
	Stub   tree.Entry // becomes the kernel image
	Loader tree.Entry // chooses among these
}

// FindPrograms finds them.
func FindPrograms(t *tree.Tree, p kiln.Platform) (f Programs, err error) {
	name, ok := firmwareNames[p.Architecture]
	if !ok {
		return f, &kiln.Error{Code: kiln.User, Text: fmt.Sprintf("cannot make what boots on %s: kiln makes disks for UEFI on amd64 and arm64", p),
			Hints: []string{"build the others as containers: kiln build RECIPE --platform " + p.String() + " -o oci:NAME.oci"}}
	}
	const folder = "usr/lib/systemd/boot/efi"
	for _, w := range []struct {
		to   *tree.Entry
		file string
	}{{&f.Stub, "linux" + name + ".efi.stub"}, {&f.Loader, "systemd-boot" + name + ".efi"}} {
		if *w.to, ok = t.Lookup(path.Join(folder, w.file)); !ok || w.to.Type != tree.File {
			return f, fmt.Errorf("cannot make what boots: the packages for it have no /%s/%s", folder, w.file)
		}
	}
	return f, nil
}

// Microcode is the tree of the archive that the kernel reads before all else, where there
// is microcode; nil where there is none. (Documentation/arch/x86/microcode.rst)
func Microcode(t *tree.Tree, c tree.Contents) (*tree.Tree, tree.Contents, error) {
	out, made := tree.New(), tree.Bytes{}
	for _, vendor := range []struct{ folder, file string }{{"usr/lib/firmware/amd-ucode", "AuthenticAMD.bin"}, {"usr/lib/firmware/intel-ucode", "GenuineIntel.bin"}} {
		var all []byte
		var time kiln.Epoch
		for _, file := range t.Children(vendor.folder) {
			name := path.Base(file)
			e, ok := t.Lookup(file)
			if !ok || e.Type != tree.File || strings.HasSuffix(name, ".asc") || strings.HasPrefix(name, "README") || strings.HasSuffix(name, ".initramfs") {
				continue
			}
			b, err := ReadFile(c, &e)
			if err != nil {
				return nil, nil, err
			}
			all, time = append(all, b...), max(time, e.ModTime)
		}
		if all == nil {
			continue
		}
		const folder = "kernel/x86/microcode"
		for _, dir := range []string{"kernel", "kernel/x86", folder} {
			if _, there := out.Lookup(dir); !there {
				if err := out.Insert(tree.Entry{Path: dir, Type: tree.Dir, Mode: 0o755, ModTime: time}); err != nil {
					return nil, nil, err
				}
			}
		}
		if err := out.Insert(tree.Entry{Path: folder + "/" + vendor.file, Type: tree.File, Mode: 0o644, ModTime: time, Size: int64(len(all)), Content: made.Add(all)}); err != nil {
			return nil, nil, err
		}
	}
	if len(made) == 0 {
		return nil, nil, nil
	}
	return out, made, nil
}
