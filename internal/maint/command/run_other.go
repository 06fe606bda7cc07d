package command

import (
	"context"
	"maps"
	"slices"
	"strings"

	"kiln/internal/maint/vfs"
	"kiln/internal/tree"
)

// Env is env(1).
func Env(ctx context.Context, c *Call) (int, error) {
	o, err := parseLeading(c, "ignore-environment,i unset,u= chdir,C= null,0")
	if err != nil {
		return 0, err
	}
	if o.has("chdir") {
		return 0, unhonoured(c, "the option -C is not known")
	}
	env := maps.Clone(c.Env)
	rest := o.rest
	if len(rest) > 0 && rest[0] == "-" {
		rest, o.given["ignore-environment"] = rest[1:], []string{""}
	}
	if o.has("ignore-environment") {
		env = map[string]string{}
	}
	for _, name := range o.given["unset"] {
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
	var out output
	for _, name := range slices.Sorted(maps.Keys(env)) {
		out.line(name + "=" + env[name])
	}
	return out.flush(c, 0)
}

// Wrapper is nice(1), ionice(1), nohup(1), setsid(1), stdbuf(1) and timeout(1): the
// command runs, the circumstances do not matter here.
func Wrapper(ctx context.Context, c *Call) (int, error) {
	spec := map[string]string{
		"nice": "adjustment,n=", "ionice": "class,c= classdata,n= ignore,t", "nohup": "", "setsid": "wait,w fork,f ctty,c",
		"stdbuf": "input,i= output,o= error,e=", "timeout": "signal,s= kill-after,k= foreground preserve-status verbose,v",
	}
	o, err := parseLeading(c, spec[c.Name])
	if err != nil {
		return 0, err
	}
	rest := o.rest
	if c.Name == "timeout" && len(rest) > 0 {
		rest = rest[1:]
	}
	if len(rest) == 0 {
		return complain(c, 125, "missing operand")
	}
	return c.Exec(ctx, rest, c.Stdin, c.Stdout, c.Stderr)
}

// Which is debianutils' which(1).
func Which(_ context.Context, c *Call) (int, error) {
	o, err := parseOptions(c, "all,a silent,s")
	if err != nil {
		return 0, err
	}
	if len(o.rest) == 0 {
		return 1, nil
	}
	var out output
	status := 0
	for _, name := range o.rest {
		found := false
		for _, p := range c.candidates(name) {
			info, err := c.FS.Stat(c.path(p))
			if err != nil || info.Kind() != tree.File || info.Perm()&0o111 == 0 || found && !o.has("all") {
				continue
			}
			found = true
			if !o.has("silent") {
				out.line(p)
			}
		}
		if !found {
			status = 1
		}
	}
	return out.flush(c, status)
}

func (c *Call) candidates(name string) []string {
	if strings.Contains(name, "/") {
		return []string{name}
	}
	var all []string
	for dir := range strings.SplitSeq(c.Env["PATH"], ":") {
		if dir == "" {
			dir = "."
		}
		all = append(all, joined(dir, name))
	}
	return all
}

// RunParts is run-parts(8).
func RunParts(ctx context.Context, c *Call) (int, error) {
	o, err := parseOptions(c, "test list verbose,v report exit-on-error lsbsysinit new-session arg,a= umask,u= regex= reverse debug,d")
	if err != nil {
		return 0, err
	}
	if len(o.rest) != 1 {
		return complain(c, 1, "missing operand")
	}
	if o.has("umask") {
		return 0, unhonoured(c, "the option --umask is not known")
	}
	expression := `^[a-zA-Z0-9_-]+$`
	if o.has("lsbsysinit") {
		expression = `^(_?([a-z0-9_.]+-)+[a-z0-9]+|[a-z0-9]+|[a-zA-Z0-9_-]+)$`
	}
	re, err := posixRegexp(o.value("regex", expression), true, "")
	if err != nil {
		return complain(c, 1, "%v", err)
	}
	entries, err := c.FS.ReadDir(c.path(o.rest[0]))
	if err != nil {
		return complain(c, 1, "failed to open directory %s: %s", o.rest[0], errorText(err))
	}
	var parts []string
	for _, e := range entries {
		if part := joined(o.rest[0], e.Name()); c.isPart(part, e, re, o.has("list")) {
			parts = append(parts, part)
		}
	}
	return c.runParts(ctx, parts, o)
}

func (c *Call) isPart(part string, e vfs.Info, re expression, list bool) bool {
	info, err := c.FS.Stat(c.path(part))
	return err == nil && re.MatchString(e.Name()) && info.Kind() == tree.File && (list || info.Perm()&0o111 != 0)
}

func (c *Call) runParts(ctx context.Context, parts []string, o options) (int, error) {
	if o.has("reverse") {
		for i, j := 0, len(parts)-1; i < j; i, j = i+1, j-1 {
			parts[i], parts[j] = parts[j], parts[i]
		}
	}
	status := 0
	for _, part := range parts {
		if o.has("test") || o.has("list") {
			say(c, "%s", part)
			continue
		}
		s, err := c.Exec(ctx, append([]string{part}, o.given["arg"]...), strings.NewReader(""), c.Stdout, c.Stderr)
		if err != nil {
			return s, err
		}
		if s != 0 {
			status = 1
			_, _ = complain(c, 1, "%s exited with return code %d", part, s)
			if o.has("exit-on-error") {
				break
			}
		}
	}
	return status, nil
}
