package hosttool

import (
	"context"
	"maps"
	"slices"
	"strings"

	"kiln/internal/maint/command"
	"kiln/internal/maint/regex"
	"kiln/internal/maint/vfs"
	"kiln/internal/tree"
)

// Env is env(1).
func Env(ctx context.Context, c *command.Call) (int, error) {
	o, err := c.ParseLeading("ignore-environment,i unset,u= chdir,C= null,0")
	if err != nil {
		return 0, err
	}
	if o.Has("chdir") {
		return 0, c.Unhonoured("the option -C is not known")
	}
	env := maps.Clone(c.Env)
	rest := o.Rest
	if len(rest) > 0 && rest[0] == "-" {
		rest, o.Given["ignore-environment"] = rest[1:], []string{""}
	}
	if o.Has("ignore-environment") {
		env = map[string]string{}
	}
	for _, name := range o.Given["unset"] {
		delete(env, name)
	}
	for len(rest) > 0 && strings.Contains(rest[0], "=") {
		name, value, _ := strings.Cut(rest[0], "=")
		env[name] = value
		rest = rest[1:]
	}
	if len(rest) > 0 {
		c.Env = env
		return c.Exec(ctx, rest, c.Stdin, c.Stdout, c.Stderr)
	}
	var out command.Output
	for _, name := range slices.Sorted(maps.Keys(env)) {
		out.Line(name + "=" + env[name])
	}
	return out.Flush(c, 0)
}

// Wrapper is nice(1), ionice(1), nohup(1), setsid(1), stdbuf(1) and timeout(1): the
// command runs, the circumstances do not matter here.
func Wrapper(ctx context.Context, c *command.Call) (int, error) {
	spec := map[string]string{
		"nice": "adjustment,n=", "ionice": "class,c= classdata,n= ignore,t", "nohup": "", "setsid": "wait,w fork,f ctty,c",
		"stdbuf": "input,i= output,o= error,e=", "timeout": "signal,s= kill-after,k= foreground preserve-status verbose,v",
	}
	o, err := c.ParseLeading(spec[c.Name])
	if err != nil {
		return 0, err
	}
	rest := o.Rest
	if c.Name == "timeout" && len(rest) > 0 {
		rest = rest[1:]
	}
	if len(rest) == 0 {
		return c.Complain(125, "missing operand")
	}
	return c.Exec(ctx, rest, c.Stdin, c.Stdout, c.Stderr)
}

// Which is debianutils' which(1).
func Which(_ context.Context, c *command.Call) (int, error) {
	o, err := c.ParseOptions("all,a silent,s")
	if err != nil {
		return 0, err
	}
	if len(o.Rest) == 0 {
		return 1, nil
	}
	var out command.Output
	status := 0
	for _, name := range o.Rest {
		found := false
		for _, p := range candidates(c, name) {
			info, err := c.FS.Stat(c.Path(p))
			if err != nil || info.Kind() != tree.File || info.Perm()&0o111 == 0 || found && !o.Has("all") {
				continue
			}
			found = true
			if !o.Has("silent") {
				out.Line(p)
			}
		}
		if !found {
			status = 1
		}
	}
	return out.Flush(c, status)
}

func candidates(c *command.Call, name string) []string {
	if strings.Contains(name, "/") {
		return []string{name}
	}
	var all []string
	for dir := range strings.SplitSeq(c.Env["PATH"], ":") {
		if dir == "" {
			dir = "."
		}
		all = append(all, command.Joined(dir, name))
	}
	return all
}

// RunParts is run-parts(8).
func RunParts(ctx context.Context, c *command.Call) (int, error) {
	o, err := c.ParseOptions("test list verbose,v report exit-on-error lsbsysinit new-session arg,a= umask,u= regex= reverse debug,d")
	if err != nil {
		return 0, err
	}
	if len(o.Rest) != 1 {
		return c.Complain(1, "missing operand")
	}
	if o.Has("umask") {
		return 0, c.Unhonoured("the option --umask is not known")
	}
	expression := `^[a-zA-Z0-9_-]+$`
	if o.Has("lsbsysinit") {
		expression = `^(_?([a-z0-9_.]+-)+[a-z0-9]+|[a-z0-9]+|[a-zA-Z0-9_-]+)$`
	}
	re, err := regex.Compile(o.Value("regex", expression), true, "")
	if err != nil {
		return c.Complain(1, "%v", err)
	}
	entries, err := c.FS.ReadDir(c.Path(o.Rest[0]))
	if err != nil {
		return c.Complain(1, "failed to open directory %s: %s", o.Rest[0], command.ErrorText(err))
	}
	var parts []string
	for _, e := range entries {
		if part := command.Joined(o.Rest[0], e.Name()); isPart(c, part, e, re, o.Has("list")) {
			parts = append(parts, part)
		}
	}
	return runParts(c, ctx, parts, o)
}

func isPart(c *command.Call, part string, e vfs.Info, re regex.Expression, list bool) bool {
	info, err := c.FS.Stat(c.Path(part))
	return err == nil && re.MatchString(e.Name()) && info.Kind() == tree.File && (list || info.Perm()&0o111 != 0)
}

func runParts(c *command.Call, ctx context.Context, parts []string, o command.Options) (int, error) {
	if o.Has("reverse") {
		for i, j := 0, len(parts)-1; i < j; i, j = i+1, j-1 {
			parts[i], parts[j] = parts[j], parts[i]
		}
	}
	status := 0
	for _, part := range parts {
		if o.Has("test") || o.Has("list") {
			c.Say("%s", part)
			continue
		}
		s, err := c.Exec(ctx, append([]string{part}, o.Given["arg"]...), strings.NewReader(""), c.Stdout, c.Stderr)
		if err != nil {
			return s, err
		}
		if s != 0 {
			status = 1
			_, _ = c.Complain(1, "%s exited with return code %d", part, s)
			if o.Has("exit-on-error") {
				break
			}
		}
	}
	return status, nil
}
