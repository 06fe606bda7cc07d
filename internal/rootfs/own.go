package rootfs

// makeOwn makes what the layer holds beside its packages' files, the dpkg
// database excepted, which tells of the result.
func (a *assembly) makeOwn(l *layer) error {
	if l.index == 0 {
		if err := a.makeMergedLinks(l); err != nil {
			return err
		}
		if !a.makesPasswd() {
			if err := a.makeAccounts(l); err != nil {
				return err
			}
		}
	}
	for i := range l.recipe.Files {
		if err := a.makeFile(l, i); err != nil {
			return err
		}
	}
	return nil
}
