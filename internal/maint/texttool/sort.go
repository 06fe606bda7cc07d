package texttool

import (
	"context"
	"math/big"
	"slices"
	"strings"

	"kiln/internal/maint/command"
	"kiln/internal/maint/regex"
)

// Sort is sort(1) in the C locale.
func Sort(_ context.Context, c *command.Call) (int, error) {
	o, err := c.ParseOptions("numeric-sort,n reverse,r unique,u ignore-case,f dictionary-order,d ignore-leading-blanks,b version-sort,V stable,s " +
		"key,k= field-separator,t= output,o= check,c zero-terminated,z general-numeric-sort,g human-numeric-sort,h merge,m")
	if err != nil {
		return 0, err
	}
	for _, flag := range []string{"zero-terminated", "general-numeric-sort", "human-numeric-sort", "dictionary-order"} {
		if o.Has(flag) {
			return 0, c.Unhonoured("the option --%s is not known", flag)
		}
	}
	s := sorter{separator: o.Value("field-separator", ""), unique: o.Has("unique"), stable: o.Has("stable") || o.Has("unique"), global: sortFlags{
		numeric: o.Has("numeric-sort"), reverse: o.Has("reverse"), fold: o.Has("ignore-case"), blanks: o.Has("ignore-leading-blanks"), version: o.Has("version-sort"),
	}}
	for _, spec := range o.Given["key"] {
		k, err := s.key(spec)
		if err != nil {
			return c.Complain(2, "%v", err)
		}
		s.keys = append(s.keys, k)
	}
	lines, status := c.LinesOf(o.Rest)
	if o.Has("check") {
		if !slices.IsSortedFunc(lines, s.compare) {
			return 1, nil
		}
		return status, nil
	}
	slices.SortStableFunc(lines, s.compare)
	if s.unique {
		lines = slices.CompactFunc(lines, func(a, b string) bool { return s.compareKeys(a, b) == 0 })
	}
	return s.print(c, o.Value("output", ""), lines, 2*status)
}

func (s *sorter) print(c *command.Call, to string, lines []string, status int) (int, error) {
	var out command.Output
	for _, l := range lines {
		out.Line(l)
	}
	if to == "" {
		return out.Flush(c, status)
	}
	if err := c.FS.WriteFile(c.Path(to), []byte(out.String()), 0o666&^c.Umask); err != nil {
		return c.Failed(2, to, err)
	}
	return status, nil
}

type sortFlags struct{ numeric, reverse, fold, blanks, version bool }

type sorter struct {
	separator      string
	unique, stable bool
	global         sortFlags
	keys           []sortKey
}

func (s *sorter) compare(a, b string) int {
	if n := s.compareKeys(a, b); n != 0 || s.stable {
		return n
	}
	n := strings.Compare(a, b)
	if s.global.reverse {
		n = -n
	}
	return n
}

func (s *sorter) compareKeys(a, b string) int {
	if len(s.keys) == 0 {
		return s.global.compare(a, b)
	}
	for _, k := range s.keys {
		if n := k.flags.compare(s.extract(a, k), s.extract(b, k)); n != 0 {
			return n
		}
	}
	return 0
}

func (f sortFlags) compare(a, b string) int {
	if f.blanks {
		a, b = strings.TrimLeft(a, " \t"), strings.TrimLeft(b, " \t")
	}
	if f.fold {
		a, b = strings.ToUpper(a), strings.ToUpper(b)
	}
	n := 0
	switch {
	case f.numeric:
		n = leadingNumber(a).Cmp(leadingNumber(b))
	case f.version:
		n = command.CompareFileVersions(a, b)
	default:
		n = strings.Compare(a, b)
	}
	if f.reverse {
		return -n
	}
	return n
}

// leadingNumber returns the number that s begins with, or 0.
func leadingNumber(s string) *big.Rat {
	s = strings.TrimLeft(s, " \t")
	i := 0
	if strings.HasPrefix(s, "-") {
		i++
	}
	for i < len(s) && regex.IsDigit(s[i]) {
		i++
	}
	if i < len(s) && s[i] == '.' {
		for i++; i < len(s) && regex.IsDigit(s[i]); i++ {
		}
	}
	n, ok := new(big.Rat).SetString(strings.TrimSuffix(s[:i], "."))
	if !ok {
		return new(big.Rat)
	}
	return n
}
