package maint

import (
	"kiln/internal/maint/vfs"
	"kiln/internal/tree"
)

// Hooks are called once each, where they are given, while packages are installed.
type Hooks struct {
	Accounts    func(*vfs.FS) error // as soon as there are an /etc/passwd and an /etc/group, before the next script
	Configuring func(*vfs.FS) error // before the first package is configured
	Configured  func(*vfs.FS) error // at the end
}

// hooksCalled tells which were.
type hooksCalled struct{ accounts, configuring bool }

// hook calls one of the hooks.
func (n *installation) hook(f func(*vfs.FS) error) error {
	if f == nil {
		return nil
	}
	before := n.fs.Author(tree.Origin{})
	defer n.fs.Author(before)
	if err := f(n.fs); err != nil {
		return err
	}
	n.watch.forget()
	return n.fs.Failure()
}

// hookConfiguring calls the hook of that name at the first time.
func (n *installation) hookConfiguring() error {
	if n.called.configuring {
		return nil
	}
	n.called.configuring = true
	return n.hook(n.in.Hooks.Configuring)
}

// hookAccounts calls the hook of that name once the tree has accounts.
func (n *installation) hookAccounts() error {
	if n.in.Hooks.Accounts == nil || n.called.accounts || !n.fs.IsFile("/etc/passwd") || !n.fs.IsFile("/etc/group") {
		return nil
	}
	n.called.accounts = true
	return n.hook(n.in.Hooks.Accounts)
}
