package deb

import (
	"encoding/hex"
	"errors"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
)

func checkArchitecture(s string) error {
	if !isArchitecture(s) {
		return fmt.Errorf("architecture %q is not valid", excerpt(s))
	}
	return nil
}

func checkMultiArch(s string) error {
	if !slices.Contains([]string{"no", "same", "foreign", "allowed"}, s) {
		return fmt.Errorf("field Multi-Arch: %q is none of no, same, foreign, allowed", excerpt(s))
	}
	return nil
}

func parseYesNo(f Field) (bool, error) {
	if f.Value != "yes" && f.Value != "no" {
		return false, fmt.Errorf("field %s: %q is neither yes nor no", f.Name, excerpt(f.Value))
	}
	return f.Value == "yes", nil
}

// sizeOrZero reads Installed-Size, which dpkg shows but never reads.
func sizeOrZero(s string) int64 {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 {
		return 0
	}
	return n
}

// cleanFilename checks a path of an index, which is joined to the archive's
// address: it may not lead out of the archive. The "./" of flat archives goes.
func cleanFilename(s string) (string, error) {
	if s == "" || s[0] == '/' || slices.Contains(strings.Split(s, "/"), "..") || hasControlByte(s) {
		return "", fmt.Errorf("field Filename: %q is not a path inside the archive", excerpt(s))
	}
	clean := path.Clean(s)
	if clean == "." || strings.HasSuffix(s, "/") {
		return "", fmt.Errorf("field Filename: %q names no file", excerpt(s))
	}
	return strings.Clone(clean), nil
}

func hasControlByte(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] == 0x7f {
			return true
		}
	}
	return false
}

func cleanSHA256(s string) (string, error) {
	var sum [32]byte
	if len(s) != 64 {
		return "", fmt.Errorf("field SHA256: %q has not 64 digits", excerpt(s))
	}
	if _, err := hex.Decode(sum[:], []byte(s)); err != nil {
		return "", fmt.Errorf("field SHA256: %q is not hexadecimal", s)
	}
	return hex.EncodeToString(sum[:]), nil
}

func parseSize(s string) (int64, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n <= 0 || s[0] == '+' {
		return 0, fmt.Errorf("field Size: %q is not a positive number of bytes", excerpt(s))
	}
	return n, nil
}

// checkIndexed demands what every package of an index must have.
func checkIndexed(p *Package) error {
	switch {
	case p.Filename == "":
		return errors.New("it has no field Filename")
	case p.SHA256 == "":
		return errors.New("it has no field SHA256")
	case p.Size == 0:
		return errors.New("it has no field Size")
	}
	return nil
}
