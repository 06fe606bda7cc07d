package cli

import (
	"strings"

	"kiln/internal/tree"
)

// dropped is an entry that was left out of the image.
type dropped struct {
	Type tree.Type   `json:"type"`
	By   *recipeLine `json:"by,omitempty"` // the pattern of the recipe
	Rule *rule       `json:"rule,omitempty"`
	Made *origin     `json:"made"`
}

func (q *inquiry) droppedAt(p string) []dropped {
	var all []dropped
	for _, d := range q.e.Dropped {
		if d.Path != p {
			continue
		}
		out := dropped{Type: d.Type, Made: q.origin(d.Origin)}
		if strings.Contains(d.By, "[") {
			out.By = q.line(d.By, d.Why)
		} else {
			out.Rule = &rule{d.By, d.Why}
		}
		all = append(all, out)
	}
	return all
}

// print tells what would be at the path. Of a package that has a keep, what no keep
// names is left out.
func (d *dropped) print(f facts, there bool) {
	text := "left out"
	if there {
		text = "left out in its favour"
	}
	f.say("%s: %s that %s brings", text, d.Type.Name(), d.Made.maker())
	switch {
	case d.Rule != nil:
		f.add("by a rule", "%s: %s", d.Rule.Name, d.Rule.Why)
	case strings.Contains(d.By.Part, ".keep["):
		f.add("by", "%s (of this package, only what a keep names is there)", d.By)
	default:
		f.add("by", "%s", d.By)
	}
	d.Made.print(f)
}
