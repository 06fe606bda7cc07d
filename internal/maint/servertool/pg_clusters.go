package servertool

import (
	"context"

	"kiln/internal/maint/command"
)

// PgLsclusters is pg_lsclusters(1) -h where there is no cluster, as in an image.
func PgLsclusters(_ context.Context, c *command.Call) (int, error) {
	o, err := c.ParseOptions("no-header,h")
	if err != nil {
		return 0, err
	}
	if !o.Has("no-header") || len(o.Rest) > 0 {
		return 0, c.Unhonoured("only -h is known")
	}
	if all := c.FS.Glob("/etc/postgresql/*/*/postgresql.conf"); len(all) > 0 {
		return 0, c.Unhonoured("%s is of a cluster, which would be asked whether it runs", all[0])
	}
	return 0, nil
}
