package disk

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"strings"

	"kiln"
	"kiln/internal/disk/pe"
)

// What systemd's programs say of themselves in the section .sdmagic.
const (
	magicSection = ".sdmagic"
	magicStub    = "systemd-stub"
	magicLoader  = "systemd-boot"
)

// checkPrograms checks that each program is what it is taken for, and of the platform.
func (s *System) checkPrograms() error {
	want := machines[s.Platform.Architecture].header
	for _, p := range []struct {
		what, magic string
		b           []byte
	}{{"the UEFI stub", magicStub, s.Stub}, {"the boot loader", magicLoader, s.Loader}} {
		img, err := pe.Parse(p.b)
		if err != nil {
			return s.program(p.what, "%v", err)
		}
		if img.Machine() != want {
			return s.program(p.what, "it is of another architecture: its header says 0x%04x, not 0x%04x", img.Machine(), want)
		}
		if !bytes.Contains(img.Section(magicSection), []byte(p.magic)) || img.Section(".sbat") == nil {
			return s.program(p.what, "it is not systemd's: sections .sdmagic, which names %s, and .sbat are missing", p.magic)
		}
	}
	if len(s.Addons) > 0 {
		img, err := pe.Parse(s.AddonStub)
		if err != nil {
			return s.program("the UEFI stub of add-ons", "%v", err)
		}
		if img.Machine() != want {
			return s.program("the UEFI stub of add-ons", "it is of another architecture: its header says 0x%04x, not 0x%04x", img.Machine(), want)
		}
	}
	return s.checkKernel(want)
}

func (s *System) program(what, format string, args ...any) error {
	m := machines[s.Platform.Architecture]
	return &kiln.Error{
		Code: kiln.User, Text: fmt.Sprintf("cannot make a disk of %q: %s cannot be used: ", s.Name, what) + fmt.Sprintf(format, args...),
		Hints: []string{fmt.Sprintf("take linux%s.efi.stub and systemd-boot%s.efi of Debian's package systemd-boot-efi for %s", m.suffix, m.suffix, s.Platform.Architecture)},
	}
}

// checkKernel looks at what the stub needs of a kernel: that firmware could start it.
func (s *System) checkKernel(want uint16) error {
	k := s.Kernel
	wrong := func(format string, args ...any) error {
		return &kiln.Error{
			Code: kiln.User, Text: fmt.Sprintf("cannot make a disk of %q: the kernel cannot be used: ", s.Name) + fmt.Sprintf(format, args...),
			Hints: []string{"name a kernel of Debian's for " + s.Platform.Architecture + ", such as linux-image-" + s.Platform.Architecture},
		}
	}
	if len(k) < 0x40 || string(k[:2]) != "MZ" {
		return wrong("it is no program of UEFI")
	}
	at := int64(binary.LittleEndian.Uint32(k[0x3c:]))
	if at+6 > int64(len(k)) || string(k[at:at+4]) != "PE\x00\x00" {
		return wrong("it is no program of UEFI")
	}
	if is := binary.LittleEndian.Uint16(k[at+4:]); is != want {
		return wrong("it is of another architecture: its header says 0x%04x, not 0x%04x", is, want)
	}
	return nil
}

// sbat adds a line for what is made here to the lines of a stub: the generation by which a set of
// images can be revoked. Of UEFI's shim, SBAT.md has the form.
func (s *System) sbat(stub *pe.Image, component string) []byte {
	text := strings.TrimRight(string(stub.Section(".sbat")), "\x00\n")
	return fmt.Appendf(nil, "%s\n%s,1,%s,%s,%s,\n", text, component, s.Name, s.Name, s.Version)
}

// uki makes the unified kernel image that boots the root with a root hash.
func (s *System) uki(ctx context.Context, roothash string) ([]byte, error) {
	stub, err := pe.Parse(s.Stub)
	if err != nil {
		return nil, err
	}
	initrd := s.Initrd
	if len(s.Microcode) > 0 { // the kernel looks for it at the very beginning
		initrd = append(append(bytes.Clone(s.Microcode), make([]byte, -len(s.Microcode)&3)...), s.Initrd...)
	}
	u := pe.UKI{
		Linux: s.Kernel, Initrd: initrd, OSRelease: s.OSRelease, Uname: s.Uname, SBAT: s.sbat(stub, "uki."+s.Name),
		Cmdline: strings.Join(append(append([]string{}, s.Cmdline...), "roothash="+roothash), " "),
	}
	img, err := u.Build(s.Stub)
	if err != nil {
		return nil, err
	}
	return s.signed(ctx, "the unified kernel image", img)
}

// addon makes the add-on a.
func (s *System) addon(ctx context.Context, a Addon) ([]byte, error) {
	stub, err := pe.Parse(s.AddonStub)
	if err != nil {
		return nil, err
	}
	made := pe.Addon{Cmdline: strings.Join(a.Cmdline, " "), SBAT: s.sbat(stub, "uki-addon."+s.Name)}
	img, err := made.Build(s.AddonStub)
	if err != nil {
		return nil, err
	}
	return s.signed(ctx, "the add-on "+a.Name, img)
}

// loader returns the boot loader. A signature that it came with stays, and the signer's is added.
func (s *System) loader(ctx context.Context) ([]byte, error) {
	if s.Signer == nil {
		return s.Loader, nil
	}
	img, err := pe.Parse(s.Loader)
	if err != nil {
		return nil, err
	}
	return s.signed(ctx, "the boot loader", img)
}

// signed returns the bytes of img, signed where there is a signer.
func (s *System) signed(ctx context.Context, what string, img *pe.Image) ([]byte, error) {
	if s.Signer == nil {
		return img.Bytes()
	}
	request, err := img.Request()
	if err != nil {
		return nil, err
	}
	signature, err := s.Signer.SignRSA(ctx, what, request)
	if err != nil {
		return nil, err
	}
	if err := img.Attach(s.Signer.Certificate(), signature); err != nil {
		return nil, err
	}
	return img.Bytes()
}
