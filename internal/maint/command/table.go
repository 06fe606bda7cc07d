package command

import "maps"

// Table lists every command that a script can call, by name.
func Table() map[string]Func {
	all := ShellTools()
	maps.Copy(all, DebianTools())
	all["perl"] = Perl
	return all
}
