package sed

import (
	"errors"
	"strings"

	"kiln/internal/maint/command"
	"kiln/internal/tree"
)

// runInPlace edits each file by itself, as -i does: into a new file that takes the
// place, mode and owner of the old one.
func (s *sed) runInPlace(files []string) (int, error) {
	status := 0
	for _, name := range files {
		s.reset()
		path := s.c.Path(name)
		info, err := s.c.FS.Lstat(path)
		if err == nil && info.Kind() == tree.Dir || err == nil && info.Kind() == tree.Symlink && s.c.IsDirectory(name) {
			status, _ = s.c.Complain(4, "couldn't edit %s: not a regular file", name)
			continue
		}
		if info, err = s.c.FS.Stat(path); err != nil {
			status, _ = s.c.Complain(2, "can't read %s: %s", name, command.ErrorText(err))
			continue
		}
		var out command.Output
		s.out = &out
		inner := 0
		err = s.run(&sedInput{c: s.c, names: []string{name}, end: s.end, status: &inner})
		if err != nil && !errors.Is(err, errSedQuit) {
			return s.finish(status, err)
		}
		if werr := s.replace(path, out.String(), info.Perm(), info.UID, info.GID); werr != nil {
			return s.c.Failed(4, name, werr)
		}
		if err != nil {
			return s.finish(status, err)
		}
	}
	return s.finish(status, nil)
}

// replace puts a new file in the place of the old one: a link is replaced by a
// file, and other hard links keep the old content, as with GNU sed.
func (s *sed) replace(path, text string, mode uint32, uid, gid int) error {
	fs := s.c.FS
	if s.suffix != "" {
		backup := path + s.suffix
		if strings.Contains(s.suffix, "*") {
			backup = command.Joined(command.DirName(path), strings.ReplaceAll(s.suffix, "*", command.BaseName(path)))
		}
		if err := fs.Rename(path, backup); err != nil {
			return err
		}
	} else if info, err := fs.Lstat(path); err == nil && info.Names > 1 || info.Kind() == tree.Symlink {
		if err := fs.Remove(path); err != nil {
			return err
		}
	}
	if err := fs.WriteFile(path, []byte(text), mode); err != nil {
		return err
	}
	if err := fs.Chown(path, uid, gid); err != nil {
		return err
	}
	return fs.Chmod(path, mode)
}
