// Package hosttool is the commands that ask who and where a script is, and those
// that run others. No machine runs the tree: what they answer is the same on every
// host.
package hosttool

import (
	"context"
	"strings"

	"kiln/internal/maint/command"
)

// Df is df(1) --output=avail or =fstype, which scripts ask to learn whether there
// is room: there is.
func Df(_ context.Context, c *command.Call) (int, error) {
	o, err := c.ParseOptions("output= portability,P k block-size,B= local,l")
	if err != nil {
		return 0, err
	}
	titles := map[string][2]string{"avail": {"    Avail", "104857600"}, "fstype": {"Type", "overlay"}}
	t, ok := titles[o.Value("output", "")]
	if !ok || o.Has("block-size") {
		return 0, c.Unhonoured("it asks about the disk that the system is on, and there is none")
	}
	c.Say("%s", t[0])
	for range max(1, len(o.Rest)) {
		c.Say("%s", t[1])
	}
	return 0, nil
}

// Ss is ss(8): no socket is open, whatever filter is given.
func Ss(_ context.Context, c *command.Call) (int, error) {
	o, err := c.ParseOptions("no-header,H numeric,n listening,l all,a tcp,t udp,u ipv4,4 ipv6,6 processes,p")
	if err != nil {
		return 0, err
	}
	if !o.Has("no-header") {
		c.Say("State Recv-Q Send-Q Local Address:Port Peer Address:PortProcess")
	}
	return 0, nil
}

// Runuser is runuser(1): the command runs, and what it makes is the user's.
func Runuser(ctx context.Context, c *command.Call) (int, error) {
	o, err := c.ParseLeading("user,u= login,l command,c= shell,s= group,g=")
	if err != nil {
		return 0, err
	}
	if o.Has("user") {
		return asUser(c, ctx, o.Value("user", ""), o.Value("group", ""), o.Rest)
	}
	return su(c, ctx, o)
}

// Su is su(1) with -c.
func Su(ctx context.Context, c *command.Call) (int, error) {
	args := c.Args
	if len(args) > 1 && !strings.HasPrefix(args[0], "-") { // the user may stand before the options
		args = append(append([]string{}, args[1:]...), args[0])
	}
	if len(args) > 1 && args[0] == "-" {
		args = append([]string{"-l"}, args[1:]...)
	}
	o, err := c.ParseArguments(args, "login,l command,c= shell,s= group,g=", true)
	if err != nil {
		return 0, err
	}
	return su(c, ctx, o)
}

func su(c *command.Call, ctx context.Context, o command.Options) (int, error) {
	user := "root"
	if len(o.Rest) > 0 && o.Rest[0] != "-" {
		user = o.Rest[0]
	} else if len(o.Rest) > 1 {
		user = o.Rest[1]
	}
	if !o.Has("command") {
		return 0, c.Unhonoured("without -c it opens a session")
	}
	return asUser(c, ctx, user, o.Value("group", ""), []string{o.Value("shell", "/bin/sh"), "-c", o.Value("command", "")})
}

// Setpriv is setpriv(1) with a change of user and group.
func Setpriv(ctx context.Context, c *command.Call) (int, error) {
	o, err := c.ParseLeading("reuid= regid= init-groups clear-groups groups= ruid= euid= no-new-privs inh-caps= reset-env")
	if err != nil {
		return 0, err
	}
	return asUser(c, ctx, o.Value("reuid", "root"), o.Value("regid", ""), o.Rest)
}

// asUser runs a command whose files are to be user's.
func asUser(c *command.Call, ctx context.Context, user, group string, args []string) (int, error) {
	uid, gid, err := c.Owner(user+":", false)
	if err != nil {
		return c.Complain(1, "user %s does not exist", user)
	}
	if group != "" {
		if gid, err = c.GroupID(group); err != nil {
			return c.Complain(1, "group %s does not exist", group)
		}
	}
	if len(args) > 0 && args[0] == "--" {
		args = args[1:]
	}
	if len(args) == 0 {
		return c.Complain(1, "no command specified")
	}
	oldUID, oldGID := c.FS.As(uid, gid)
	defer c.FS.As(oldUID, oldGID)
	return c.Exec(ctx, args, c.Stdin, c.Stdout, c.Stderr)
}

// Getopt is util-linux' getopt(1), in its present form.
func Getopt(_ context.Context, c *command.Call) (int, error) {
	o, err := c.ParseLeading("options,o= longoptions,long,l= name,n= quiet,q test,T shell,s= unquoted,u alternative,a")
	if err != nil {
		return 0, err
	}
	if o.Has("test") {
		return 4, nil
	}
	if !o.Has("options") && len(o.Rest) > 0 { // then the first argument says it
		o.Given["options"], o.Rest = o.Rest[:1], o.Rest[1:]
	}
	if o.Has("alternative") || o.Has("unquoted") || !o.Has("options") {
		return 0, c.Unhonoured("the options -a and -u are not known")
	}
	g := getoptRun{short: strings.TrimLeft(o.Value("options", ""), "+-"), stop: strings.HasPrefix(o.Value("options", ""), "+")}
	for _, list := range o.Given["longoptions"] {
		g.long = append(g.long, strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' })...)
	}
	problem := g.run(o.Rest)
	c.Say("%s", " "+strings.Join(append(append(g.options, "--"), g.rest...), " "))
	if problem != "" {
		if o.Has("quiet") {
			return 1, nil
		}
		return c.Complain(1, "%s", problem)
	}
	return 0, nil
}

type getoptRun struct {
	short   string
	long    []string
	stop    bool // at the first argument that is no option
	options []string
	rest    []string
}

func (g *getoptRun) run(args []string) (problem string) {
	for len(args) > 0 {
		arg := args[0]
		args = args[1:]
		switch {
		case arg == "--":
			g.keep(args)
			return problem
		case strings.HasPrefix(arg, "--"):
			args = g.longOption(arg[2:], args, &problem)
		case len(arg) > 1 && arg[0] == '-':
			args = g.shortOptions(arg[1:], args, &problem)
		default:
			g.keep([]string{arg})
			if g.stop {
				g.keep(args)
				return problem
			}
		}
	}
	return problem
}

func (g *getoptRun) keep(args []string) {
	for _, a := range args {
		g.rest = append(g.rest, shellQuote(a))
	}
}

func shellQuote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

func (g *getoptRun) shortOptions(letters string, args []string, problem *string) []string {
	for i := range len(letters) {
		at := strings.IndexByte(g.short, letters[i])
		if at < 0 || letters[i] == ':' {
			*problem = "invalid option -- '" + letters[i:i+1] + "'"
			continue
		}
		spec := g.short[at+1:]
		g.options = append(g.options, "-"+letters[i:i+1])
		if !strings.HasPrefix(spec, ":") {
			continue
		}
		value := letters[i+1:]
		if value == "" && !strings.HasPrefix(spec, "::") {
			if len(args) == 0 {
				*problem = "option requires an argument -- '" + letters[i:i+1] + "'"
				return args
			}
			value, args = args[0], args[1:]
		}
		g.options = append(g.options, shellQuote(value))
		return args
	}
	return args
}

func (g *getoptRun) longOption(text string, args []string, problem *string) []string {
	name, value, attached := strings.Cut(text, "=")
	for _, spec := range g.long {
		bare := strings.TrimRight(spec, ":")
		if bare != name {
			continue
		}
		g.options = append(g.options, "--"+name)
		switch colons := len(spec) - len(bare); {
		case colons == 0 && attached:
			*problem = "option '--" + name + "' doesn't allow an argument"
		case colons == 1 && !attached && len(args) == 0:
			*problem = "option '--" + name + "' requires an argument"
		case colons == 1 && !attached:
			value, args = args[0], args[1:]
			fallthrough
		case colons > 0:
			g.options = append(g.options, shellQuote(value))
		}
		return args
	}
	*problem = "unrecognized option '--" + name + "'"
	return args
}
