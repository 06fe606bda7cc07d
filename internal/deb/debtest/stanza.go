package debtest

import (
	"crypto/md5"
	"crypto/sha256"
	"fmt"
)

// Stanza returns the paragraph that an archive's Packages index would hold for
// the .deb that s describes, ending in an empty line. built is what Build(s)
// returned and filename its path below the archive's root.
func Stanza(s Spec, built []byte, filename string) string {
	return ControlText(s) + fmt.Sprintf("Filename: %s\nSize: %d\nMD5sum: %x\nSHA256: %x\n\n",
		filename, len(built), md5.Sum(built), sha256.Sum256(built))
}

// FileName returns the name that dpkg-deb would give the .deb that s describes:
// name_version_architecture.deb, without the version's epoch.
func FileName(s Spec) string {
	s = s.withDefaults()
	version := s.Version
	for i := range version {
		if version[i] == ':' {
			version = version[i+1:]
			break
		}
	}
	return s.Name + "_" + version + "_" + s.Architecture + ".deb"
}
