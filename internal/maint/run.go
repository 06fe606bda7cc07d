package maint

import (
	"kiln"
	"kiln/internal/maint/command"
	"kiln/internal/tree"
)

// Run is one script that ran.
type Run struct {
	ID      kiln.PackageID
	Script  string // "postinst"
	Args    []string
	Notes   []command.Note // what it wanted of a running system
	Changes []tree.Change  // what it did to the tree
}
