package pythontool

import (
	"context"
	"strings"

	"kiln/internal/maint/command"
)

// Py3versions is py3versions(1) -i: the versions of Python that are there.
func Py3versions(_ context.Context, c *command.Call) (int, error) {
	o, err := c.ParseOptions("installed,i")
	if err != nil {
		return 1, err
	}
	if !o.Has("installed") || len(o.Rest) > 0 {
		return 1, c.Unhonoured("only -i is known")
	}
	var names []string
	for _, p := range c.FS.Glob("/usr/bin/python3.[0-9]*") {
		if !strings.Contains(p, "-") {
			names = append(names, command.BaseName(p))
		}
	}
	c.Say("%s", strings.Join(names, " "))
	return 0, nil
}
