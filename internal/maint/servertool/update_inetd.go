package servertool

import (
	"context"

	"kiln/internal/maint/command"
)

// UpdateInetd is update-inetd(8) where there is no /etc/inetd.conf, and so nothing
// to disable or remove.
func UpdateInetd(_ context.Context, c *command.Call) (int, error) {
	o, err := c.ParseOptions("add enable disable remove multi verbose file= group= comment-chars= pattern=")
	if err != nil {
		return 1, err
	}
	if o.Has("add") || o.Has("enable") || o.Has("file") || c.FS.Exists("/etc/inetd.conf") {
		return 1, c.Unhonoured("kiln does not edit /etc/inetd.conf")
	}
	return 0, nil
}
