package hosttool

import (
	"context"
	"strings"

	"kiln/internal/maint/command"
)

// Perl is not interpreted. What can be answered is whether it is there, which
// libc6's preinst asks with an empty program.
func Perl(_ context.Context, c *command.Call) (int, error) {
	if len(c.Args) == 2 && c.Args[0] == "-e" && strings.TrimSpace(c.Args[1]) == "" {
		return 0, nil
	}
	return 1, c.Unhonoured("programs in perl are not interpreted")
}
