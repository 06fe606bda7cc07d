package configtool

import (
	"context"
	"strings"

	"kiln/internal/maint/command"
)

// MachineID is systemd-machine-id-setup(1) for an image: an empty file, which
// systemd fills at the first boot.
func MachineID(_ context.Context, c *command.Call) (int, error) {
	o, err := c.ParseOptions("root= print commit")
	if err != nil {
		return 1, err
	}
	if strings.Trim(o.Value("root", ""), "/") != "" || o.Has("commit") {
		return 1, c.Unhonoured("there is one root only")
	}
	if c.FS.Present("/etc/machine-id") {
		return 0, nil
	}
	c.Note("machine-id", "/etc/machine-id")
	return 0, c.FS.WriteFile("/etc/machine-id", nil, 0o644)
}
