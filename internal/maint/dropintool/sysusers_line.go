package dropintool

import (
	"fmt"
	"strconv"
	"strings"

	"kiln/internal/maint/account"
)

// SysusersLine is one line of sysusers.d(5). Fields that are "-" or missing are
// empty.
type SysusersLine struct {
	Type               string // u, g, m or r
	Locked             bool   // "u!": the account is expired as well
	Name, ID           string
	Gecos, Home, Shell string
}

// ParseSysusers reads the text of a sysusers.d file.
func ParseSysusers(text string) ([]SysusersLine, error) { return readLines(text, parseSysusersLine) }

func parseSysusersLine(line string) (SysusersLine, error) {
	f, err := splitQuoted(line, 0)
	if err != nil {
		return SysusersLine{}, err
	}
	if len(f) < 2 || len(f) > 6 {
		return SysusersLine{}, fmt.Errorf("%q does not have 2 to 6 fields", line)
	}
	f = append(f, "", "", "", "")[:6]
	for i := 1; i < len(f); i++ {
		if f[i] == "-" {
			f[i] = ""
		}
	}
	l := SysusersLine{Type: f[0], Name: f[1], ID: f[2], Gecos: f[3], Home: f[4], Shell: f[5]}
	if t, ok := strings.CutSuffix(l.Type, "!"); ok && t == "u" {
		l.Type, l.Locked = t, true
	}
	return l, l.check()
}

func (l SysusersLine) check() error {
	switch l.Type {
	case "u", "g", "m":
		if err := account.CheckName(l.Name); err != nil {
			return err
		}
		if l.Type == "m" {
			return account.CheckName(l.ID)
		}
	case "r":
		if _, err := parseRange(l.ID); err != nil {
			return err
		}
	default:
		return fmt.Errorf("the type %q is not known", l.Type)
	}
	if strings.ContainsAny(l.Gecos+l.Home+l.Shell, ":\n") {
		return fmt.Errorf("a field of %q holds a colon", l.Name)
	}
	if l.Home != "" && l.Home[0] != '/' || l.Shell != "" && l.Shell[0] != '/' {
		return fmt.Errorf("home or shell of %q is not absolute", l.Name)
	}
	return nil
}

func parseRange(s string) (account.Range, error) {
	low, high, ok := strings.Cut(s, "-")
	if !ok {
		high = low
	}
	a, err1 := strconv.ParseUint(low, 10, 31)
	b, err2 := strconv.ParseUint(high, 10, 31)
	if err1 != nil || err2 != nil || a > b {
		return account.Range{}, fmt.Errorf("%q is not a range of ids", s)
	}
	return account.Range{Min: int(a), Max: int(b)}, nil
}
