package catalogtool

import (
	"context"
	"slices"

	"kiln/internal/maint/command"
)

// RakudoHelper is rakudo-helper.pl --reinstall-all where no package brings a module
// of Raku as its source, and so nothing is to be compiled.
func RakudoHelper(_ context.Context, c *command.Call) (int, error) {
	if !slices.Equal(c.Args, []string{"--reinstall-all"}) {
		return 1, c.Unhonoured("only --reinstall-all is known")
	}
	for _, pattern := range []string{"/var/lib/perl6/modules/*.list", "/usr/share/perl6/debian-sources/*"} {
		if all := c.FS.Glob(pattern); len(all) > 0 {
			return 1, c.Unhonoured("%s is of a module, which only Rakudo can compile", all[0])
		}
	}
	return 0, nil
}
