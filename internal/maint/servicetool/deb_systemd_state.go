package servicetool

import (
	"path"
	"slices"
	"strings"
)

// enable makes the links of a unit that is new, if the recipe wants them, and
// records them in any case.
func (h *unitHelper) enable(unit, file string) error {
	if !wanted(h.c, unit) {
		return h.updateState(unit, file)
	}
	links := h.closure(file, []string{unit})
	create := true
	if h.c.FS.IsFile("/usr/bin/systemctl") {
		if h.c.FS.IsFile(h.stateFile(unit)) {
			create = slices.ContainsFunc(links, func(l unitLink) bool { return h.c.FS.IsLink(l.at) })
		} else {
			create = false
			if err := h.preset(unit); err != nil {
				return err
			}
		}
	}
	for _, l := range links {
		if err := h.enableLink(unit, l, create); err != nil {
			return err
		}
	}
	return nil
}

// preset enables as "systemctl --preset-mode=enable-only preset" does.
func (h *unitHelper) preset(unit string) error {
	ok, err := presetEnables(h.c.FS, h.instance, unit)
	if err != nil || !ok {
		return err
	}
	_, err = enableUnit(h.c.FS, h.instance, unit, map[string]bool{})
	return err
}

func (h *unitHelper) enableLink(unit string, l unitLink, create bool) error {
	f := h.c.FS
	if err := h.record(unit, l.at); err != nil {
		return err
	}
	state := h.state + "/" + strings.TrimPrefix(l.at, "/etc/systemd/"+h.instance+"/")
	if f.Exists(state) {
		return nil
	}
	if create && !f.IsLink(l.at) {
		if err := f.MkdirAll(path.Dir(l.at), 0o755); err != nil {
			return err
		}
		if err := f.Symlink(l.to, l.at); err != nil {
			return err
		}
	}
	if err := f.MkdirAll(path.Dir(state), 0o755); err != nil {
		return err
	}
	return f.WriteFile(state, nil, 0o644)
}

// record adds a link to the unit's state file.
func (h *unitHelper) record(unit, link string) error {
	lines := h.recorded(unit)
	if !slices.Contains(lines, link) {
		lines = append(lines, link)
	}
	return h.writeState(unit, lines)
}

func (h *unitHelper) writeState(unit string, lines []string) error {
	if err := h.c.FS.MkdirAll(h.state, 0o755); err != nil {
		return err
	}
	text := ""
	for _, l := range lines {
		text += l + "\n"
	}
	return h.c.FS.Rewrite(h.stateFile(unit), []byte(text), 0o644)
}

func (h *unitHelper) updateState(unit, file string) error {
	var lines []string
	for _, l := range h.closure(file, []string{unit}) {
		lines = append(lines, l.at)
	}
	return h.writeState(unit, lines)
}

func (h *unitHelper) mask(action, unit string) error {
	f := h.c.FS
	link, state := "/etc/systemd/"+h.instance+"/"+path.Base(unit), h.masked+"/"+path.Base(unit)
	if action == "mask" {
		if f.Present(link) {
			return nil
		}
		for _, p := range []string{link, state} {
			if err := f.MkdirAll(path.Dir(p), 0o755); err != nil {
				return err
			}
		}
		if err := f.Symlink("/dev/null", link); err != nil {
			return err
		}
		return f.WriteFile(state, nil, 0o644)
	}
	if f.LinkTarget(link) != "/dev/null" || !f.Present(state) {
		return nil
	}
	if err := f.Remove(link); err != nil {
		return err
	}
	if err := f.Remove(state); err != nil {
		return err
	}
	return h.removeEmpty(h.masked)
}

// disable removes what is recorded of a unit.
func (h *unitHelper) disable(unit string, purge bool) error {
	f := h.c.FS
	links := h.recorded(unit)
	if purge && f.Present(h.stateFile(unit)) {
		if err := f.Remove(h.stateFile(unit)); err != nil {
			return err
		}
	}
	for _, l := range links {
		state := h.state + "/" + strings.TrimPrefix(l, "/etc/systemd/"+h.instance+"/")
		linked := f.IsLink(l)
		if (purge || linked) && f.Present(state) {
			if err := f.Remove(state); err != nil {
				return err
			}
		}
		if linked {
			if err := f.Remove(l); err != nil {
				return err
			}
		}
	}
	return h.removeEmpty(h.state)
}

// removeEmpty removes a directory and those in it, as far as they are empty.
func (h *unitHelper) removeEmpty(dir string) error {
	entries, err := h.c.FS.ReadDir(dir)
	if err != nil {
		return nil // not there: nothing to remove
	}
	for _, e := range entries {
		if e.IsDir() {
			if err := h.removeEmpty(dir + "/" + e.Name()); err != nil {
				return err
			}
		}
	}
	if entries, err = h.c.FS.ReadDir(dir); err != nil || len(entries) > 0 {
		return err
	}
	return h.c.FS.Remove(dir)
}
