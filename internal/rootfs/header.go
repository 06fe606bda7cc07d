package rootfs

import (
	"archive/tar"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// checkHeader refuses names that dpkg's database or a reader of listings cannot
// hold, and every PAX record that is not known to be harmless: sparse maps above
// all, with which a small archive claims exabytes.
func checkHeader(h *tar.Header) error {
	for _, name := range []string{h.Name, h.Linkname} {
		if !utf8.ValidString(name) {
			return errors.New("its name or link target is not UTF-8")
		}
		if strings.ContainsFunc(name, unicode.IsControl) {
			return errors.New("its name or link target holds a control character")
		}
	}
	if h.Typeflag == tar.TypeGNUSparse {
		return errors.New("it is a sparse file, which no package may hold")
	}
	var unknown []string
	for record := range h.PAXRecords { // only to sort
		if !strings.HasPrefix(record, "SCHILY.xattr.") && !slices.Contains(plainRecords(), record) {
			unknown = append(unknown, record)
		}
	}
	if len(unknown) > 0 {
		slices.Sort(unknown)
		return fmt.Errorf("its PAX record %q is not one that a package may hold", unknown[0])
	}
	return nil
}

func plainRecords() []string {
	return []string{"path", "linkpath", "size", "uid", "gid", "uname", "gname", "mtime", "atime", "ctime"}
}

func xattrs(h *tar.Header) map[string]string {
	var all map[string]string
	for record, value := range h.PAXRecords { // into a map again
		if name, ok := strings.CutPrefix(record, "SCHILY.xattr."); ok {
			if all == nil {
				all = map[string]string{}
			}
			all[name] = value
		}
	}
	return all
}
