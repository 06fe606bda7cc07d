package command

import (
	"context"
	"strings"
)

// MachineID is systemd-machine-id-setup(1) for an image: an empty file, which
// systemd fills at the first boot.
func MachineID(_ context.Context, c *Call) (int, error) {
	o, err := parseOptions(c, "root= print commit")
	if err != nil {
		return 1, err
	}
	if strings.Trim(o.value("root", ""), "/") != "" || o.has("commit") {
		return 1, unhonoured(c, "there is one root only")
	}
	if present(c.FS, "/etc/machine-id") {
		return 0, nil
	}
	return 0, c.FS.WriteFile("/etc/machine-id", nil, 0o644)
}
