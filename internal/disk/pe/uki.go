package pe

import (
	"bytes"
	"fmt"
)

// UKI is what a unified kernel image holds, as of the UAPI group's specification of that name.
type UKI struct {
	Linux     []byte // required
	Initrd    []byte
	Cmdline   string // kernel arguments, joined by spaces; without a line end
	OSRelease []byte // /etc/os-release
	Uname     string // release of the kernel
	SBAT      []byte // replaces the stub's where it is not empty
}

// Addon is what a stub of systemd's for add-ons holds: kernel arguments that are added to those of each
// unified kernel image which finds it, if firmware trusts it.
type Addon struct {
	Cmdline string
	Uname   string // of the kernels that it is for; of all where it is empty
	SBAT    []byte // replaces the stub's where it is not empty
}

// Build adds what a holds to systemd's stub.
func (a *Addon) Build(stub []byte) (*Image, error) {
	u := UKI{Cmdline: a.Cmdline, Uname: a.Uname, SBAT: a.SBAT}
	return u.add(stub)
}

// Build adds what u holds to systemd's stub.
func (u *UKI) Build(stub []byte) (*Image, error) {
	if len(u.Linux) == 0 {
		return nil, fmt.Errorf("cannot make the unified kernel image: there is no kernel")
	}
	return u.add(stub)
}

func (u *UKI) add(stub []byte) (*Image, error) {
	img, err := Parse(stub)
	if err != nil {
		return nil, err
	}
	if len(u.SBAT) > 0 {
		if err := img.replace(".sbat", u.SBAT); err != nil {
			return nil, err
		}
	}
	for _, s := range []struct {
		name string
		data []byte
	}{
		{".osrel", u.OSRelease}, {".cmdline", []byte(u.Cmdline)}, {".uname", []byte(u.Uname)}, {".initrd", u.Initrd},
		{".linux", u.Linux}, // last: the kernel may unpack itself into what follows
	} {
		if len(s.data) == 0 {
			continue
		}
		if err := img.Add(s.name, s.data); err != nil {
			return nil, err
		}
	}
	return img, nil
}

// replace gives a section other data of the same size at most, in what it takes of the address space.
func (img *Image) replace(name string, data []byte) error {
	for i := range img.sections {
		s := &img.sections[i]
		if s.name() != name {
			continue
		}
		room := uint32(1<<32 - 1)
		if i+1 < len(img.sections) {
			room = img.sections[i+1].address() - s.address()
		}
		if uint32(len(data)) > room {
			return fmt.Errorf("cannot replace the section %q: %d bytes do not fit into %d", name, len(data), room)
		}
		s.data = bytes.Clone(data)
		s.set(8, uint32(len(data)))
		img.signed, img.digest = nil, nil
		return nil
	}
	return img.Add(name, data)
}
