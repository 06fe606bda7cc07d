// Package account holds the user and group files of a tree as values: passwd(5),
// group(5), shadow(5) and gshadow(5). It parses them, prints them in the order
// that they have, and chooses free ids as Debian's tools do. It refuses lines
// that are not in those formats: NIS "+" entries have no meaning in an image.
package account

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// User is one line of passwd.
type User struct {
	Name, Password     string
	UID, GID           int
	Gecos, Home, Shell string
}

// Group is one line of group.
type Group struct {
	Name, Password string
	GID            int
	Members        []string
}

// Shadow is one line of shadow. The numbers, in days, stay text: an empty field
// is not the same as 0. Flag is the reserved last field.
type Shadow struct {
	Name, Password                                     string
	LastChange, Min, Max, Warn, Inactive, Expire, Flag string
}

// GShadow is one line of gshadow.
type GShadow struct {
	Name, Password  string
	Admins, Members []string
}

// maxID is the largest id: (uid_t)-1 is no id.
const maxID = 1<<32 - 2

// ParseUsers reads passwd.
func ParseUsers(text []byte) ([]User, error) {
	return parse(text, "passwd", 7, func(f []string) (User, error) {
		uid, err := number(f[2])
		if err != nil {
			return User{}, err
		}
		gid, err := number(f[3])
		return User{f[0], f[1], uid, gid, f[4], f[5], f[6]}, err
	})
}

// ParseGroups reads group.
func ParseGroups(text []byte) ([]Group, error) {
	return parse(text, "group", 4, func(f []string) (Group, error) {
		gid, err := number(f[2])
		return Group{f[0], f[1], gid, list(f[3])}, err
	})
}

// ParseShadows reads shadow.
func ParseShadows(text []byte) ([]Shadow, error) {
	return parse(text, "shadow", 9, func(f []string) (Shadow, error) {
		return Shadow{f[0], f[1], f[2], f[3], f[4], f[5], f[6], f[7], f[8]}, nil
	})
}

// ParseGShadows reads gshadow.
func ParseGShadows(text []byte) ([]GShadow, error) {
	return parse(text, "gshadow", 4, func(f []string) (GShadow, error) {
		return GShadow{f[0], f[1], list(f[2]), list(f[3])}, nil
	})
}

func parse[T any](text []byte, file string, fields int, read func([]string) (T, error)) ([]T, error) {
	var all []T
	n := 0
	for line := range strings.Lines(string(text)) {
		n++
		line = strings.TrimSuffix(line, "\n")
		if line == "" {
			continue
		}
		f := strings.Split(line, ":")
		if len(f) != fields || f[0] == "" {
			return nil, fmt.Errorf("cannot read line %d of %s: %q does not have %d fields", n, file, line, fields)
		}
		v, err := read(f)
		if err != nil {
			return nil, fmt.Errorf("cannot read line %d of %s: %w", n, file, err)
		}
		all = append(all, v)
	}
	return all, nil
}

func number(s string) (int, error) {
	n, err := strconv.ParseUint(s, 10, 32)
	if err != nil || n > maxID {
		return 0, fmt.Errorf("%q is not an id", s)
	}
	return int(n), nil
}

func list(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, ",")
}

// String returns the line of passwd, without its end.
func (u User) String() string {
	return strings.Join([]string{u.Name, u.Password, strconv.Itoa(u.UID), strconv.Itoa(u.GID), u.Gecos, u.Home, u.Shell}, ":")
}

// String returns the line of group, without its end.
func (g Group) String() string {
	return strings.Join([]string{g.Name, g.Password, strconv.Itoa(g.GID), strings.Join(g.Members, ",")}, ":")
}

// String returns the line of shadow, without its end.
func (s Shadow) String() string {
	return strings.Join([]string{s.Name, s.Password, s.LastChange, s.Min, s.Max, s.Warn, s.Inactive, s.Expire, s.Flag}, ":")
}

// String returns the line of gshadow, without its end.
func (g GShadow) String() string {
	return strings.Join([]string{g.Name, g.Password, strings.Join(g.Admins, ","), strings.Join(g.Members, ",")}, ":")
}

// Print returns the lines of a file, in their order.
func Print[T fmt.Stringer](lines []T) []byte {
	var b strings.Builder
	for _, l := range lines {
		b.WriteString(l.String() + "\n")
	}
	return []byte(b.String())
}

// CheckName says what Debian's tools would hold against a new user's or group's
// name (useradd's rule, as Debian patches it to be wide): it may not be empty,
// begin with "-", "+" or "~", or hold ":", ",", "/" or white space.
func CheckName(name string) error {
	bad := name == "" || len(name) > 32 || strings.ContainsAny(name[:1], "-+~") ||
		strings.ContainsAny(name, ":,/") ||
		strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r == 0x7f })
	if bad {
		return fmt.Errorf("%q is not a name for a user or group", name)
	}
	return nil
}

func without(names []string, name string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(n string) bool { return n == name })
}
