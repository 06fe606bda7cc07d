package apt

import (
	"embed"
	"fmt"
	"slices"
	"strings"

	"kiln"
)

// The keys are Debian's own, as its package debian-archive-keyring ships them,
// less the certifications by third parties.
//
//go:embed keys/*.asc
var debianKeys embed.FS

// debianRelease is what Debian documents about one release.
type debianRelease struct {
	suite    string
	version  string   // VERSION_ID of its os-release; empty where it has none
	pockets  []string // besides "release"
	keys     []string // of release and updates: files below keys/
	security []string // of security
}

// debianReleases lists the releases that kiln knows, the newest first. The keys
// are the release's own. Debian signs each release with the automatic key of the
// one before it as well; that one is left out, because its holder is not needed:
// kiln brings the keys along and has no older machine to convince. sid has no
// key of its own and is signed with the automatic keys of the newest releases.
func debianReleases() []debianRelease {
	both := []string{"updates", "security"}
	return []debianRelease{
		{"sid", "", nil, []string{"trixie-automatic", "bookworm-automatic"}, nil},
		{"trixie", "13", both, []string{"trixie-automatic", "trixie-stable"}, []string{"trixie-security-automatic"}},
		{"bookworm", "12", both, []string{"bookworm-automatic", "bookworm-stable"}, []string{"bookworm-security-automatic"}},
		{"bullseye", "11", both, []string{"bullseye-automatic", "bullseye-stable"}, []string{"bullseye-security-automatic"}},
	}
}

// Debian is the known archive "debian". Suites go by codename, because a lock
// that says "stable" would mean another release after the next one. components
// default to main. pockets are those besides the release itself, of "updates"
// and "security"; nil stands for all that the suite has.
func Debian(suite string, components, pockets []string) (Archive, error) {
	all := debianReleases()
	i := slices.IndexFunc(all, func(r debianRelease) bool { return r.suite == suite })
	if i < 0 {
		return Archive{}, unknownSuite(suite, all)
	}
	if len(components) == 0 {
		components = []string{"main"}
	}
	if pockets == nil {
		pockets = all[i].pockets
	}
	a := Archive{Name: "debian", Suite: suite}
	for _, name := range append([]string{"release"}, pockets...) {
		p, err := all[i].pocket(name)
		if err != nil {
			return Archive{}, err
		}
		p.Components = components
		if !slices.ContainsFunc(a.Pockets, func(q Pocket) bool { return q.Name == name }) {
			a.Pockets = append(a.Pockets, p)
		}
	}
	return a, nil
}

// DebianSuites lists the suites that Debian knows, the newest first.
func DebianSuites() []string {
	var names []string
	for _, r := range debianReleases() {
		names = append(names, r.suite)
	}
	return names
}

// DebianVersion is the number of a release, by the name of its suite or of one of its
// pockets: "13" for trixie-security. It is empty for sid and for what kiln does not know.
func DebianVersion(suite string) string {
	for _, r := range debianReleases() {
		if suite == r.suite || strings.HasPrefix(suite, r.suite+"-") {
			return r.version
		}
	}
	return ""
}

func unknownSuite(suite string, all []debianRelease) error {
	err := &kiln.Error{
		Code:  kiln.User,
		Text:  fmt.Sprintf("cannot use the suite %q of Debian: kiln has no keys for it", suite),
		Hints: []string{"use one of: " + strings.Join(DebianSuites(), ", ")},
	}
	switch suite {
	case "stable", "testing", "unstable", "oldstable", "oldoldstable":
		err.Text = fmt.Sprintf("cannot use the suite %q of Debian: it names another release from time to time", suite)
	}
	return err
}

func (r debianRelease) pocket(name string) (Pocket, error) {
	p := Pocket{Archive: "debian", Name: name, Suite: r.suite, Mirror: "debian"}
	files := r.keys
	if name != "release" {
		if !slices.Contains(r.pockets, name) {
			return p, &kiln.Error{
				Code:  kiln.User,
				Text:  fmt.Sprintf("cannot use the pocket %q of Debian %s: there is none", name, r.suite),
				Hints: []string{"its pockets are: " + strings.Join(append([]string{"release"}, r.pockets...), ", ")},
			}
		}
		p.Suite += "-" + name
	}
	if name == "security" {
		p.Mirror, files = "debian-security", r.security
	}
	p.Codename = p.Suite
	for _, f := range files {
		armored, err := debianKeys.ReadFile("keys/" + f + ".asc")
		if err != nil {
			return p, fmt.Errorf("bug: cannot read the embedded key %q: %w", f, err)
		}
		k, err := ParseKeyring(armored)
		if err != nil {
			return p, fmt.Errorf("bug: cannot read the embedded key %q: %w", f, err)
		}
		p.Keys.entities = append(p.Keys.entities, k.entities...)
		p.Keys.file = append(p.Keys.file, armored...)
	}
	return p, nil
}
