package recipe

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"kiln"
)

// System is for an image that runs systemd, and with a kernel for one that boots.
type System struct {
	Profile  string     `yaml:"profile"`  // what it runs on: virt (default), cloud or metal
	Kernel   *Kernel    `yaml:"kernel"`   // what it boots
	Cmdline  []Argument `yaml:"cmdline"`  // arguments of the kernel besides those of the profile
	Modules  Modules    `yaml:"modules"`  // modules of the kernel
	Disk     Disk       `yaml:"disk"`     // what it boots from
	Mutable  []Mutable  `yaml:"mutable"`  // paths that change while it runs, or do not
	Services Services   `yaml:"services"` // which of the units are enabled
}

// Kernel is the kernel of an image that boots.
type Kernel struct {
	Package  string            `yaml:"package"`                   // package that brings it; default the profile's, of each platform
	Packages map[string]string `yaml:"packages"`                  // the same by platform: {linux/arm64: linux-image-cloud-arm64}
	Why      string            `yaml:"why" jsonschema:"required"` // why this one
}

// Argument is one argument of the kernel.
type Argument struct {
	Arg string `yaml:"arg" jsonschema:"required"` // as the command line has it: lockdown=integrity
	Why string `yaml:"why" jsonschema:"required"` // what it is for
}

// Modules says which modules of the kernel are never loaded, and which there are
// before the root is.
type Modules struct {
	Deny   []Module `yaml:"deny"`   // never loaded, by nobody
	Initrd []Module `yaml:"initrd"` // in the initrd besides those of the profile
}

// Module is one module of the kernel.
type Module struct {
	Module string `yaml:"module" jsonschema:"required"` // its name, as modprobe has it
	Why    string `yaml:"why" jsonschema:"required"`    // why it is so
}

// Disk is what an image boots from. Sizes are in K, M, G or T, powers of 1024: 512M.
type Disk struct {
	Root        string     `yaml:"root"`        // size of each of the two partitions that hold the root file system, and what it may grow to; default: by the image
	ESP         string     `yaml:"esp"`         // size of the EFI system partition
	Compression string     `yaml:"compression"` // of the root file system: zstd (default), lz4 or none
	State       *State     `yaml:"state"`       // what outlives a boot; without, nothing does
	SecureBoot  SecureBoot `yaml:"secureboot"`  // who signs what the firmware starts
	Update      *Update    `yaml:"update"`      // where the next versions come from; without, there are none
}

// State is the partition that /var is on. It is made at the first boot, and takes
// what room there is.
type State struct {
	Minimum string `yaml:"minimum"` // size below which the machine does not boot; default 256M
	Encrypt string `yaml:"encrypt"` // none (default) or tpm2
}

// SecureBoot names the key that signs for the firmware's Secure Boot. No part of it is in the image's tree.
type SecureBoot struct {
	Key         string `yaml:"key"`         // PEM file beside the recipe; without, what is to be signed is written, to be signed elsewhere
	Certificate string `yaml:"certificate"` // PEM file beside the recipe, of that key
}

// Update says where a running system takes its next version from.
type Update struct {
	URL     string `yaml:"url" jsonschema:"required"`     // folder on a web server, as -o update:FOLDER writes it
	Keyring string `yaml:"keyring" jsonschema:"required"` // file beside the recipe: OpenPGP keys that may sign updates; it is put into the image
	Key     string `yaml:"key"`                           // OpenPGP private key beside the recipe that signs; without, sign SHA256SUMS elsewhere
	Why     string `yaml:"why" jsonschema:"required"`     // why from there
}

// Mutable says of a path what becomes of it on a running system.
type Mutable struct {
	Path  string `yaml:"path" jsonschema:"required"`  // file or folder
	Class string `yaml:"class" jsonschema:"required"` // immutable, seeded, managed or volatile
	Why   string `yaml:"why" jsonschema:"required"`   // why it is so
}

// The profiles of a system.
const (
	Virt  = "virt"
	Cloud = "cloud"
	Metal = "metal"
)

// Profiles lists them.
func Profiles() []string { return []string{Virt, Cloud, Metal} }

// The classes of mutable paths.
const (
	Immutable = "immutable" // as the image has it
	Seeded    = "seeded"    // as the image has it at first, then the machine's own
	Managed   = "managed"   // the machine's own, empty at first
	Volatile  = "volatile"  // as the image has it at each boot; changes are lost
)

// Classes lists them.
func Classes() []string { return []string{Immutable, Seeded, Managed, Volatile} }

// The compressions of the root file system.
const (
	CompressZstd = "zstd"
	CompressLZ4  = "lz4"
	CompressNone = "none"
)

// The ways to encrypt the state.
const (
	EncryptNone = "none"
	EncryptTPM2 = "tpm2"
)

// Boots tells whether the image is one that boots.
func (r *Recipe) Boots() bool { return r.System.Kernel != nil }

// KernelPackage returns the package that the recipe names for a platform; empty where
// that is left to the profile.
func (k *Kernel) KernelPackage(p kiln.Platform) string {
	if name := k.Packages[p.String()]; name != "" {
		return name
	}
	return k.Package
}

// Size returns a size of the recipe in bytes; 0 for an empty one. The recipe's checks
// have found it readable.
func Size(s string) int64 {
	n, _ := parseSize(s)
	return n
}

// parseSize reads 512M: digits and K, M, G or T.
func parseSize(s string) (int64, bool) {
	if s == "" {
		return 0, false
	}
	shift := strings.IndexByte("KMGT", s[len(s)-1])
	n, err := strconv.ParseInt(s[:len(s)-1], 10, 64)
	if shift < 0 || err != nil || n <= 0 || n > math.MaxInt64>>(10*(shift+1)) {
		return 0, false
	}
	return n << (10 * (shift + 1)), true
}

// reservedArguments are those that the disk sets, by what they begin with.
func reservedArguments() []string {
	return []string{"root=", "roothash=", "systemd.verity", "systemd.verity_root_data=", "systemd.verity_root_hash=", "usrhash=", "init=", "initrd="}
}

// Reserved returns what of an argument the disk itself sets; empty for none.
func reserved(arg string) string {
	i := slices.IndexFunc(reservedArguments(), func(p string) bool { return strings.HasPrefix(arg, p) })
	if i < 0 {
		return ""
	}
	return reservedArguments()[i]
}
