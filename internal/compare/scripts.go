package compare

// ScriptChange is what a maintainer script does otherwise.
type ScriptChange struct {
	Script string   `json:"script"` // "libc6.postinst"
	Change string   `json:"change"` // "added", "removed" or "changed"
	Now    []string `json:"now"`    // effects that it had not: "made /etc/x"
	Before []string `json:"before"` // effects that it has no more
}

func scriptChanges(a, b []Script) []ScriptChange {
	before, after := effects(a), effects(b)
	all := []ScriptChange{}
	for _, name := range bothKeys(before, after) {
		c := ScriptChange{Script: name, Change: "changed", Now: missingFrom(before[name], after[name]), Before: missingFrom(after[name], before[name])}
		_, had := before[name]
		_, has := after[name]
		switch {
		case len(c.Now)+len(c.Before) == 0:
			continue
		case !had:
			c.Change = "added"
		case !has:
			c.Change = "removed"
		}
		all = append(all, c)
	}
	return all
}

func effects(list []Script) map[string][]string {
	m := map[string][]string{}
	for _, s := range list {
		m[s.Name] = append(m[s.Name], s.Effects...)
	}
	return m
}
