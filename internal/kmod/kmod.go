// Package kmod makes of a folder of kernel modules what depmod(8) of kmod 34 makes of it:
// the indexes by which modprobe(8) and udev find modules, each byte as depmod writes it.
// It reads modules as ELF files (System V ABI, chapter 4; sections .modinfo,
// __ksymtab_strings, __versions and the symbol table), plain or compressed with xz or
// zstd, and the kernel's own lists modules.order, modules.builtin and
// modules.builtin.modinfo. Closure says which modules and firmware some modules need.
//
// Where depmod's result depends on the order in which a disk lists a folder, names are
// taken sorted here: of two modules of one name in folders of the same rank, the first.
// Where depmod leaves a module out with a message, there is an error here.
package kmod

import (
	"path"
	"strings"
)

// Folder is where the modules of all releases are, as trees have it.
const Folder = "usr/lib/modules"

// Module is a file of modules, anywhere below the folder of its release.
type Module struct {
	Path string                 // relative to that folder: "kernel/fs/erofs/erofs.ko.xz"
	Open func() ([]byte, error) // its content, as it is
}

// Source is the folder of a release, as depmod reads it.
type Source struct {
	Release string   // "6.12.38+deb13-cloud-amd64"
	Modules []Module // in any order
	// The kernel's own lists; nil where there is no such file.
	Order, Builtin, BuiltinInfo []byte
	Config                      Config
}

// File is one index.
type File struct {
	Name    string // "modules.dep"
	Content []byte
}

// Indexes lists the names of what Make makes, in depmod's order.
func Indexes() []string {
	return []string{
		"modules.dep", "modules.dep.bin", "modules.alias", "modules.alias.bin", "modules.softdep", "modules.weakdep",
		"modules.symbols", "modules.symbols.bin", "modules.builtin.bin", "modules.builtin.alias.bin", "modules.devname",
	}
}

// suffixes are those of the files that are modules.
func suffixes() []string { return []string{".ko", ".ko.xz", ".ko.zst"} }

// IsModule reports whether a file of that name is a module, for what Debian's kmod is
// built with: gzip is not.
func IsModule(name string) bool {
	for _, s := range suffixes() {
		if len(name) > len(s) && strings.HasSuffix(name, s) {
			return true
		}
	}
	return false
}

// Name is the name of the module in a file: "virtio_blk" of
// "kernel/drivers/block/virtio-blk.ko.xz".
func Name(file string) string {
	name, _, _ := strings.Cut(path.Base(file), ".")
	return strings.ReplaceAll(name, "-", "_")
}

// bare is a module's path without its suffixes.
func bare(file string) string {
	name, _, _ := strings.Cut(path.Base(file), ".")
	return path.Join(path.Dir(file), name)
}
