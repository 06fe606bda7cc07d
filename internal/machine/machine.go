// Package machine starts disk images in virtual machines, and asks them how they are.
//
// A machine is a process of qemu, which must be on the host, with UEFI firmware that the
// host's packages describe to qemu (its interoperability specification firmware.json).
// Where the processor's own virtualisation works, it is used; that is tried out, since a device
// file says nothing. The image is never written to: changes go to a file that ends
// with the machine, unless the caller wants them kept.
//
// What a test wants to know comes out of the guest without anything of it being in the image: systemd
// takes units as credentials (systemd.exec(5), SMBIOS type 11 strings), and one of them writes its findings to a
// second serial port. Nothing that was started outlives kiln.
package machine

import (
	"fmt"
	"slices"
	"strings"

	"kiln"
)

// Default sizes.
const (
	DefaultMemory   = 512 << 20 // bytes
	DefaultDiskSize = 4 << 30   // bytes: where the image is smaller, the disk is as large as this
	processors      = 2
)

// Options say what machine is started with what. The zero value of each but Image means the default.
type Options struct {
	Image    Image
	Type     string // of Types; default the first for the image's architecture
	UKI      string // a unified kernel image that the firmware starts in place of what the disk has
	Memory   int64  // bytes; DefaultMemory
	DiskSize int64  // bytes; DefaultDiskSize. Smaller than the image: the image's

	SecureBoot bool   // firmware with Secure Boot, and keys enrolled
	Variables  string // store of the firmware's variables in place of the host's; it is copied

	Keep        bool         // changes are written to the image itself
	Network     bool         // the guest reaches what the host reaches; without, nothing
	Forward     []Forward    // ports of the host that lead to the guest
	Credentials []Credential // for the guest's systemd
	Interactive bool         // console on the caller's terminal
	Accelerator string       // kvm or tcg; default: whichever works
	Reboot      bool         // the machine may start again by itself; without, that ends it
}

// Forward leads from a TCP port of the host's loopback address to one of the guest.
type Forward struct{ Host, Guest int }

// Credential is a system credential, as of systemd.system-credentials(7).
type Credential struct {
	Name string
	Data []byte
}

// ParseCredential reads NAME=TEXT.
func ParseCredential(s string) (Credential, error) {
	name, text, ok := strings.Cut(s, "=")
	if !ok || name == "" || strings.ContainsAny(name, "/:\x00") {
		return Credential{}, fmt.Errorf("not a credential: %q (want NAME=TEXT)", s)
	}
	return Credential{name, []byte(text)}, nil
}

// Type is a kind of machine: which board, and what the disk and the network hang on.
type Type struct {
	Name    string
	Arch    string // of Debian: amd64 or arm64
	Summary string

	board   string // qemu's -machine
	disk    []string
	network string // qemu's device
	direct  bool   // the firmware starts a UKI that qemu hands it
}

// Slots are where on the bus disk and network are, so that the guest's names of them are always the same.
const (
	diskSlot    = "0x3"
	networkSlot = "0x4"
)

// Types lists the machines, the default of each architecture first.
func Types() []Type {
	return []Type{
		{Name: "virtio", Arch: "amd64", Summary: "q35 with virtio disk and network, as most clouds have it",
			board: "q35", disk: []string{"virtio-blk-pci,drive=disk,serial=kiln,bootindex=1,addr=" + diskSlot}, network: "virtio-net-pci"},
		{Name: "nvme", Arch: "amd64", Summary: "q35 with an NVMe disk and Intel's e1000e",
			board: "q35", disk: []string{"nvme,drive=disk,serial=kiln,bootindex=1,addr=" + diskSlot}, network: "e1000e"},
		{Name: "sata", Arch: "amd64", Summary: "i440fx with a SATA disk on AHCI",
			board: "pc", disk: []string{"ich9-ahci,id=ahci,addr=" + diskSlot, "ide-hd,drive=disk,bus=ahci.0,serial=kiln,bootindex=1"}, network: "virtio-net-pci"},
		{Name: "uki", Arch: "amd64", Summary: "q35 whose firmware is handed the unified kernel image, and a disk on virtio SCSI",
			board: "q35", disk: []string{"virtio-scsi-pci,id=scsi,addr=" + diskSlot, "scsi-hd,drive=disk,bus=scsi.0,serial=kiln"}, network: "virtio-net-pci", direct: true},
		{Name: "virt", Arch: "arm64", Summary: "64-bit ARM with virtio disk and network",
			board: "virt", disk: []string{"virtio-blk-pci,drive=disk,serial=kiln,bootindex=1,addr=" + diskSlot}, network: "virtio-net-pci"},
	}
}

// TypeOf returns the type of that name; without a name the default for the architecture.
func TypeOf(name, arch string) (Type, error) {
	types := Types()
	i := slices.IndexFunc(types, func(t Type) bool { return t.Arch == arch && (name == "" || t.Name == name) })
	if i >= 0 {
		return types[i], nil
	}
	var hints []string
	for _, t := range types {
		if t.Arch == arch {
			hints = append(hints, "--machine "+t.Name+": "+t.Summary)
		}
	}
	if name == "" {
		return Type{}, &kiln.Error{Code: kiln.User, Text: fmt.Sprintf("cannot start the image: there is no machine for %s", arch)}
	}
	return Type{}, &kiln.Error{Code: kiln.Usage, Text: fmt.Sprintf("there is no machine %q for %s", name, arch), Hints: hints}
}

// Names lists the names of the types.
func Names() (list []string) {
	for _, t := range Types() {
		list = append(list, t.Name)
	}
	return list
}
