package recipe

import "strings"

// BuiltinPolicy is what the name of a policy that comes with kiln begins with.
const BuiltinPolicy = "builtin:"

func (c *checker) policies(r *Recipe) {
	used := c.unique("policy")
	for i, p := range r.Policy {
		path := at("policy", i)
		if c.filled(path+".use", p.Use) {
			name, builtin := strings.CutPrefix(p.Use, BuiltinPolicy)
			switch {
			case builtin && name == "":
				c.note(path+".use", "kiln policy list shows them", "want the name of a policy after %q", BuiltinPolicy)
			case !builtin && !inside(p.Use):
				c.problem(path+".use", "want a path inside the recipe's folder, or builtin:NAME, got %q", shorten(p.Use))
			default:
				used.add(path+".use", p.Use)
			}
		}
		for j, e := range p.Except {
			c.exception(at(path+".except", j), e)
		}
	}
}

func (c *checker) exception(path string, e Exception) {
	c.filled(path+".rule", e.Rule)
	if c.written(path + ".path") {
		c.glob(path+".path", e.Path)
	}
	c.filled(path+".package", e.Package)
	c.filled(path+".item", e.Item)
	c.why(path, e.Why)
}
