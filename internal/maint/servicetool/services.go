// Package servicetool is the commands about services: units of systemd and scripts
// of init.d are enabled where the recipe says so, and never started.
package servicetool

import (
	"context"
	"path"
	"strings"

	"kiln/internal/maint/command"
)

// InvokeRcD is invoke-rc.d(8), and service(8): nothing runs in an image. Asking
// for a status gives 4, "unknown", as where policy-rc.d forbids.
func InvokeRcD(_ context.Context, c *command.Call) (int, error) {
	o, err := c.ParseLeading("quiet force try-anyway disclose-deny query no-fallback skip-systemd-native")
	if err != nil {
		return 103, err
	}
	if len(o.Rest) < 2 {
		return c.Complain(103, "syntax error: needs a script and an action")
	}
	if o.Has("query") {
		return 101, nil
	}
	if o.Rest[1] == "status" {
		return 4, nil
	}
	c.Note(o.Rest[1], o.Rest[0])
	return 0, nil
}

// DebSystemdInvoke is deb-systemd-invoke(1p): nothing runs in an image.
func DebSystemdInvoke(_ context.Context, c *command.Call) (int, error) {
	o, err := c.ParseOptions("user system no-dbus")
	if err != nil {
		return 1, err
	}
	if len(o.Rest) == 0 {
		return c.Complain(1, "missing action")
	}
	c.Note(o.Rest[0], strings.Join(o.Rest[1:], " "))
	return 0, nil
}

// PolicyRcD is policy-rc.d: all is denied.
func PolicyRcD(context.Context, *command.Call) (int, error) { return 101, nil }

// UpdateRcD is update-rc.d(8) without insserv: links with the number 01, at the
// run levels that the script's header names. A service that the recipe does not
// enable gets those that keep it stopped.
func UpdateRcD(_ context.Context, c *command.Call) (int, error) {
	o, err := c.ParseOptions("f")
	if err != nil {
		return 1, err
	}
	if len(o.Rest) < 2 {
		return c.Complain(1, "error: not enough arguments")
	}
	if c.FS.IsFile("/etc/insserv.conf") && c.FS.IsFile("/usr/lib/insserv/insserv") {
		return 1, c.Unhonoured("insserv orders the scripts")
	}
	name, action := o.Rest[0], o.Rest[1]
	have := c.FS.Glob("/etc/rc?.d/[SK][0-9][0-9]" + name)
	switch action {
	case "remove":
		for _, l := range have {
			if err := c.FS.Remove(l); err != nil {
				return 1, err
			}
		}
		return 0, nil
	case "defaults", "defaults-disabled":
		if len(have) > 0 {
			return 0, nil
		}
		return rcLinks(c, name, action == "defaults" && wanted(c, name+".service"))
	case "enable", "disable":
		return 0, rcToggle(c, name, action, have)
	}
	return 1, c.Unhonoured("the action %q is not known", action)
}

func rcLinks(c *command.Call, name string, start bool) (int, error) {
	script := "/etc/init.d/" + name
	if !c.FS.IsFile(script) {
		return c.Complain(1, "error: unable to read %s", script)
	}
	text, err := c.FS.ReadFile(script)
	if err != nil {
		return 1, err
	}
	begin := "K01"
	if start {
		begin = "S01"
	}
	for _, set := range []struct{ field, prefix string }{{"Default-Start", begin}, {"Default-Stop", "K01"}} {
		for _, level := range lsbLevels(text, set.field) {
			link := "/etc/rc" + level + ".d/" + set.prefix + name
			if err := c.FS.MkdirAll(path.Dir(link), 0o755); err != nil {
				return 1, err
			}
			if err := c.FS.ReplaceLink("../init.d/"+name, link); err != nil {
				return 1, err
			}
		}
	}
	return 0, nil
}

// lsbLevels reads a field of the header of an init script.
func lsbLevels(text []byte, field string) []string {
	inside := false
	var levels []string
	for line := range strings.Lines(string(text)) {
		line = strings.TrimRight(line, " \t\n")
		switch {
		case line == "### BEGIN INIT INFO":
			inside = true
		case line == "### END INIT INFO":
			return levels
		case inside:
			if v, ok := strings.CutPrefix(line, "# "+field+":"); ok {
				levels = strings.Fields(v)
			}
		}
	}
	return levels
}

func rcToggle(c *command.Call, name, action string, have []string) error {
	from, to := "/K", "/S"
	if action == "disable" {
		from, to = to, from
	}
	if action == "enable" && !wanted(c, name+".service") {
		return nil
	}
	for _, l := range have {
		if level := strings.TrimPrefix(path.Dir(l), "/etc/rc"); !strings.Contains("S.d 2.d 3.d 4.d 5.d", level) {
			continue
		}
		if !strings.Contains(l, from) {
			continue
		}
		if err := c.FS.Rename(l, strings.Replace(l, from, to, 1)); err != nil {
			return err
		}
	}
	return nil
}
