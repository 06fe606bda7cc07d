package configtool

import (
	"context"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"kiln/internal/maint/command"
)

const (
	pamProfiles = "/usr/share/pam-configs"
	pamFolder   = "/etc/pam.d"
	pamSaved    = "/var/lib/pam"
	pamMaster   = "/usr/share/pam"
)

// pamTypes are the files common-TYPE, in the order in which they are handled.
func pamTypes() []string {
	return []string{"auth", "account", "password", "session", "session-noninteractive"}
}

// PamAuthUpdate is pam-auth-update(8) as it works when nobody is asked: profiles
// that are new and on by default are switched on, and /etc/pam.d/common-* are made
// from the profiles. Files that were edited by hand are left alone, or made anew
// with --force.
func PamAuthUpdate(_ context.Context, c *command.Call) (int, error) {
	p := &pamUpdate{c: c, remove: map[string]bool{}, disable: map[string]bool{}, enable: map[string]bool{}}
	if err := p.arguments(); err != nil {
		return 1, err
	}
	if !c.FS.IsDir(pamProfiles) {
		return c.Complain(2, "could not open config directory")
	}
	if err := p.readProfiles(); err != nil {
		return 1, err
	}
	return p.run()
}

type pamUpdate struct {
	c                       *command.Call
	force                   bool
	remove, disable, enable map[string]bool
	profiles                map[string]pamProfile
	sorted, enabled         []string
}

func (p *pamUpdate) arguments() error {
	var into map[string]bool
	for i := 0; i < len(p.c.Args); i++ {
		switch arg := p.c.Args[i]; arg {
		case "--force":
			p.force = true
		case "--package":
		case "--root":
			i++
			if i < len(p.c.Args) && strings.Trim(p.c.Args[i], "/") != "" {
				return p.c.Unhonoured("there is one root only")
			}
		case "--remove":
			into = p.remove
			continue
		case "--disable":
			into = p.disable
			continue
		case "--enable":
			into = p.enable
			continue
		default:
			if into == nil || strings.HasPrefix(arg, "-") {
				return p.c.Unhonoured("the argument %q is not known", arg)
			}
			into[arg] = true
			continue
		}
		into = nil
	}
	return nil
}

// pamProfile is a file of /usr/share/pam-configs: its fields, those of several
// lines joined with line ends.
type pamProfile map[string]string

func (p pamProfile) priority() int {
	n, err := strconv.Atoi(strings.TrimSpace(p["Priority"]))
	if err != nil {
		return 0
	}
	return n
}

func parsePamProfile(text []byte) pamProfile {
	p, field := pamProfile{}, ""
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSuffix(line, "\n")
		if name, value, ok := strings.Cut(line, ":"); ok && name != "" && !strings.ContainsAny(name, " \t") && value != "" && (value[0] == ' ' || value[0] == '\t') {
			field = strings.TrimSuffix(name, "-Final")
			p[field] = strings.TrimSpace(value)
			continue
		}
		if name, ok := strings.CutSuffix(strings.TrimRight(line, " \t"), ":"); ok && name != "" && !strings.ContainsAny(name, " \t") {
			field = strings.TrimSuffix(name, "-Final")
			p[field] = ""
			continue
		}
		if bit := strings.TrimSpace(line); bit != "" {
			p[field] = strings.TrimLeft(p[field]+"\n"+bit, "\n \t")
		}
	}
	if p["Session-Interactive-Only"] != "yes" {
		for _, f := range []string{"-Type", "", "-Initial"} {
			if v, ok := p["Session"+f]; ok {
				p["Session-noninteractive"+f] = v
			}
		}
	}
	return p
}

// readProfiles reads the profiles and sorts them: high priority first, then names
// backwards.
func (p *pamUpdate) readProfiles() error {
	p.profiles = map[string]pamProfile{}
	entries, err := p.c.FS.ReadDir(pamProfiles)
	if err != nil {
		return err
	}
	for _, e := range entries {
		text, err := p.c.FS.ReadFile(path.Join(pamProfiles, e.Name()))
		if err != nil {
			return err
		}
		if profile := parsePamProfile(text); !strings.Contains(strings.Join(fieldsOf(profile), "\n"), "pam_tally") {
			p.profiles[e.Name()] = profile
			if !p.remove[e.Name()] {
				p.sorted = append(p.sorted, e.Name())
			}
		}
	}
	p.sort(p.sorted)
	return nil
}

func fieldsOf(p pamProfile) []string {
	var all []string
	for _, n := range slices.Sorted(maps.Keys(p)) {
		all = append(all, p[n])
	}
	return all
}

func (p *pamUpdate) sort(names []string) {
	slices.SortFunc(names, func(a, b string) int {
		if d := p.profiles[b].priority() - p.profiles[a].priority(); d != 0 {
			return d
		}
		return strings.Compare(b, a)
	})
}

func (p *pamUpdate) run() (int, error) {
	mods, intact, err := p.current()
	if err != nil {
		return 1, err
	}
	d := &pamDebconf{p: p}
	if err := d.begin(); err != nil {
		return 1, err
	}
	defer d.s.End()
	if !intact {
		mods = d.profiles()
	}
	seen, err := p.choose(mods)
	if err != nil {
		return 1, err
	}
	if !intact && !p.force {
		p.force = d.override()
	}
	if !intact && !p.force {
		_, _ = p.c.Stderr.Write([]byte("\npam-auth-update: Local modifications to /etc/pam.d/common-*, not updating.\n" +
			"pam-auth-update: Run pam-auth-update --force to override.\n\n"))
		return 0, nil
	}
	fresh := slices.ContainsFunc(p.sorted, func(n string) bool { return !seen[n] })
	if err := d.settle(fresh); err != nil {
		return 1, err
	}
	if len(p.enabled) == 0 {
		return p.c.Complain(1, "no PAM profile is left")
	}
	if err := p.write(); err != nil {
		return 1, err
	}
	d.finish()
	return 0, nil
}

// choose settles which profiles are on.
func (p *pamUpdate) choose(mods []string) (map[string]bool, error) {
	text, err := p.c.FS.ReadIfThere(pamSaved + "/seen")
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	for _, n := range command.NonEmptyLines(text) {
		seen[n] = true
	}
	keep := func(n string) bool { return p.profiles[n] != nil && !p.remove[n] && !p.disable[n] }
	for _, n := range mods {
		if keep(n) {
			p.enabled = append(p.enabled, n)
		}
	}
	for _, n := range p.sorted {
		if p.enable[n] && !p.disable[n] {
			p.enabled = append(p.enabled, n)
		}
	}
	for n := range p.disable {
		seen[n] = true
	}
	if len(p.enabled) == 0 {
		seen = map[string]bool{}
	}
	for _, n := range p.sorted {
		if p.profiles[n]["Default"] == "yes" && !seen[n] {
			p.enabled = append(p.enabled, n)
		}
	}
	p.sort(p.enabled)
	p.enabled = slices.Compact(p.enabled)
	return seen, nil
}
