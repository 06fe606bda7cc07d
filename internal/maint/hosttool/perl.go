package hosttool

import (
	"context"
	"slices"
	"strings"

	"kiln/internal/maint/command"
)

// foomaticConfig reads the configuration of foomatic-filters into debconf; it prints
// nothing where there is none yet.
const foomaticConfig = "/usr/share/foomatic/parseconfig.pl"

// Perl is not interpreted. What can be answered is whether it is there, which
// libc6's preinst asks with an empty program.
func Perl(_ context.Context, c *command.Call) (int, error) {
	if len(c.Args) == 2 && c.Args[0] == "-e" && strings.TrimSpace(c.Args[1]) == "" {
		return 0, nil
	}
	if slices.Equal(c.Args, []string{foomaticConfig}) && !c.FS.Exists("/etc/foomatic/filter.conf") {
		return 0, nil
	}
	return 1, c.Unhonoured("programs in perl are not interpreted")
}
