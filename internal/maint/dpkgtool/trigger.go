package dpkgtool

import (
	"context"
	"slices"

	"kiln/internal/maint/command"
)

// DpkgTrigger is dpkg-trigger(1): it records the trigger for the time when all
// packages are configured.
func DpkgTrigger(_ context.Context, c *command.Call) (int, error) {
	o, err := c.ParseOptions("by-package= no-await await no-act check-supported admindir= root=")
	if err != nil {
		return 2, err
	}
	switch {
	case o.Has("admindir") || o.Has("root"):
		return 2, c.Unhonoured("there is one database only")
	case o.Has("check-supported"):
		return 0, nil
	case len(o.Rest) != 1:
		return c.Complain(2, "error: takes one argument, the trigger name")
	case o.Has("no-act"):
		return 0, nil
	}
	m := c.Machine
	if !slices.Contains(m.Triggers, o.Rest[0]) {
		m.Triggers = append(m.Triggers, o.Rest[0])
	}
	return 0, nil
}
