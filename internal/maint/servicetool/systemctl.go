package servicetool

import (
	"context"
	"path"
	"slices"
	"strings"

	"kiln/internal/maint/command"
)

const systemctlOptions = "system user global no-reload quiet,q now force,f no-pager no-block no-ask-password runtime full,l value root= preset-mode= " +
	"property,p= P= type,t= state= kill-whom= kill-who= signal,s= job-mode= plain no-legend all,a what= output,o= message= no-warn wait"

// onlineVerbs need a running manager; in a chroot systemctl ignores them.
const onlineVerbs = " start stop reload restart try-restart reload-or-restart try-reload-or-restart reload-or-try-restart force-reload condrestart " +
	"kill is-active is-failed show status daemon-reload daemon-reexec reset-failed list-units list-sockets list-timers isolate clean set-property " +
	"condreload condstop freeze thaw cat poweroff reboot "

// Systemctl is systemctl(1) as it works in a chroot: links of units are made and
// removed, and nothing is running.
func Systemctl(_ context.Context, c *command.Call) (int, error) {
	o, err := c.ParseOptions(systemctlOptions)
	if err != nil {
		return 1, err
	}
	if r := o.Value("root", ""); r != "" && r != "/" {
		return 1, c.Unhonoured("there is one root only")
	}
	if len(o.Rest) == 0 {
		return 1, c.Unhonoured("there is no verb")
	}
	instance := "system"
	if o.Has("user") || o.Has("global") {
		instance = "user"
	}
	verb, units := o.Rest[0], withSuffix(o.Rest[1:])
	if strings.Contains(onlineVerbs, " "+verb+" ") {
		c.Note(verb, strings.Join(units, " "))
		_, _ = c.Complain(0, "Running in chroot, ignoring command '%s'", verb)
		return 0, nil
	}
	return systemctlVerb(c, o, instance, verb, units)
}

// withSuffix completes names of units as systemctl does.
func withSuffix(names []string) []string {
	kinds := []string{".service", ".socket", ".timer", ".target", ".path", ".mount", ".automount", ".swap", ".slice", ".scope", ".device"}
	all := slices.Clone(names)
	for i, n := range all {
		if !slices.Contains(kinds, path.Ext(n)) {
			all[i] = n + ".service"
		}
	}
	return all
}

func systemctlVerb(c *command.Call, o command.Options, instance, verb string, units []string) (int, error) {
	switch verb {
	case "is-system-running":
		c.Say("offline")
		return 1, nil
	case "enable", "reenable", "preset":
		return systemctlEnable(c, instance, verb, units)
	case "disable":
		for _, u := range units {
			if err := disableUnit(c.FS, instance, u); err != nil {
				return 1, err
			}
		}
		return 0, nil
	case "mask", "unmask":
		return systemctlMask(c, instance, verb, units)
	case "is-enabled":
		return systemctlIsEnabled(c, o, instance, units)
	case "set-default":
		return 0, c.FS.ReplaceLink("/usr/lib/systemd/system/"+o.Rest[1], "/etc/systemd/system/default.target")
	}
	return 1, c.Unhonoured("the verb %q is not known", verb)
}

func systemctlEnable(c *command.Call, instance, verb string, units []string) (int, error) {
	for _, u := range units {
		if verb == "preset" {
			ok, err := presetEnables(c.FS, instance, u)
			if err != nil {
				return 1, err
			}
			if !ok {
				continue
			}
		}
		if _, ok := findUnit(c.FS, instance, u); !ok {
			return c.Complain(1, "Failed to enable unit: Unit %s does not exist", u)
		}
		if !wanted(c, u) {
			continue
		}
		if _, err := enableUnit(c.FS, instance, u, map[string]bool{}); err != nil {
			return 1, err
		}
	}
	return 0, nil
}

func systemctlMask(c *command.Call, instance, verb string, units []string) (int, error) {
	for _, u := range units {
		p := "/etc/systemd/" + instance + "/" + u
		masked := c.FS.LinkTarget(p) == "/dev/null"
		var err error
		switch {
		case verb == "mask" && !c.FS.Present(p):
			if err = c.FS.MkdirAll(path.Dir(p), 0o755); err == nil {
				err = c.FS.Symlink("/dev/null", p)
			}
		case verb == "mask" && !masked:
			return c.Complain(1, "Failed to mask unit: File '%s' already exists.", p)
		case verb == "unmask" && masked:
			err = c.FS.Remove(p)
		}
		if err != nil {
			return 1, err
		}
	}
	return 0, nil
}

func systemctlIsEnabled(c *command.Call, o command.Options, instance string, units []string) (int, error) {
	status := 1
	for _, u := range units {
		state, err := unitState(c, instance, u)
		if err != nil {
			return 1, err
		}
		if !o.Has("quiet") {
			c.Say("%s", state)
		}
		switch state {
		case "enabled", "static", "alias", "indirect":
			status = 0
		case "not-found":
			status = 4
		}
	}
	return status, nil
}

func unitState(c *command.Call, instance, unit string) (string, error) {
	if c.FS.LinkTarget("/etc/systemd/"+instance+"/"+unit) == "/dev/null" {
		return "masked", nil
	}
	file, ok := findUnit(c.FS, instance, unit)
	if !ok {
		return "not-found", nil
	}
	u, err := readUnit(c.FS, file)
	if err != nil {
		return "", err
	}
	links := u.links(unit)
	if len(links) == 0 && len(u.also) > 0 {
		return "indirect", nil
	}
	if len(links) == 0 {
		return "static", nil
	}
	for _, l := range links {
		if c.FS.IsLink("/etc/systemd/" + instance + "/" + l) {
			return "enabled", nil
		}
	}
	return "disabled", nil
}
