// Package toolbox is the table of every command that a maintainer script can call,
// with what becomes of its calls. The commands are in the packages beside it.
package toolbox

import (
	"maps"

	"kiln/internal/maint/command"
	"kiln/internal/maint/hosttool"
)

// Table lists every command that a script can call, by name.
func Table() map[string]command.Func {
	all := ShellTools()
	maps.Copy(all, DebianTools())
	all["perl"] = hosttool.Perl
	return all
}
