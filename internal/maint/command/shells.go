package command

import (
	"context"
	"slices"
	"strings"
)

const (
	shellsFile    = "/etc/shells"
	shellsState   = "/var/lib/shells.state"
	shellsDefault = "/usr/share/debianutils/shells"
	shellsFolder  = "/usr/share/debianutils/shells.d"
)

// UpdateShells is update-shells(8) of debianutils: /etc/shells gets the shells of
// packages, and keeps what was added or taken away locally.
func UpdateShells(_ context.Context, c *Call) (int, error) {
	o, err := parseOptions(c, "verbose root= no-act")
	if err != nil {
		return 1, err
	}
	if strings.Trim(o.value("root", ""), "/") != "" || o.has("no-act") || len(o.rest) > 0 {
		return 1, unhonoured(c, "it works on the tree's own files")
	}
	packaged, err := packagedShells(c)
	if err != nil {
		return 1, err
	}
	stateText, err := readIfThere(c.FS, shellsState)
	if err != nil {
		return 1, err
	}
	state := shellNames(stateText)
	source := shellsFile
	if !present(c.FS, shellsFile) {
		source = shellsDefault
	}
	text, err := c.FS.ReadFile(source)
	if err != nil {
		return complain(c, 2, "cannot read %s", source)
	}
	if err := rewrite(c.FS, shellsFile, mergeShells(text, packaged, state), 0o644); err != nil {
		return 1, err
	}
	return 0, rewrite(c.FS, shellsState, []byte(strings.Join(packaged, "\n")+"\n"), 0o644)
}

// shellNames are the lines less their comments.
func shellNames(text []byte) []string {
	var all []string
	for _, l := range nonEmptyLines(text) {
		if l, _, _ = strings.Cut(l, "#"); l != "" {
			all = append(all, l)
		}
	}
	return all
}

// packagedShells lists each shell as it is named, and by its real folder.
func packagedShells(c *Call) ([]string, error) {
	var all []string
	for _, f := range append([]string{shellsDefault}, c.FS.Glob(shellsFolder+"/*")...) {
		if !isFile(c.FS, f) {
			continue
		}
		text, err := c.FS.ReadFile(f)
		if err != nil {
			return nil, err
		}
		for _, name := range shellNames(text) {
			for _, n := range []string{name, realFolder(c.FS, name)} {
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
func AddShell(_ context.Context, c *Call) (int, error) {
	if len(c.Args) == 0 || strings.HasPrefix(c.Args[0], "-") {
		return complain(c, 1, "usage: %s shellname [shellname ...]", c.Name)
	}
	text, err := c.FS.ReadFile(shellsFile)
	if err != nil {
		return complain(c, 1, "cannot read %s", shellsFile)
	}
	lines := strings.SplitAfter(string(text), "\n")
	for _, arg := range c.Args {
		for _, shell := range []string{arg, realFolder(c.FS, arg)} {
			line := shell + "\n"
			if c.Name == "remove-shell" {
				lines = slices.DeleteFunc(lines, func(l string) bool { return l == line })
			} else if !slices.Contains(lines, line) {
				lines = append(lines, line)
			}
		}
	}
	return 0, rewrite(c.FS, shellsFile, []byte(strings.Join(lines, "")), 0o644)
}
