package disk

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf16"

	"kiln"
	"kiln/internal/oci"
)

// System is what a disk that boots is made of. All of it is data; the root file
// system is asked for only where the store does not have what is made of it.
type System struct {
	Platform kiln.Platform // linux/amd64 or linux/arm64
	Name     string        // of the image: begins the names of partitions and files
	Version  string        // letters, digits, ".", "-", "~" and "^"

	Root   oci.Root
	Digest kiln.Digest // the tree digest of the root file system
	Epoch  kiln.Epoch  // of the image

	Compression string // of the root file system: zstd, lz4 or none; empty: zstd

	Kernel    []byte   // as the stub starts it: a program of UEFI
	Initrd    []byte   // archives of cpio, one after the other, each compressed or not
	Microcode []byte   // an archive of cpio that is not compressed; may be empty
	Cmdline   []string // kernel arguments; that which names the root hash is added
	OSRelease []byte   // /etc/os-release of the tree; IMAGE_VERSION in it is Version
	Uname     string   // release of the kernel

	Stub      []byte // systemd's linuxx64.efi.stub or linuxaa64.efi.stub
	Loader    []byte // systemd-bootx64.efi or systemd-bootaa64.efi
	AddonStub []byte // addonx64.efi.stub or addonaa64.efi.stub; only where there are Addons
	Addons    []Addon

	Layout Layout
	Signer Signer // nil: nothing is signed

	id kiln.Digest // set by New: the digest of all that the disk is a function of, but for who signs it
}

// Addon is a file beside the loader that adds kernel arguments to every version which boots from the disk:
// what a platform wants and another does not.
type Addon struct {
	Name    string // of the file, without ".addon.efi"
	Cmdline []string
}

// machines are the platforms that a disk can boot on.
var machines = map[string]machine{
	"amd64": {
		header: 0x8664, suffix: "x64", fallback: "BOOTX64.EFI",
		root: "4f68bce3-e8cd-4db1-96e7-fbcaf984b709", verity: "2c7357ed-ebd2-46d9-aec1-23d437ec2bf5", signature: "41092b05-9fc8-4523-994f-2def0408b176",
	},
	"arm64": {
		header: 0xaa64, suffix: "aa64", fallback: "BOOTAA64.EFI",
		root: "b921b045-1df0-41c3-af44-4c6f280d3fae", verity: "df3300ce-d69f-4c92-978c-9bfb0f38d820", signature: "6db69de6-29f4-4758-a7a5-962190f00ce3",
	},
}

// machine is what firmware and the discoverable partitions specification call an architecture.
type machine struct {
	header                  uint16 // of programs of UEFI
	suffix                  string // of systemd's programs
	fallback                string // what firmware starts from a disk that it does not know
	root, verity, signature string // types of partitions
}

// SupportsPlatform tells whether a disk can be made for p.
func SupportsPlatform(p kiln.Platform) bool {
	_, ok := machines[p.Architecture]
	return ok && p.OS == "linux"
}

var (
	versionPattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9.~^-]*$`)
	namePattern    = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`)
)

// maxLabel is how long the label of a partition can be, in UTF-16 units.
const maxLabel = 36

// check says what is wrong with s, apart from its programs.
func (s *System) check() error {
	wrong := func(hint, format string, args ...any) error {
		return &kiln.Error{Code: kiln.User, Text: fmt.Sprintf("cannot make a disk of %q: ", s.Name) + fmt.Sprintf(format, args...), Hints: []string{hint}}
	}
	if !SupportsPlatform(s.Platform) {
		return wrong("build it for linux/amd64 or linux/arm64", "%s is no platform that boots by UEFI here", s.Platform)
	}
	if !namePattern.MatchString(s.Name) {
		return wrong("name the image with letters, digits, \".\", \"_\" and \"-\"", "partitions cannot be named by that")
	}
	if s.Version == "" {
		return wrong("write into the recipe: version: 1.0.0", "it has no version, by which a system tells its updates from what it runs")
	}
	if !versionPattern.MatchString(s.Version) {
		return wrong("write a version of letters, digits, \".\", \"-\", \"~\" and \"^\"", "the version %q has characters by which updates are cut into parts", s.Version)
	}
	if label := s.label("_verity"); len(utf16.Encode([]rune(label))) > maxLabel {
		return wrong("give it a shorter name or version", "the partition label %q has more than %d characters", label, maxLabel)
	}
	if len(s.OSRelease) == 0 {
		return wrong("put /etc/os-release into the image: the package base-files has it", "it has no os-release, by which the boot loader knows it")
	}
	if v := osRelease(s.OSRelease, "IMAGE_VERSION"); v != s.Version {
		return wrong(fmt.Sprintf("write IMAGE_ID=%s and IMAGE_VERSION=%s into /etc/os-release", s.Name, s.Version), "its os-release says IMAGE_VERSION=%q, and its version is %q", v, s.Version)
	}
	return s.checkPrograms()
}

func (s *System) label(role string) string { return s.Name + "_" + s.Version + role }

// osRelease returns a value of os-release(5).
func osRelease(text []byte, key string) string {
	value := ""
	for line := range strings.Lines(string(text)) {
		if v, ok := strings.CutPrefix(strings.TrimSpace(line), key+"="); ok {
			value = strings.Trim(v, `"'`)
		}
	}
	return value
}

// identity returns what id is to be.
func (s *System) identity() kiln.Digest {
	d := kiln.NewDigester()
	put := func(fields ...string) {
		for _, f := range fields {
			d.Write([]byte(strconv.Itoa(len(f)) + ":"))
			d.Write([]byte(f))
		}
	}
	put("kiln disk", strconv.Itoa(format), s.Platform.String(), s.Name, s.Version, string(s.Digest), strconv.FormatInt(int64(s.Epoch), 10), s.Uname)
	put(strconv.Itoa(len(s.Cmdline)))
	put(s.Cmdline...)
	for _, a := range s.Addons {
		put(a.Name, strconv.Itoa(len(a.Cmdline)))
		put(a.Cmdline...)
	}
	for _, b := range [][]byte{s.Kernel, s.Initrd, s.Microcode, s.OSRelease, s.Stub, s.Loader, s.AddonStub} {
		put(string(kiln.DigestOf(b)))
	}
	put(fmt.Sprintf("%+v", s.Layout))
	if source := s.source(); source.kind() != erofsFormat {
		put(source.kind())
	}
	return d.Digest()
}

// source is the tree of the root file system. What was written last is looked for by the platform, too.
func (s *System) source() Source {
	return Source{Name: s.Name + " " + s.Platform.String(), Digest: s.Digest, Epoch: s.Epoch, Compression: s.Compression, Root: s.Root}
}
