package system

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"kiln"
	"kiln/internal/recipe"
	"kiln/internal/tree"
)

const (
	modules  = "usr/lib/modules"
	initPath = "usr/lib/systemd/systemd"
)

// Release is the release of the one kernel in a tree, as uname -r has it; its image is
// /boot/vmlinuz-RELEASE.
func Release(t *tree.Tree) (string, error) {
	var found []string
	for _, file := range t.Children(boot) {
		release, ok := strings.CutPrefix(file, boot+"/vmlinuz-")
		if _, there := t.Lookup(path.Join(modules, release)); ok && there {
			found = append(found, release)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return "", &kiln.Error{Code: kiln.User, Text: "the image has no kernel: no /boot/vmlinuz-RELEASE with its /usr/lib/modules/RELEASE",
			Hints: []string{"name the package of a kernel: system: {kernel: {package: linux-image-amd64, why: ...}}"}}
	}
	return "", &kiln.Error{Code: kiln.User, Text: fmt.Sprintf("the image has %d kernels, %s, and boots one", len(found), strings.Join(found, " and ")),
		Hints: []string{"name one in system: {kernel: ...}, and take out what brings the others: kiln why RECIPE /boot/vmlinuz-" + found[len(found)-1]}}
}

// Check finds what of the system section does not fit the image's tree.
func Check(t *tree.Tree, c tree.Contents, r *recipe.Recipe) error {
	release, err := Release(t)
	if err != nil {
		return r.Refuse("system.kernel", err)
	}
	for _, needed := range []struct{ path, name, remedy string }{
		{initPath, "systemd", "- systemd: the first process"},
		{"usr/lib/systemd/systemd-udevd", "udev", "- udev: devices get their names, and their drivers"},
		{"usr/bin/kmod", "kmod", "- kmod: loads drivers"},
	} {
		if _, ok := t.Lookup(needed.path); !ok {
			return r.Refuse("system.kernel", &kiln.Error{Code: kiln.User, Text: fmt.Sprintf("an image that boots needs %s: there is no /%s", needed.name, needed.path),
				Hints: []string{"list it in a layer: " + needed.remedy}})
		}
	}
	if err := checkModules(t, c, r, release); err != nil {
		return err
	}
	for i, m := range r.System.Mutable {
		if m.Class != recipe.Seeded && m.Class != recipe.Volatile {
			continue
		}
		if _, err := t.Resolve(m.Path[1:]); err != nil {
			return r.Refuse(fmt.Sprintf("system.mutable[%d].path", i), &kiln.Error{Code: kiln.User, Text: fmt.Sprintf("the image has no %s to begin with", m.Path),
				Hints: []string{"make it under files: in a layer, or give it the class managed, which begins empty"}})
		}
	}
	return nil
}

// checkModules refuses modules that the kernel does not have, and the denial of what is
// no module: it is part of the kernel.
func checkModules(t *tree.Tree, c tree.Contents, r *recipe.Recipe, release string) error {
	m := r.System.Modules
	if len(m.Deny)+len(m.Initrd) == 0 {
		return nil
	}
	loadable, builtin, err := modulesOf(t, c, release)
	if err != nil {
		return err
	}
	for _, list := range []struct {
		key     string
		modules []recipe.Module
	}{{"deny", m.Deny}, {"initrd", m.Initrd}} {
		for i, mod := range list.modules {
			name := recipe.Underscored(mod.Module)
			e := &kiln.Error{Code: kiln.User}
			switch {
			case loadable[name], builtin[name] && list.key == "initrd":
				continue
			case builtin[name]:
				e.Text = fmt.Sprintf("the kernel %s has %q built in: it is no module, and cannot be denied", release, mod.Module)
				e.Hints = []string{"deny its start instead: system: {cmdline: [{arg: initcall_blacklist=FUNCTION, why: ...}]}, or take the line out"}
			default:
				e.Text = fmt.Sprintf("the kernel %s has no module %q", release, mod.Module)
				if near := recipe.Nearest(name, sorted(loadable)); near != "" {
					e.Hints = append(e.Hints, fmt.Sprintf("did you mean %q?", near))
				}
				e.Hints = append(e.Hints, "take the line out: what is not there need not be denied, and cannot be loaded")
			}
			return r.Refuse(fmt.Sprintf("system.modules.%s[%d].module", list.key, i), e)
		}
	}
	return nil
}

// modulesOf are the names of the kernel's modules, and of what could be one and is built in.
func modulesOf(t *tree.Tree, c tree.Contents, release string) (loadable, builtin map[string]bool, err error) {
	loadable, builtin = map[string]bool{}, map[string]bool{}
	top := path.Join(modules, release)
	for _, p := range t.Paths() {
		if strings.HasPrefix(p, top+"/") {
			if name, ok := ModuleName(p); ok {
				loadable[name] = true
			}
		}
	}
	e, ok := t.Lookup(path.Join(top, "modules.builtin"))
	if !ok {
		return loadable, builtin, nil
	}
	text, err := ReadFile(c, &e)
	if err != nil {
		return nil, nil, err
	}
	for line := range strings.Lines(string(text)) {
		if name, ok := ModuleName(strings.TrimSpace(line)); ok {
			builtin[name] = true
		}
	}
	return loadable, builtin, nil
}

// ModuleName is the name of the module in a file.
func ModuleName(file string) (string, bool) {
	name, ext, ok := strings.Cut(path.Base(file), ".ko")
	return recipe.Underscored(name), ok && slices.Contains([]string{"", ".xz", ".zst", ".gz"}, ext)
}

func sorted(set map[string]bool) []string {
	var names []string
	for name := range set {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
