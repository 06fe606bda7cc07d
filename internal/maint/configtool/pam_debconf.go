package configtool

import (
	"strings"

	"kiln/internal/maint/debconf"
	"kiln/internal/maint/debconftool"
)

// pamDebconf is pam-auth-update's talk with debconf. A tree without debconf has
// the same files, and no questions.
type pamDebconf struct {
	p *pamUpdate
	s *debconf.Session
}

func (d *pamDebconf) begin() error {
	c := d.p.c
	state, err := debconftool.Open(c.Machine, c.FS)
	if err != nil {
		return c.Unhonoured("%v", err)
	}
	const templates = "/var/lib/dpkg/info/libpam-runtime.templates"
	if c.FS.IsFile(templates) {
		if err := debconftool.LoadTemplates(c, state, templates, "libpam-runtime"); err != nil {
			return err
		}
	}
	d.s = debconftool.Talk(c, state)
	var names []string
	for _, n := range d.p.sorted {
		names = append(names, d.p.profiles[n]["Name"])
	}
	d.s.Do("SUBST", "libpam-runtime/profiles", "profile_names", strings.Join(d.p.sorted, ", "))
	d.s.Do("SUBST", "libpam-runtime/profiles", "profiles", strings.Join(names, ", "))
	return nil
}

// profiles are those that the question has as its value.
func (d *pamDebconf) profiles() []string {
	r := d.s.Do("GET", "libpam-runtime/profiles")
	if r.Status != debconf.Success || r.Text == "" {
		return nil
	}
	return strings.Split(r.Text, ", ")
}

// override asks whether files that were edited are to be overwritten.
func (d *pamDebconf) override() bool {
	d.s.Do("INPUT", "high", "libpam-runtime/override")
	d.s.Do("GO")
	return d.s.Do("GET", "libpam-runtime/override").Text == "true"
}

// settle asks for the profiles. Conflicting ones leave the list.
func (d *pamDebconf) settle(fresh bool) error {
	const q = "libpam-runtime/profiles"
	if fresh {
		d.s.Do("FSET", q, "seen", "false")
	}
	d.s.Do("SET", q, strings.Join(d.p.enabled, ", "))
	d.s.Do("INPUT", "medium", q)
	d.s.Do("GO")
	if r := d.s.Do("GET", q); r.Status == debconf.Success {
		d.p.enabled = nil
		for n := range strings.SplitSeq(r.Text, ", ") {
			if d.p.profiles[n] != nil {
				d.p.enabled = append(d.p.enabled, n)
			}
		}
	}
	for _, n := range d.p.enabled {
		for other := range strings.SplitSeq(d.p.profiles[n]["Conflicts"], ", ") {
			for _, o := range d.p.enabled {
				if o == other {
					return d.p.c.Unhonoured("the PAM profiles %q and %q conflict: answer %s", n, o, q)
				}
			}
		}
	}
	return nil
}

func (d *pamDebconf) finish() {
	d.s.Do("FSET", "libpam-runtime/override", "seen", "false")
	d.s.Do("SET", "libpam-runtime/override", "false")
}
