package servertool

import (
	"context"
	"slices"

	"kiln/internal/maint/command"
)

// Smartctl is smartctl(8) for whether it is there, and for the check of the list of
// drives that its package ships, which is not done.
func Smartctl(_ context.Context, c *command.Call) (int, error) {
	if slices.Equal(c.Args, []string{"-V"}) {
		return 0, nil
	}
	if len(c.Args) == 4 && c.Args[0] == "-B" && c.FS.IsFile(c.Path(c.Args[1])) && c.Args[2] == "-P" && c.Args[3] == "showall" {
		return 0, nil
	}
	return 1, c.Unhonoured("it looks at disks, and there are none")
}
