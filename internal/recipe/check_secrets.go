package recipe

import "strings"

func (c *checker) secrets(r *Recipe) {
	for i, a := range r.Secrets.Accept {
		path := at("secrets.accept", i)
		if strings.HasPrefix(a.Path, "/") {
			c.glob(path+".path", a.Path)
		} else if c.filled(path+".path", a.Path) && a.Path != FileName && !strings.HasPrefix(a.Path, "container.") && !strings.HasPrefix(a.Path, "debconf[") {
			c.note(path+".path", "files begin with a slash; else container.env[NAME], container.labels[NAME], container.command, debconf[0].value or "+FileName, "no such place %q", shorten(a.Path))
		}
		c.filled(path+".rule", a.Rule)
		c.platforms(path+".platforms", a.Platforms, r.Platforms)
		c.why(path, a.Why)
	}
}
