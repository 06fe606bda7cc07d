package dpkgtool

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"kiln/internal/maint/account"
	"kiln/internal/maint/command"
)

const statoverrideFile = "/var/lib/dpkg/statoverride"

// StatOverride is one entry of dpkg's statoverride: mode and owner that a path
// has whatever its package says. User and Group are names, or "#" and a number.
type StatOverride struct {
	User, Group string
	Mode        uint32
	Path        string
}

// ParseStatOverrides reads /var/lib/dpkg/statoverride.
func ParseStatOverrides(text []byte) ([]StatOverride, error) {
	var all []StatOverride
	for _, line := range command.NonEmptyLines(text) {
		f := strings.SplitN(line, " ", 4)
		if len(f) != 4 {
			return nil, fmt.Errorf("cannot read the stat overrides: %q does not have 4 words", line)
		}
		mode, err := strconv.ParseUint(f[2], 8, 12)
		if err != nil {
			return nil, fmt.Errorf("cannot read the stat overrides: %q is not a mode", f[2])
		}
		all = append(all, StatOverride{f[0], f[1], uint32(mode), f[3]})
	}
	return all, nil
}

func (s StatOverride) String() string {
	return fmt.Sprintf("%s %s %o %s", s.User, s.Group, s.Mode, s.Path)
}

// PrintStatOverrides is the inverse of ParseStatOverrides, in dpkg's order.
func PrintStatOverrides(all []StatOverride) []byte {
	sorted := slices.Clone(all)
	slices.SortStableFunc(sorted, func(a, b StatOverride) int { return compareHashed(a.Path, b.Path) })
	return account.Print(sorted)
}

// DpkgStatoverride is dpkg-statoverride(1).
func DpkgStatoverride(_ context.Context, c *command.Call) (int, error) {
	o, err := c.ParseOptions("add remove list quiet force force-all force-statoverride-add force-statoverride-remove update")
	if err != nil {
		return 2, err
	}
	text, err := c.FS.ReadIfThere(statoverrideFile)
	if err != nil {
		return 2, err
	}
	all, err := ParseStatOverrides(text)
	if err != nil {
		return 2, c.Unhonoured("%s", err)
	}
	s := &overrider{c: c, o: o, all: all, force: o.Has("force") || o.Has("force-all")}
	switch {
	case o.Has("add") && len(o.Rest) == 4:
		return s.add()
	case o.Has("remove") && len(o.Rest) == 1:
		return s.remove()
	case o.Has("list"):
		return s.list()
	}
	return c.Complain(2, "error: need an action option")
}

type overrider struct {
	c     *command.Call
	o     command.Options
	all   []StatOverride
	force bool
}

func (s *overrider) save() error {
	return s.c.FS.WriteFile(statoverrideFile, PrintStatOverrides(s.all), 0o644)
}

func (s *overrider) add() (int, error) {
	r := s.o.Rest
	mode, err := strconv.ParseUint(r[2], 8, 12)
	if err != nil {
		return s.c.Complain(2, "error: syntax error: invalid mode %s in statoverride file", r[2])
	}
	v := StatOverride{r[0], r[1], uint32(mode), strings.TrimRight(r[3], "/")}
	if !strings.HasPrefix(v.Path, "/") {
		return s.c.Complain(2, "error: path must be absolute")
	}
	uid, gid, status, err := s.owner(&v)
	if status != 0 || err != nil {
		return status, err
	}
	if slices.ContainsFunc(s.all, func(o StatOverride) bool { return o.Path == v.Path }) {
		if !s.force && !s.o.Has("force-statoverride-add") {
			return s.c.Complain(2, "error: an override for '%s' already exists; aborting", v.Path)
		}
		s.all = slices.DeleteFunc(s.all, func(o StatOverride) bool { return o.Path == v.Path })
	}
	if s.o.Has("update") {
		if err := s.apply(v, uid, gid); err != nil {
			return 2, err
		}
	}
	s.all = append(s.all, v)
	return 0, s.save()
}

func (s *overrider) apply(v StatOverride, uid, gid int) error {
	if !s.c.FS.Present(v.Path) {
		if !s.o.Has("quiet") {
			_, _ = s.c.Complain(0, "warning: --update given but %s does not exist", v.Path)
		}
		return nil
	}
	if s.c.FS.IsLink(v.Path) {
		return nil
	}
	if err := s.c.FS.Chown(v.Path, uid, gid); err != nil {
		return err
	}
	return s.c.FS.Chmod(v.Path, v.Mode)
}

// owner resolves the owner. A number is written as a name where it has one, as
// dpkg does, and a name that the tree does not list as its number: dpkg refuses a
// database with a name that is unknown.
func (s *overrider) owner(v *StatOverride) (uid, gid, status int, err error) {
	f, err := s.c.ReadAccounts()
	if err != nil {
		return 0, 0, 2, err
	}
	uid, ok := command.IDOf(v.User, f.OwnerUID)
	if !ok {
		status, _ = s.c.Complain(2, "error: unknown user '%s'", v.User)
		return 0, 0, status, nil
	}
	gid, ok = command.IDOf(v.Group, f.OwnerGID)
	if !ok {
		status, _ = s.c.Complain(2, "error: unknown group '%s'", v.Group)
		return 0, 0, status, nil
	}
	v.User, v.Group = fmt.Sprintf("#%d", uid), fmt.Sprintf("#%d", gid)
	if u, ok := f.UserByID(uid); ok {
		v.User = u.Name
	}
	if g, ok := f.GroupByID(gid); ok {
		v.Group = g.Name
	}
	return uid, gid, 0, nil
}

func (s *overrider) remove() (int, error) {
	path := strings.TrimRight(s.o.Rest[0], "/")
	left := slices.DeleteFunc(slices.Clone(s.all), func(o StatOverride) bool { return o.Path == path })
	if len(left) == len(s.all) {
		if !s.o.Has("quiet") {
			_, _ = s.c.Complain(0, "warning: no override present")
		}
		if s.force || s.o.Has("force-statoverride-remove") {
			return 0, nil
		}
		return 2, nil
	}
	s.all = left
	return 0, s.save()
}

func (s *overrider) list() (int, error) {
	status := 1
	for _, v := range s.all {
		match := len(s.o.Rest) == 0
		for _, p := range s.o.Rest {
			match = match || command.Fnmatch(strings.TrimRight(p, "/"), v.Path)
		}
		if match {
			s.c.Say("%s", v)
			status = 0
		}
	}
	return status, nil
}
