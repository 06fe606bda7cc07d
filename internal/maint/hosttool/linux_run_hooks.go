package hosttool

import (
	"context"
	"maps"
	"slices"
	"strings"

	"kiln/internal/maint/command"
	"kiln/internal/maint/regex"
	"kiln/internal/tree"
)

// LinuxRunHooks is linux-run-hooks(1) of linux-base, which kernels' maintainer scripts
// call: it runs what other packages have put into /etc/kernel and /usr/share/kernel.
func LinuxRunHooks(ctx context.Context, c *command.Call) (int, error) {
	hook, given := map[string]string{"image": "", "headers": "header_"}, 2
	if len(c.Args) < 2 {
		return c.Complain(2, "missing operand")
	}
	prefix, known := hook[c.Args[0]]
	if c.Args[0] == "headers" {
		given = 1
	}
	stage := c.Args[1]
	if !known || !slices.Contains([]string{"preinst", "postinst", "prerm", "postrm"}, stage) || slices.Index(c.Args, "--") != 2+given {
		return c.Complain(2, "want image or headers, the maintainer script, the kernel and --, got %q", strings.Join(c.Args, " "))
	}
	parts, err := kernelHooks(c, prefix+stage+".d")
	if err != nil {
		return 0, err
	}
	c.Env = maps.Clone(c.Env)
	c.Env["DEB_MAINT_PARAMS"] = strings.Join(c.Args[3+given:], " ")
	for _, part := range parts {
		status, err := c.Exec(ctx, append([]string{part}, c.Args[2:2+given]...), strings.NewReader(""), c.Stdout, c.Stderr)
		if err != nil || status != 0 {
			return status, err
		}
	}
	return 0, nil
}

// kernelHooks lists the programs of both folders by name; of two of one name that in
// /etc counts, as run-parts(8) has it.
func kernelHooks(c *command.Call, folder string) ([]string, error) {
	re, err := regex.Compile(`^[a-zA-Z0-9_-]+$`, true, "")
	if err != nil {
		return nil, err
	}
	found := map[string]string{}
	for _, dir := range []string{"/usr/share/kernel/" + folder, "/etc/kernel/" + folder} {
		info, err := c.FS.Stat(c.Path(dir))
		if err != nil || info.Kind() != tree.Dir {
			continue
		}
		entries, err := c.FS.ReadDir(c.Path(dir))
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			if part := command.Joined(dir, e.Name()); isPart(c, part, e, re, false) {
				found[e.Name()] = part
			}
		}
	}
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(found)) {
		parts = append(parts, found[name])
	}
	return parts, nil
}
