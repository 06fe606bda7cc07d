package machine

import (
	"bytes"
	"debug/pe"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"kiln"
)

// Image is a disk image, or a unified kernel image, of the host.
type Image struct {
	Path   string // absolute
	Format string // as qemu calls it: raw, qcow2, vpc or vmdk; "efi" for a unified kernel image alone
	Size   int64  // of the disk, in bytes; 0 where only qemu can tell
	Arch   string // of Debian: amd64 or arm64; empty where the image does not tell
}

const sector = 512

// Partition types of the discoverable partitions specification, as they stand on the disk: root and verity of an architecture.
var rootTypes = map[string]string{
	"\xe3\xbc\x68\x4f\xcd\xe8\xb1\x4d\x96\xe7\xfb\xca\xf9\x84\xb7\x09": "amd64", // 4f68bce3-e8cd-4db1-96e7-fbcaf984b709
	"\x45\xb0\x21\xb9\xf0\x1d\xc3\x41\xaf\x44\x4c\x6f\x28\x0d\x3f\xae": "arm64", // b921b045-1df0-41c3-af44-4c6f280d3fae
}

// OpenImage finds out what stands at path.
func OpenImage(path string) (Image, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return Image{}, err
	}
	f, err := os.Open(abs)
	if err != nil {
		return Image{}, &kiln.Error{Code: kiln.User, Text: fmt.Sprintf("cannot open the disk image: %v", err), Err: err,
			Hints: []string{"kiln build -o raw:" + path + " makes one of a recipe that has system: {kernel: ...}"}}
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return Image{}, err
	}
	img := Image{Path: abs}
	if st.Mode().IsRegular() {
		img.read(f, st.Size())
	}
	if img.Format == "" {
		return Image{}, &kiln.Error{Code: kiln.User, Text: fmt.Sprintf("cannot start %q: it is no disk image (raw with a GUID partition table, qcow2, vhd, vmdk) and no unified kernel image", path),
			Hints: []string{"kiln build -o raw:FILE makes a disk image of a recipe that has system: {kernel: ...}"}}
	}
	return img, nil
}

// read tells the format by what stands at the beginning, or for VHD at the end.
func (img *Image) read(r io.ReaderAt, size int64) {
	head := make([]byte, 2*sector)
	if _, err := r.ReadAt(head, 0); err != nil {
		return
	}
	tail := make([]byte, sector)
	if _, err := r.ReadAt(tail, size-sector); err != nil {
		return
	}
	switch {
	case bytes.HasPrefix(head, []byte("QFI\xfb")):
		img.Format, img.Size = "qcow2", int64(binary.BigEndian.Uint64(head[24:]))
	case bytes.HasPrefix(head, []byte("KDMV")):
		img.Format, img.Size = "vmdk", int64(binary.LittleEndian.Uint64(head[12:]))*sector
	case bytes.HasPrefix(tail, []byte("conectix")):
		img.Format, img.Size = "vpc", int64(binary.BigEndian.Uint64(tail[48:]))
	case bytes.HasPrefix(head[sector:], []byte("EFI PART")):
		img.Format, img.Size = "raw", size
	case bytes.HasPrefix(head, []byte("MZ")):
		if arch, err := programArch(r); err == nil {
			img.Format, img.Arch = "efi", arch
		}
	}
	if img.Format == "raw" || img.Format == "vpc" {
		img.Arch = diskArch(r)
	}
}

// diskArch reads the architecture off the type of a root partition.
func diskArch(r io.ReaderAt) string {
	entries := make([]byte, 128*128)
	if _, err := r.ReadAt(entries, 2*sector); err != nil {
		return ""
	}
	for ; len(entries) > 0; entries = entries[128:] {
		if arch := rootTypes[string(entries[:16])]; arch != "" {
			return arch
		}
	}
	return ""
}

// programArch tells what a program of the firmware is for.
func programArch(r io.ReaderAt) (string, error) {
	f, err := pe.NewFile(r)
	if err != nil {
		return "", err
	}
	defer f.Close()
	switch f.Machine {
	case pe.IMAGE_FILE_MACHINE_AMD64:
		return "amd64", nil
	case pe.IMAGE_FILE_MACHINE_ARM64:
		return "arm64", nil
	}
	return "", errors.New("a program for another machine")
}
