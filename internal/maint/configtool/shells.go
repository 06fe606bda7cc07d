package configtool

import (
	"context"
	"slices"
	"strings"

	"kiln/internal/maint/command"
)

const (
	shellsFile    = "/etc/shells"
	shellsState   = "/var/lib/shells.state"
	shellsDefault = "/usr/share/debianutils/shells"
	shellsFolder  = "/usr/share/debianutils/shells.d"
)

// UpdateShells is update-shells(8) of debianutils: /etc/shells gets the shells of
// packages, and keeps what was added or taken away locally.
func UpdateShells(_ context.Context, c *command.Call) (int, error) {
	o, err := c.ParseOptions("verbose root= no-act")
	if err != nil {
		return 1, err
	}
	if strings.Trim(o.Value("root", ""), "/") != "" || o.Has("no-act") || len(o.Rest) > 0 {
		return 1, c.Unhonoured("it works on the tree's own files")
	}
	packaged, err := packagedShells(c)
	if err != nil {
		return 1, err
	}
	stateText, err := c.FS.ReadIfThere(shellsState)
	if err != nil {
		return 1, err
	}
	state := shellNames(stateText)
	source := shellsFile
	if !c.FS.Present(shellsFile) {
		source = shellsDefault
	}
	text, err := c.FS.ReadFile(source)
	if err != nil {
		return c.Complain(2, "cannot read %s", source)
	}
	if err := c.FS.Rewrite(shellsFile, mergeShells(text, packaged, state), 0o644); err != nil {
		return 1, err
	}
	return 0, c.FS.Rewrite(shellsState, []byte(strings.Join(packaged, "\n")+"\n"), 0o644)
}

// shellNames are the lines less their comments.
func shellNames(text []byte) []string {
	var all []string
	for _, l := range command.NonEmptyLines(text) {
		if l, _, _ = strings.Cut(l, "#"); l != "" {
			all = append(all, l)
		}
	}
	return all
}

// packagedShells lists each shell as it is named, and by its real folder.
func packagedShells(c *command.Call) ([]string, error) {
	var all []string
	for _, f := range append([]string{shellsDefault}, c.FS.Glob(shellsFolder+"/*")...) {
		if !c.FS.IsFile(f) {
			continue
		}
		text, err := c.FS.ReadFile(f)
		if err != nil {
			return nil, err
		}
		for _, name := range shellNames(text) {
			for _, n := range []string{name, c.FS.RealFolder(name)} {
				if !slices.Contains(all, n) {
					all = append(all, n)
				}
			}
		}
	}
	return all, nil
}

func mergeShells(text []byte, packaged, state []string) []byte {
	var b strings.Builder
	var have []string
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSuffix(line, "\n")
		shell, _, _ := strings.Cut(line, "#")
		local := !slices.Contains(state, shell)
		if shell != "" && (!slices.Contains(packaged, shell) && !local || slices.Contains(have, shell)) {
			continue
		}
		b.WriteString(line + "\n")
		have = append(have, shell)
	}
	for _, shell := range packaged {
		if !slices.Contains(have, shell) && !slices.Contains(state, shell) {
			b.WriteString(shell + "\n")
		}
	}
	return []byte(b.String())
}

// AddShell is add-shell(8), and remove-shell(8) when called so.
func AddShell(_ context.Context, c *command.Call) (int, error) {
	if len(c.Args) == 0 || strings.HasPrefix(c.Args[0], "-") {
		return c.Complain(1, "usage: %s shellname [shellname ...]", c.Name)
	}
	text, err := c.FS.ReadFile(shellsFile)
	if err != nil {
		return c.Complain(1, "cannot read %s", shellsFile)
	}
	lines := strings.SplitAfter(string(text), "\n")
	for _, arg := range c.Args {
		for _, shell := range []string{arg, c.FS.RealFolder(arg)} {
			line := shell + "\n"
			if c.Name == "remove-shell" {
				lines = slices.DeleteFunc(lines, func(l string) bool { return l == line })
			} else if !slices.Contains(lines, line) {
				lines = append(lines, line)
			}
		}
	}
	return 0, c.FS.Rewrite(shellsFile, []byte(strings.Join(lines, "")), 0o644)
}
