package servicetool

import (
	"context"
	"path"
	"regexp"
	"slices"
	"strings"

	"kiln/internal/maint/command"
)

// DebSystemdHelper is deb-systemd-helper(1p) of init-system-helpers. Its state
// files are kept as it keeps them. A unit that the recipe does not enable is
// recorded, and left as one that an administrator had disabled.
func DebSystemdHelper(_ context.Context, c *command.Call) (int, error) {
	o, err := c.ParseOptions("quiet user system")
	if err != nil {
		return 1, err
	}
	if len(o.Rest) == 0 {
		return 0, nil
	}
	h := &unitHelper{c: c, o: o, instance: "system", state: "/var/lib/systemd/deb-systemd-helper-enabled", masked: "/var/lib/systemd/deb-systemd-helper-masked"}
	if o.Has("user") {
		h.instance, h.state, h.masked = "user", "/var/lib/systemd/deb-systemd-user-helper-enabled", "/var/lib/systemd/deb-systemd-user-helper-masked"
	}
	status := 0
	if slices.Contains([]string{"is-enabled", "was-enabled", "debian-installed"}, o.Rest[0]) {
		status = 1
	}
	for _, unit := range o.Rest[1:] {
		s, err := h.run(o.Rest[0], unit)
		if err != nil {
			return 1, err
		}
		status = min(status, s)
	}
	return status, nil
}

type unitHelper struct {
	c                       *command.Call
	o                       command.Options
	instance, state, masked string
}

func (h *unitHelper) run(action, unit string) (int, error) {
	file := h.find(unit)
	switch action {
	case "is-enabled", "was-enabled":
		links := h.recorded(unit)
		if action == "is-enabled" {
			links = nil
			for _, l := range h.closure(file, []string{unit}) {
				links = append(links, l.at)
			}
		}
		return h.tell(!slices.ContainsFunc(links, func(l string) bool { return !h.c.FS.IsLink(l) }))
	case "debian-installed":
		if h.c.FS.IsFile(h.stateFile(unit)) {
			return 0, nil
		}
		return 1, nil
	case "update-state":
		return 0, h.updateState(unit, file)
	case "enable", "reenable":
		return 0, h.enable(unit, file)
	case "mask", "unmask":
		return 0, h.mask(action, unit)
	case "disable", "purge":
		return 0, h.disable(unit, action == "purge")
	}
	return 1, h.c.Unhonoured("the action %q is not known", action)
}

func (h *unitHelper) tell(enabled bool) (int, error) {
	word, status := "enabled", 0
	if !enabled {
		word, status = "disabled", 1
	}
	if !h.o.Has("quiet") {
		_, _ = h.c.Stderr.Write([]byte(word + "\n"))
	}
	return status, nil
}

// find returns the unit's file as the helper writes it: through /lib where that
// leads to /usr/lib.
func (h *unitHelper) find(unit string) string {
	for _, dir := range []string{"/etc/systemd/", "/lib/systemd/", "/usr/lib/systemd/"} {
		if p := dir + h.instance + "/" + unit; h.c.FS.IsFile(p) {
			return p
		}
	}
	return unit
}

func (h *unitHelper) stateFile(unit string) string {
	return h.state + "/" + path.Base(unit) + ".dsh-also"
}

func (h *unitHelper) recorded(unit string) []string {
	text, err := h.c.FS.ReadIfThere(h.stateFile(unit))
	if err != nil {
		return nil
	}
	return command.NonEmptyLines(text)
}

// unitLink is a link that enabling makes: at leads to the unit's file.
type unitLink struct{ at, to string }

// Lines of a unit that matter to the helper, which looks at no sections.
var (
	helperWanted   = regexp.MustCompile(`(?i)^\s*(WantedBy|RequiredBy)=(.+)$`)
	helperAlso     = regexp.MustCompile(`(?i)^\s*Also=(.+)$`)
	helperAlias    = regexp.MustCompile(`(?i)^\s*Alias=(.+)$`)
	helperInstance = regexp.MustCompile(`(?i)^\s*DefaultInstance=\s*["']?(.+?)["']?\s*$`)
)

// closure returns the links of a unit and of those that it names in Also=.
func (h *unitHelper) closure(file string, visited []string) []unitLink {
	text, err := h.c.FS.ReadFile(file)
	if err != nil {
		return nil
	}
	etc, name := "/etc/systemd/"+h.instance+"/", path.Base(file)
	target := name
	var links []unitLink
	var folders []string
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSuffix(line, "\n")
		if m := helperWanted.FindStringSubmatch(line); m != nil {
			suffix := map[bool]string{true: ".wants/", false: ".requires/"}[strings.EqualFold(m[1], "WantedBy")]
			for _, v := range unquoted(m[2]) {
				folders = append(folders, etc+v+suffix)
			}
		}
		if m := helperAlso.FindStringSubmatch(line); m != nil {
			for _, v := range unquoted(m[1]) {
				if v != name && !slices.Contains(visited, v) {
					visited = append(visited, v)
					links = append(links, h.closure(h.find(v), visited)...)
				}
			}
		}
		if m := helperAlias.FindStringSubmatch(line); m != nil {
			for _, v := range unquoted(m[1]) {
				if v != name {
					links = append(links, unitLink{etc + m[1], file})
				}
			}
		}
		if m := helperInstance.FindStringSubmatch(line); m != nil {
			target = strings.Replace(name, "@.", "@"+m[1]+".", 1)
		}
	}
	for _, f := range folders {
		links = append(links, unitLink{f + target, file})
	}
	return links
}

func unquoted(list string) []string {
	var all []string
	for v := range strings.FieldsSeq(list) {
		all = append(all, strings.Trim(v, `"'`))
	}
	return all
}
