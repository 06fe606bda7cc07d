package initrd

// Asked lists the paths that the tables name, and whether an initrd can be without.
func Asked() map[string]bool {
	all := map[string]bool{}
	for _, p := range parts() {
		all[p.path] = p.optional
	}
	for _, u := range units() {
		all[unitFolder+"/"+u.name] = u.optional
	}
	return all
}
