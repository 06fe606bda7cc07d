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
	Changes []tree.Change  // what it did to the tree; only with Input.Trace
}

// trace finds what the run changed.
func (n *installation) trace(r *Run) error {
	if !n.in.Trace {
		return nil
	}
	now, err := n.fs.Tree()
	if err != nil {
		return err
	}
	r.Changes = tree.Diff(n.traced, now)
	n.traced = now
	return nil
}

// startTrace takes the tree as it is, so that what was unpacked meanwhile is
// nobody's change.
func (n *installation) startTrace() error {
	if !n.in.Trace {
		return nil
	}
	var err error
	n.traced, err = n.fs.Tree()
	return err
}
