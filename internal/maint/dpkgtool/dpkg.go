// Package dpkgtool is the commands that come with dpkg, over its database as a
// vfs.FS and command.Packages have it; and ucf, which keeps configuration files as
// dpkg does.
package dpkgtool

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"kiln/internal/deb"
	"kiln/internal/maint/command"
)

// Dpkg is dpkg(1), as far as scripts may call it: questions. It never installs.
func Dpkg(ctx context.Context, c *command.Call) (int, error) {
	if len(c.Args) == 0 {
		return c.Complain(2, "error: need an action option")
	}
	action, args := c.Args[0], c.Args[1:]
	for action == "--no-pager" && len(args) > 0 {
		action, args = args[0], args[1:]
	}
	switch action {
	case "--compare-versions":
		return dpkgCompare(c, args)
	case "--print-architecture":
		c.Say("%s", c.Machine.Arch)
		return 0, nil
	case "--print-foreign-architectures":
		return 0, nil
	case "--get-selections":
		return dpkgSelections(c, args)
	case "-s", "--status", "-L", "--listfiles", "-S", "--search", "-l", "--list":
		query := *c
		query.Args = c.Args
		return DpkgQuery(ctx, &query)
	case "--triggers-only":
		return 0, nil // triggers run when all packages are configured
	}
	if kind, ok := strings.CutPrefix(action, "--validate-"); ok && len(args) == 1 {
		return dpkgValidate(c, kind, args[0])
	}
	if strings.HasPrefix(action, "--assert-") {
		return dpkgAssert(c, strings.TrimPrefix(action, "--assert-"))
	}
	return 2, c.Unhonoured("the action %q is not known", action)
}

func dpkgAssert(c *command.Call, feature string) (int, error) {
	known := []string{"support-predepends", "working-epoch", "long-filenames", "multi-conrep", "multi-arch", "versioned-provides", "protected-field"}
	if slices.Contains(known, feature) {
		return 0, nil
	}
	return 2, c.Unhonoured("the feature %q is not known", feature)
}

// dpkgCompare is "dpkg --compare-versions". An empty version is lower than any,
// and with the "-nl" operators higher.
func dpkgCompare(c *command.Call, args []string) (int, error) {
	if len(args) != 3 {
		return c.Complain(2, "error: --compare-versions takes three arguments: <version> <relation> <version>")
	}
	op, nl := strings.CutSuffix(args[1], "-nl")
	holds := map[string]func(int) bool{
		"lt": func(d int) bool { return d < 0 }, "le": func(d int) bool { return d <= 0 }, "eq": func(d int) bool { return d == 0 },
		"ne": func(d int) bool { return d != 0 }, "ge": func(d int) bool { return d >= 0 }, "gt": func(d int) bool { return d > 0 },
	}
	for sign, word := range map[string]string{"<": "le", "<=": "le", "<<": "lt", "=": "eq", ">": "ge", ">=": "ge", ">>": "gt"} {
		holds[sign] = holds[word]
	}
	test, ok := holds[op]
	if !ok || nl && !slices.Contains([]string{"lt", "le", "ge", "gt"}, op) {
		return c.Complain(2, "error: --compare-versions bad relation")
	}
	if test(compareMaybe(args[0], args[2], nl)) {
		return 0, nil
	}
	return 1, nil
}

func compareMaybe(a, b string, emptyIsHigh bool) int {
	if a == "" || b == "" {
		d := 0
		if a != "" {
			d = 1
		} else if b != "" {
			d = -1
		}
		if emptyIsHigh {
			d = -d
		}
		return d
	}
	return deb.Compare(a, b)
}

// Names as dpkg allows them (deb-control(5), deb-triggers(5)).
var (
	pkgNameRule  = regexp.MustCompile(`^[a-zA-Z0-9][-+._a-zA-Z0-9]*$`)
	archNameRule = regexp.MustCompile(`^[a-zA-Z0-9][-a-zA-Z0-9]*$`)
	trigNameRule = regexp.MustCompile(`^[!-~]+$`)
)

func dpkgValidate(c *command.Call, kind, value string) (int, error) {
	valid := false
	switch kind {
	case "pkgname":
		valid = pkgNameRule.MatchString(value)
	case "archname":
		valid = archNameRule.MatchString(value)
	case "trigname":
		valid = trigNameRule.MatchString(value)
	case "version":
		valid = deb.CheckVersion(value) == nil
	default:
		return 2, c.Unhonoured("%q cannot be validated", kind)
	}
	if !valid {
		return c.Complain(1, "error: %s '%s' is invalid", kind, value)
	}
	return 0, nil
}

func dpkgSelections(c *command.Call, patterns []string) (int, error) {
	if len(patterns) == 0 {
		patterns = []string{"*"}
	}
	for _, n := range c.Machine.Packages.Names() {
		st, ok := c.Machine.Packages.Lookup(n)
		if !ok || !slices.ContainsFunc(patterns, func(p string) bool { return command.Fnmatch(p, st.Name) }) {
			continue
		}
		name := binaryName(st)
		c.Say("%s%s%s", name, strings.Repeat("\t", max(1, 6-len(name)/8)), statusField("db:Status-Want", st))
	}
	return 0, nil
}
