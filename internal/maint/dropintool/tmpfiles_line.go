package dropintool

import (
	"fmt"
	"strconv"
	"strings"
)

// TmpfilesLine is one line of tmpfiles.d(5). Fields that are "-" are empty; Mode is
// then -1.
type TmpfilesLine struct {
	Type              string // one letter
	Append            bool   // "+": for L and f, what is there is replaced; for w, added to
	Boot              bool   // "!": only while booting
	Tolerant          bool   // "-": a failure does not count
	Recreate          bool   // "=": what is there of another type goes
	Credential        bool   // "^": the argument names a credential
	IfTarget          bool   // "?": of L, only where the target exists
	Path              string
	Mode              int
	Masked            bool // "~": the mode is masked by what is there
	NewMode           bool // ":": the mode is for what is made only
	User, Group       string
	NewUser, NewGroup bool // ":": as for the mode
	Argument          string
}

// ParseTmpfiles reads the text of a tmpfiles.d file.
func ParseTmpfiles(text string) ([]TmpfilesLine, error) { return readLines(text, parseTmpfilesLine) }

func parseTmpfilesLine(line string) (TmpfilesLine, error) {
	f, err := splitQuoted(line, 7)
	if err != nil {
		return TmpfilesLine{}, err
	}
	if len(f) < 2 {
		return TmpfilesLine{}, fmt.Errorf("%q does not have 2 to 7 fields", line)
	}
	f = append(f, "-", "-", "-", "-", "-")[:7]
	l := TmpfilesLine{Path: f[1], Mode: -1}
	if err := l.setType(f[0]); err != nil {
		return TmpfilesLine{}, err
	}
	if !strings.HasPrefix(l.Path, "/") && !strings.HasPrefix(l.Path, "%") {
		return TmpfilesLine{}, fmt.Errorf("the path %q is not absolute", l.Path)
	}
	if err := l.setMode(f[2]); err != nil {
		return TmpfilesLine{}, err
	}
	l.User, l.NewUser = strings.CutPrefix(dashless(f[3]), ":")
	l.Group, l.NewGroup = strings.CutPrefix(dashless(f[4]), ":")
	l.Argument = dashless(f[6])
	return l, nil
}

func dashless(s string) string {
	if s == "-" {
		return ""
	}
	return s
}

func (l *TmpfilesLine) setType(t string) error {
	if t == "" || !strings.Contains("fwdDevqQpLcbCxXrRzZmtThHaA", t[:1]) {
		return fmt.Errorf("the type %q is not known", t)
	}
	l.Type = t[:1]
	for _, m := range t[1:] {
		switch m {
		case '+':
			l.Append = true
		case '!':
			l.Boot = true
		case '-':
			l.Tolerant = true
		case '=':
			l.Recreate = true
		case '^':
			l.Credential = true
		case '?':
			l.IfTarget = true
		case '~', '$': // base64 argument of "^"; purge
			if m == '~' && !strings.Contains("fw", l.Type) {
				return fmt.Errorf("the type %q is not known", t)
			}
			if m == '~' {
				return fmt.Errorf("an argument in base64 is not known")
			}
		default:
			return fmt.Errorf("the type %q is not known", t)
		}
	}
	return nil
}

func (l *TmpfilesLine) setMode(s string) error {
	for {
		if rest, ok := strings.CutPrefix(s, "~"); ok {
			l.Masked, s = true, rest
		} else if rest, ok := strings.CutPrefix(s, ":"); ok {
			l.NewMode, s = true, rest
		} else {
			break
		}
	}
	if s = dashless(s); s == "" {
		return nil
	}
	n, err := strconv.ParseUint(s, 8, 12)
	if err != nil {
		return fmt.Errorf("the mode %q is not an octal number", s)
	}
	l.Mode = int(n)
	return nil
}
