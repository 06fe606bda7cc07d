package shell

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"kiln/internal/maint/command"
)

// setArgs is set.
func (p *process) setArgs(args []string, _ bool) int {
	args = args[1:]
	if len(args) == 0 {
		p.Each(func(name string, v variable) bool {
			fmt.Fprintf(p.stdout(), "%s=%s\n", name, quote(v.String()))
			return true
		})
		return 0
	}
	for len(args) > 0 && len(args[0]) > 1 && (args[0][0] == '-' || args[0][0] == '+') {
		o := args[0]
		args = args[1:]
		switch {
		case o == "--":
			p.params = args
			return 0
		case o[1] == 'o' && len(args) > 0:
			if !p.namedOption(args[0], o[0] == '-') {
				return p.wrong(true, "set: Illegal option %s %s", o, args[0])
			}
			args = args[1:]
		case !p.option(o):
			return p.wrong(true, "set: Illegal option %s", o)
		}
	}
	if len(args) > 0 {
		p.params = args
	}
	return 0
}

// option sets the options of a word such as "-eu".
func (p *process) option(word string) bool {
	on := word[0] == '-'
	for _, c := range []byte(word[1:]) {
		if !strings.ContainsRune("abefhmnuvxCEp", rune(c)) || on && c == 'n' {
			return false
		}
		p.opts[c] = on
	}
	p.reconfigure()
	return len(word) > 1
}

// namedOption is set -o.
func (p *process) namedOption(name string, on bool) bool {
	letters := map[string]byte{
		"errexit": 'e', "nounset": 'u', "xtrace": 'x', "noglob": 'f', "noclobber": 'C', "allexport": 'a', "verbose": 'v',
		"errtrace": 'E', "posix": 'p', "pipefail": pipefail, "monitor": 'm', "notify": 'b',
	}
	c, ok := letters[name]
	if ok && (c != pipefail || p.bash) { // dash 0.5.12 has no pipefail
		p.opts[c] = on
		p.reconfigure()
		return true
	}
	return false
}

func (p *process) listExported() int {
	p.Each(func(name string, v variable) bool {
		if v.Exported && v.IsSet() {
			fmt.Fprintf(p.stdout(), "export %s=%s\n", name, quote(v.String()))
		}
		return true
	})
	return 0
}

// quote quotes a value as dash does.
func quote(s string) string {
	return "'" + strings.ReplaceAll(s, "'", `'"'"'`) + "'"
}

// trap keeps actions. Only EXIT ever happens.
func (p *process) trap(args []string, _ bool) int {
	args = args[1:]
	if len(args) > 0 && args[0] == "--" {
		args = args[1:]
	}
	if len(args) == 0 {
		for _, name := range slices.Sorted(maps.Keys(p.traps)) {
			fmt.Fprintf(p.stdout(), "trap -- %s %s\n", quote(p.traps[name]), name)
		}
		return 0
	}
	action := args[0]
	names := args[1:]
	if _, isNumber := p.number(action); isNumber || len(names) == 0 {
		action, names = "-", args
	}
	for _, name := range names {
		name, ok := condition(name)
		if !ok {
			return p.wrong(false, "trap: %s: bad trap", name)
		}
		if action == "-" {
			delete(p.traps, name)
		} else {
			p.traps[name] = action
		}
	}
	return 0
}

// condition returns the name of what a trap is for.
func condition(name string) (string, bool) {
	name = strings.TrimPrefix(strings.ToUpper(name), "SIG")
	for number, known := range []string{
		"EXIT", "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE", "ALRM", "TERM",
	} {
		if name == known || name == fmt.Sprint(number) {
			return known, true
		}
	}
	return name, name == "ERR" || name == "CHLD" || name == "CONT" || name == "TSTP" || name == "WINCH"
}

// umaskArgs is umask: the mask is the process's own.
func (p *process) umaskArgs(args []string, _ bool) int {
	symbolic := len(args) > 1 && args[1] == "-S"
	if symbolic {
		args = slices.Delete(slices.Clone(args), 1, 2)
	}
	if len(args) == 1 {
		if symbolic {
			fmt.Fprintln(p.stdout(), symbolicMask(p.umask))
		} else {
			fmt.Fprintf(p.stdout(), "%04o\n", p.umask)
		}
		return 0
	}
	var mask uint32
	if _, err := fmt.Sscanf(args[1], "%o", &mask); err == nil && mask <= 0o777 {
		p.umask = mask
		return 0
	}
	perm, err := command.ChangeMode(^p.umask&0o777, args[1], false, 0)
	if err != nil {
		return p.wrong(false, "umask: Illegal mode: %s", args[1])
	}
	p.umask = ^perm & 0o777
	return 0
}

func symbolicMask(mask uint32) string {
	var parts []string
	for i, who := range []string{"u", "g", "o"} {
		bits := ^mask >> (6 - 3*i) & 7
		text := who + "="
		for b, letter := range []string{"r", "w", "x"} {
			if bits&(4>>b) != 0 {
				text += letter
			}
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, ",")
}
