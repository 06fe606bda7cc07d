package maint

// scratch makes what every system has while it runs and what an image without
// base-files may not have: a script may count on it (mktemp(1) on /tmp). The
// function returned takes it away again. What a script leaves in /tmp goes with it;
// what it makes in /run and /dev, it wants there: whether that stays is for rules.
func (n *installation) scratch() (end func()) {
	ends := []func(){
		n.fs.Scratch("/tmp", 0o1777, false),
		n.fs.Scratch("/var/tmp", 0o1777, false),
		n.fs.Scratch("/run", 0o755, true),
		n.fs.Scratch("/dev", 0o755, true),
	}
	return func() {
		for _, f := range ends {
			f()
		}
	}
}
