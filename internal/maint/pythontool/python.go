// Package pythontool is python3 as maintainer scripts call it. No Python is
// interpreted: the few programs that matter are known by their content and carried
// out in Go; any other stops the build.
package pythontool

import (
	"context"
	"slices"

	"kiln"
	"kiln/internal/maint/command"
	"kiln/internal/maint/hosttool"
)

// twistedPlugins makes Twisted list its plugins, so that it writes the list down; it
// does without.
const twistedPlugins = "from twisted.plugin import IPlugin, getPlugins; list(getPlugins(IPlugin))"

// Python is python3. Making byte code is a no-op.
func Python(ctx context.Context, c *command.Call) (int, error) {
	args := c.Args
	for len(args) > 0 && args[0] == "-B" {
		args = args[1:]
	}
	switch {
	case slices.Equal(args, []string{"-c", "import debconf"}):
		if c.FS.IsFile("/usr/lib/python3/dist-packages/debconf.py") {
			return 0, nil
		}
		return c.Complain(1, "ModuleNotFoundError: No module named 'debconf'")
	case slices.Equal(args, []string{"-c", twistedPlugins}):
		c.Note("cache", "twisted's list of plugins")
		return 0, nil
	case len(args) > 1 && args[0] == "-m" && args[1] == "apt_listchanges.debconf_helper":
		return program(ctx, c, "/usr/lib/python3/dist-packages/apt_listchanges/debconf_helper.py", args[2:])
	case len(args) > 0 && c.FS.IsFile(c.Absolute(args[0])):
		return program(ctx, c, c.Absolute(args[0]), args[1:])
	}
	return hosttool.Python(ctx, c)
}

// program carries out a file of Python, if it is one that kiln knows.
func program(ctx context.Context, c *command.Call, file string, args []string) (int, error) {
	text, err := c.FS.ReadFile(file)
	if err != nil {
		return c.Failed(2, file, err)
	}
	if kiln.DigestOf(text) == listchangesHelper {
		call := *c
		call.Args = args
		return Listchanges(ctx, &call)
	}
	return hosttool.Python(ctx, c)
}
