package apt

import (
	"fmt"
	"io/fs"
	"path"
	"strings"

	"kiln"
)

// MirrorOptions say where to look for the mirrors of known archives.
type MirrorOptions struct {
	Flags  []string            // of --mirror: "debian=URL", "debian-security=URL"; a name may come again, for a further mirror
	Getenv func(string) string // KILN_MIRROR_DEBIAN, KILN_MIRROR_DEBIAN_SECURITY: one URL or several, with blanks between
	Config map[string]string   // of kiln's config file: as the flags
	Host   fs.FS               // the host's own apt configuration: its /etc/apt; may be nil
}

// Mirrors knows the mirrors of the known archives.
type Mirrors struct{ urls map[string][]string }

// The known mirrors.
const (
	mainMirror     = "debian"
	securityMirror = "debian-security"
)

// FindMirrors looks for mirrors: flags, environment, config file, then the
// host's own apt sources; the first place that names a mirror is the one that
// counts for it. Security that nobody names is the folder "debian-security"
// beside the main mirror; a main mirror that was named on purpose comes before
// the host's security mirror in this, so that a machine that is told to use a
// mirror of its own does not go past it. It is an error if a place names
// something that is not a mirror; that nothing names one is an error of Of.
func FindMirrors(o MirrorOptions) (Mirrors, error) {
	m := Mirrors{urls: map[string][]string{}}
	if err := m.fromFlags(o.Flags); err != nil {
		return m, err
	}
	for _, name := range []string{mainMirror, securityMirror} {
		if err := m.fromSettings(name, o); err != nil {
			return m, err
		}
	}
	beside := func() []string { return siblings(m.urls[mainMirror]) }
	host := hostMirrors(o.Host)
	m.fallBack(securityMirror, beside())
	m.fallBack(mainMirror, host[mainMirror])
	m.fallBack(securityMirror, host[securityMirror])
	m.fallBack(securityMirror, beside())
	return m, nil
}

// fallBack sets the mirrors of a name that has none yet.
func (m Mirrors) fallBack(name string, urls []string) {
	if len(m.urls[name]) == 0 {
		m.urls[name] = urls
	}
}

// fromSettings takes a mirror from the environment or else the config file.
func (m Mirrors) fromSettings(name string, o MirrorOptions) error {
	for _, at := range []struct{ place, value string }{
		{"the variable " + variable(name), getenv(o, variable(name))},
		{"the config file", o.Config[name]},
	} {
		urls := strings.Fields(at.value)
		if len(urls) == 0 || len(m.urls[name]) > 0 {
			continue
		}
		if err := checkMirrors(at.place, urls); err != nil {
			return err
		}
		m.urls[name] = urls
	}
	return nil
}

func getenv(o MirrorOptions, name string) string {
	if o.Getenv == nil {
		return ""
	}
	return o.Getenv(name)
}

func variable(mirror string) string {
	return "KILN_MIRROR_" + strings.ToUpper(strings.ReplaceAll(mirror, "-", "_"))
}

func (m Mirrors) fromFlags(flags []string) error {
	for _, f := range flags {
		name, address, ok := strings.Cut(f, "=")
		if !ok || name != mainMirror && name != securityMirror {
			return &kiln.Error{
				Code:  kiln.Usage,
				Text:  fmt.Sprintf("cannot use the mirror %q: it names no known archive", f),
				Hints: []string{"write --mirror debian=URL or --mirror debian-security=URL"},
			}
		}
		if err := checkMirrors("the flag --mirror", []string{address}); err != nil {
			return err
		}
		m.urls[name] = append(m.urls[name], address)
	}
	return nil
}

func checkMirrors(place string, urls []string) error {
	for _, u := range urls {
		if _, err := parseMirror(u); err != nil {
			return &kiln.Error{Code: kiln.User, Text: fmt.Sprintf("cannot use the mirror of %s: %v", place, err)}
		}
	}
	return nil
}

// siblings are the security folders beside main ones, as Debian's own mirrors
// are laid out.
func siblings(urls []string) []string {
	var all []string
	for _, s := range urls {
		u, err := parseMirror(s)
		if err != nil || path.Base(u.Path) != mainMirror {
			continue
		}
		u.Path, u.RawPath = path.Join(path.Dir(u.Path), securityMirror), ""
		all = append(all, u.String())
	}
	return all
}

// Of returns the mirrors of the given name, in the order to try them.
func (m Mirrors) Of(name string) ([]string, error) {
	if urls := m.urls[name]; len(urls) > 0 {
		return urls, nil
	}
	return nil, &kiln.Error{
		Code: kiln.User,
		Text: fmt.Sprintf("cannot find a mirror of %s: neither a flag, the environment, kiln's config file nor this machine's apt sources name one", name),
		Hints: []string{
			fmt.Sprintf("name one on the command line: --mirror %s=URL", name),
			fmt.Sprintf("or for this shell: export %s=URL", variable(name)),
			fmt.Sprintf("or for good, in kiln's config file: mirrors: {%s: URL}", name),
		},
	}
}
