package maint

import (
	"cmp"
	"context"
	"fmt"

	"kiln"
	"kiln/internal/maint/shell"
	"kiln/internal/tree"
)

// configure runs the package's postinst.
func (n *installation) configure(ctx context.Context, m *member) error {
	if err := n.hookConfiguring(); err != nil {
		return err
	}
	if err := n.script(ctx, m, "postinst", "configure", ""); err != nil {
		return err
	}
	if !m.configured { // it has no postinst
		m.state, m.configured = installed, true
	}
	for _, t := range m.activations() {
		n.activate(t)
	}
	return nil
}

// runningVersion is what scripts are told of dpkg: that of Debian 13.
const runningVersion = "1.22.21"

// script runs one maintainer script of the package, if it has it.
func (n *installation) script(ctx context.Context, m *member, name string, args ...string) error {
	source, ok := m.script(name)
	if !ok {
		return nil
	}
	label := n.db.label(m)
	run := Run{ID: m.ID, Script: name, Args: args}
	notes := len(n.machine.Notes)
	n.fs.Watch() // what was unpacked meanwhile is nobody's change
	n.machine.Package, n.machine.Script, n.machine.Line = label, name, 0
	before := n.fs.Author(tree.Origin{Package: n.db.origin(m), Script: n.db.origin(m) + "." + name})
	defer n.fs.Author(before)
	n.printed.last = nil
	n.watch.begin(n.db.origin(m), name)
	endScratch := n.scratch()
	limited, cancel := context.WithTimeout(ctx, cmp.Or(n.in.Limit, scriptLimit))
	defer cancel()
	status, err := n.runner.Run(limited, shell.Script{
		Package: label,
		Name:    name,
		Path:    n.db.infoBase(m) + "." + name,
		Source:  source,
		Args:    args,
		Env:     n.environment(m, name),
		Umask:   0o022,
	})
	endScratch()
	if err == nil {
		err = n.fs.Failure()
	}
	if err != nil {
		return cmp.Or(ctx.Err(), err)
	}
	if status != 0 {
		return &kiln.Error{
			Code: kiln.User,
			Text: fmt.Sprintf("cannot configure the package %q: its %s ended with status %d near line %d%s", m.ID, name, status, n.machine.Line, n.printed.words()),
			Hints: []string{
				fmt.Sprintf("to do without the script, write into the recipe:\nskip:\n  - {package: %s, scripts: [%s], why: ...}", n.db.origin(m), name),
			},
		}
	}
	n.watch.end()
	run.Notes = n.machine.Notes[notes:]
	run.Changes = n.fs.Changes()
	n.runs = append(n.runs, run)
	if name == "postinst" && args[0] == "configure" {
		// From here on it is told of triggers, of its own too: a package that
		// leaves work for its trigger counts on that.
		m.state, m.configured = installed, true
	}
	n.takeActivated()
	return n.hookAccounts()
}

// environment is what dpkg and a non-interactive apt give to a script.
func (n *installation) environment(m *member, script string) map[string]string {
	return map[string]string{
		"DEBCONF_NONINTERACTIVE_SEEN":       "true",
		"DEBIAN_FRONTEND":                   "noninteractive",
		"DPKG_ADMINDIR":                     "/var/lib/dpkg",
		"DPKG_MAINTSCRIPT_ARCH":             m.ID.Architecture,
		"DPKG_MAINTSCRIPT_NAME":             script,
		"DPKG_MAINTSCRIPT_PACKAGE":          m.ID.Name,
		"DPKG_MAINTSCRIPT_PACKAGE_REFCOUNT": "1",
		"DPKG_ROOT":                         "",
		"DPKG_RUNNING_VERSION":              runningVersion,
		"HOME":                              "/root",
		"LC_ALL":                            "C.UTF-8",
		"PATH":                              "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
	}
}

func userError(format string, args ...any) error {
	return &kiln.Error{Code: kiln.User, Text: fmt.Sprintf(format, args...)}
}
