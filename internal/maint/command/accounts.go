package command

import (
	"errors"
	"io/fs"
	"strconv"
	"strings"

	"kiln/internal/maint/account"
)

// The files of users and groups.
const (
	passwdFile  = "/etc/passwd"
	groupFile   = "/etc/group"
	shadowFile  = "/etc/shadow"
	gshadowFile = "/etc/gshadow"
)

// readAccounts reads the tree's users and groups. Files that are not there count
// as empty; shadow files that are not there as off.
func readAccounts(c *Call) (*account.Files, error) {
	f := &account.Files{}
	err := errors.Join(
		readAccountFile(c, passwdFile, account.ParseUsers, &f.Users),
		readAccountFile(c, groupFile, account.ParseGroups, &f.Groups),
		readAccountFile(c, shadowFile, account.ParseShadows, &f.Shadows),
		readAccountFile(c, gshadowFile, account.ParseGShadows, &f.GShadows),
	)
	if err != nil {
		return nil, unhonoured(c, "%s", err)
	}
	return f, nil
}

// readAccountFile reads one of the files with its parser. A file that is not there
// leaves into as it is.
func readAccountFile[T any](c *Call, path string, parse func([]byte) ([]T, error), into *[]T) error {
	text, err := c.FS.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	all, err := parse(text)
	*into = append([]T{}, all...)
	return err
}

// writeAccounts writes those of the four files that changed. No backups are kept:
// they would say when the image was made.
func writeAccounts(c *Call, f *account.Files) error {
	err := errors.Join(
		rewrite(c.FS, passwdFile, account.Print(f.Users), 0o644),
		rewrite(c.FS, groupFile, account.Print(f.Groups), 0o644),
	)
	if err == nil && f.Shadows != nil {
		err = writeShadow(c, f, shadowFile, account.Print(f.Shadows))
	}
	if err == nil && f.GShadows != nil {
		err = writeShadow(c, f, gshadowFile, account.Print(f.GShadows))
	}
	return err
}

// writeShadow writes a file that only root and the group shadow may read.
func writeShadow(c *Call, f *account.Files, path string, text []byte) error {
	fresh := !present(c.FS, path)
	if err := rewrite(c.FS, path, text, 0o640); err != nil || !fresh {
		return err
	}
	if g, ok := f.Group("shadow"); ok {
		if err := c.FS.Chown(path, 0, g.GID); err != nil {
			return err
		}
	}
	return c.FS.Chmod(path, 0o640)
}

// today is shadow's day of the last change: days since 1970-01-01 of the image's
// epoch.
func today(c *Call) string { return strconv.FormatInt(int64(c.Machine.Epoch)/86400, 10) }

// loginDefs reads /etc/login.defs, for its defaults where it is not there.
func loginDefs(c *Call) (account.LoginDefs, error) {
	text, err := readIfThere(c.FS, "/etc/login.defs")
	return account.ParseLoginDefs(text), err
}

// idOf resolves "#12" or a name.
func idOf(s string, lookup func(string) (int, bool)) (int, bool) {
	if n, ok := strings.CutPrefix(s, "#"); ok {
		id, err := strconv.Atoi(n)
		return id, err == nil && id >= 0
	}
	return lookup(s)
}
