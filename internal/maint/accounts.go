package maint

// hookAccounts calls the hook of that name once the tree has accounts.
func (n *installation) hookAccounts() error {
	if n.in.Hooks.Accounts == nil || n.accounts || !n.isFile("/etc/passwd") || !n.isFile("/etc/group") {
		return nil
	}
	n.accounts = true
	return n.hook(n.in.Hooks.Accounts)
}

func (n *installation) isFile(path string) bool {
	info, err := n.fs.Stat(path)
	return err == nil && info.Mode().IsRegular()
}
