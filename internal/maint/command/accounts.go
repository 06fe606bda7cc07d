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
	PasswdFile  = "/etc/passwd"
	GroupFile   = "/etc/group"
	ShadowFile  = "/etc/shadow"
	GShadowFile = "/etc/gshadow"
)

// ReadAccounts reads the tree's users and groups. Files that are not there count
// as empty; shadow files that are not there as off.
func (c *Call) ReadAccounts() (*account.Files, error) {
	f := &account.Files{}
	err := errors.Join(
		ReadAccountFile(c, PasswdFile, account.ParseUsers, &f.Users),
		ReadAccountFile(c, GroupFile, account.ParseGroups, &f.Groups),
		ReadAccountFile(c, ShadowFile, account.ParseShadows, &f.Shadows),
		ReadAccountFile(c, GShadowFile, account.ParseGShadows, &f.GShadows),
	)
	if err != nil {
		return nil, c.Unhonoured("%s", err)
	}
	return f, nil
}

// ReadAccountFile reads one of the files with its parser. A file that is not there
// leaves into as it is.
func ReadAccountFile[T any](c *Call, path string, parse func([]byte) ([]T, error), into *[]T) error {
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

// WriteAccounts writes those of the four files that changed. No backups are kept:
// they would say when the image was made.
func (c *Call) WriteAccounts(f *account.Files) error {
	err := errors.Join(
		c.FS.Rewrite(PasswdFile, account.Print(f.Users), 0o644),
		c.FS.Rewrite(GroupFile, account.Print(f.Groups), 0o644),
	)
	if err == nil && f.Shadows != nil {
		err = writeShadow(c, f, ShadowFile, account.Print(f.Shadows))
	}
	if err == nil && f.GShadows != nil {
		err = writeShadow(c, f, GShadowFile, account.Print(f.GShadows))
	}
	return err
}

// writeShadow writes a file that only root and the group shadow may read.
func writeShadow(c *Call, f *account.Files, path string, text []byte) error {
	fresh := !c.FS.Present(path)
	if err := c.FS.Rewrite(path, text, 0o640); err != nil || !fresh {
		return err
	}
	if g, ok := f.Group("shadow"); ok {
		if err := c.FS.Chown(path, 0, g.GID); err != nil {
			return err
		}
	}
	return c.FS.Chmod(path, 0o640)
}

// Today is shadow's day of the last change: days since 1970-01-01 of the image's
// epoch.
func (c *Call) Today() string { return strconv.FormatInt(int64(c.Machine.Epoch)/86400, 10) }

// LoginDefs reads /etc/login.defs, for its defaults where it is not there.
func (c *Call) LoginDefs() (account.LoginDefs, error) {
	text, err := c.FS.ReadIfThere("/etc/login.defs")
	return account.ParseLoginDefs(text), err
}

// IDOf resolves "#12" or a name.
func IDOf(s string, lookup func(string) (int, bool)) (int, bool) {
	if n, ok := strings.CutPrefix(s, "#"); ok {
		id, err := strconv.Atoi(n)
		return id, err == nil && id >= 0
	}
	return lookup(s)
}
