package dpkgtool

import (
	"context"
	"slices"
	"strings"

	"kiln/internal/deb"
	"kiln/internal/maint/command"
)

// helperCommands are those of dpkg-maintscript-helper(1), with the number of
// arguments that must stand before the optional version and package.
func helperCommands() map[string]int {
	return map[string]int{"rm_conffile": 1, "mv_conffile": 2, "symlink_to_dir": 2, "dir_to_symlink": 2}
}

// DpkgMaintscriptHelper is dpkg-maintscript-helper(1). All that it does is for
// upgrades, so for a package that is new it does nothing; a script that says
// that it upgrades a version which would need work is refused.
func DpkgMaintscriptHelper(_ context.Context, c *command.Call) (int, error) {
	if len(c.Args) == 0 {
		return c.Complain(1, "error: missing command")
	}
	if c.Args[0] == "supports" {
		if len(c.Args) == 2 && (helperCommands()[c.Args[1]] > 0) {
			return 0, nil
		}
		return 1, nil
	}
	need, ok := helperCommands()[c.Args[0]]
	if !ok {
		return 1, c.Unhonoured("%q is not known", c.Args[0])
	}
	dashes := slices.Index(c.Args, "--")
	if dashes < 0 || dashes+1 == len(c.Args) {
		return c.Complain(1, "error: missing arguments after --")
	}
	args, script := c.Args[1:dashes], c.Args[dashes+1:]
	if len(args) < need || len(args) > need+2 || !strings.HasPrefix(args[0], "/") {
		return c.Complain(1, "error: bad arguments of %s", c.Args[0])
	}
	return 0, refuseUpgrade(c, args[need:], script)
}

// refuseUpgrade is an error where the script was given an old version, and one
// that the last version concerned does not exclude. Triggers come without one.
func refuseUpgrade(c *command.Call, optional, script []string) error {
	if len(script) < 2 || script[1] == "" || script[0] == "triggered" {
		return nil
	}
	if len(optional) > 0 && optional[0] != "" && deb.Compare(script[1], optional[0]) > 0 {
		return nil
	}
	return c.Unhonoured("it is for an upgrade from version %q, and kiln only installs", script[1])
}
