package compare

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"kiln/internal/filecap"
	"kiln/internal/tree"
)

// Risk is a difference that somebody should look at before it is used.
type Risk struct {
	Kind    RiskKind `json:"kind"`
	Subject string   `json:"subject"` // a path, package, account, unit...
	Text    string   `json:"text"`    // one sentence
}

// RiskKind is what is risky. The kinds are listed with the gravest first.
type RiskKind string

// The kinds.
const (
	RiskSetuid     RiskKind = "setuid"     // a program newly runs as its owner or group
	RiskCapability RiskKind = "capability" // a program newly has capabilities
	RiskRootUser   RiskKind = "root-account"
	RiskPassword   RiskKind = "password" // an account newly lets in with a password, or without any
	RiskShell      RiskKind = "login-shell"
	RiskConfigRoot RiskKind = "runs-as-root" // the container newly runs as root
	RiskListens    RiskKind = "listens"      // a socket unit newly listens
	RiskEnabled    RiskKind = "unit-enabled"
	RiskPort       RiskKind = "port"
	RiskDevice     RiskKind = "device"
	RiskWritable   RiskKind = "world-writable"
	RiskDowngrade  RiskKind = "downgrade"
	RiskScript     RiskKind = "script-effect" // a maintainer script newly changes something
)

// RiskKinds lists them, the gravest first.
func RiskKinds() []RiskKind {
	return []RiskKind{
		RiskSetuid, RiskCapability, RiskRootUser, RiskPassword, RiskShell, RiskConfigRoot, RiskListens, RiskEnabled, RiskPort, RiskDevice, RiskWritable, RiskDowngrade, RiskScript,
	}
}

func (r *Report) risk(kind RiskKind, subject, format string, args ...any) {
	r.Risks = append(r.Risks, Risk{kind, subject, fmt.Sprintf(format, args...)})
}

// judge finds the risks among all that differs.
func (r *Report) judge(a, b *Side) {
	if a.Tree != nil && b.Tree != nil {
		for _, c := range tree.Diff(a.Tree, b.Tree) {
			if c.After != nil {
				r.judgeEntry(c.Before, c.After)
			}
		}
	}
	r.judgeAccounts()
	r.judgeUnits()
	r.judgeConfig(a, b)
	for _, p := range r.Packages {
		if p.Change == "downgraded" {
			r.risk(RiskDowngrade, p.Name, "%s goes back from %s to %s", p.Name, p.Before, p.After)
		}
	}
	for _, s := range r.Scripts {
		if len(s.Now) > 0 {
			text := strings.Join(s.Now[:min(3, len(s.Now))], ", ")
			if more := len(s.Now) - 3; more > 0 {
				text += fmt.Sprintf(" and %d more", more)
			}
			r.risk(RiskScript, s.Script, "the maintainer script %s newly %s", s.Script, text)
		}
	}
	kinds := RiskKinds()
	slices.SortStableFunc(r.Risks, func(x, y Risk) int { return cmp.Compare(slices.Index(kinds, x.Kind), slices.Index(kinds, y.Kind)) })
}

const (
	setuid, setgid, sticky = 0o4000, 0o2000, 0o1000
	othersWrite            = 0o002
)

// judgeEntry compares an entry with what was at its path; before may be nil.
func (r *Report) judgeEntry(before, after *tree.Entry) {
	old := tree.Entry{}
	if before != nil {
		old = *before
	}
	path := tree.Absolute(after.Path)
	file, wasFile := after.Type == tree.File, old.Type == tree.File
	for _, bit := range []struct {
		mask uint32
		name string
		id   int
		was  int
	}{{setuid, "setuid, as user", after.UID, old.UID}, {setgid, "setgid, as group", after.GID, old.GID}} {
		if file && after.Mode&bit.mask != 0 && (!wasFile || old.Mode&bit.mask == 0 || bit.id != bit.was) {
			r.risk(RiskSetuid, path, "%s newly runs %s %d (mode %04o)", path, bit.name, bit.id, after.Mode)
		}
	}
	if value, ok := after.Xattrs[filecap.Attribute]; ok && gains(old.Xattrs[filecap.Attribute], value) {
		r.risk(RiskCapability, path, "%s newly has the capabilities %s", path, Capabilities(value))
	}
	if t := after.Type; (t == tree.CharDev || t == tree.BlockDev) && (old.Type != t || old.Major != after.Major || old.Minor != after.Minor) {
		r.risk(RiskDevice, path, "%s is newly %s (%d,%d)", path, t.Name(), after.Major, after.Minor)
	}
	writable := func(e *tree.Entry) bool {
		return e.Type != tree.Symlink && e.Mode&othersWrite != 0 && (e.Type != tree.Dir || e.Mode&sticky == 0) && e.Type != tree.CharDev
	}
	if writable(after) && (before == nil || !writable(before)) {
		r.risk(RiskWritable, path, "anybody can newly write to %s (mode %04o)", path, after.Mode)
	}
}

// gains tells whether a file has a capability that it had not.
func gains(before, after string) bool {
	a, _ := filecap.Decode(before)
	b, ok := filecap.Decode(after)
	return !ok || b.Permitted&^a.Permitted != 0 || b.Inheritable&^a.Inheritable != 0 || b.Effective && !a.Effective
}

func (r *Report) judgeAccounts() {
	for _, c := range r.Accounts {
		if c.Change == "removed" {
			continue
		}
		for _, f := range c.Fields {
			switch {
			case c.Kind == "group":
			case f.Field == "uid" && f.After == "0" && c.Name != "root":
				r.risk(RiskRootUser, c.Name, "the user %s newly is root (uid 0)", c.Name)
			case f.Field == "password" && f.After != "locked":
				text := "with a password"
				if f.After == "empty" {
					text = "without any password"
				}
				r.risk(RiskPassword, c.Name, "the user %s newly can log in %s", c.Name, text)
			case f.Field == "shell" && c.Name != "root" && logsIn(f.After) && (c.Change == "added" || !logsIn(f.Before)):
				r.risk(RiskShell, c.Name, "the user %s newly has the login shell %s", c.Name, f.After)
			}
		}
	}
}

func (r *Report) judgeUnits() {
	for _, c := range r.Units {
		if c.After == nil {
			continue
		}
		before := c.Before
		if before == nil {
			before = &UnitFacts{}
		}
		after := c.After
		if after.Masked {
			continue
		}
		wasOn := len(before.Enabled) > 0 && !before.Masked
		if more := missingFrom(before.Listens, after.Listens); len(after.Enabled) > 0 && (len(more) > 0 || len(after.Listens) > 0 && !wasOn) {
			r.risk(RiskListens, c.Name, "the unit %s newly listens: %s", c.Name, strings.Join(after.Listens, " "))
		} else if len(after.Enabled) > 0 && !after.Vendor && (!wasOn || before.Vendor) {
			r.risk(RiskEnabled, c.Name, "the unit %s is newly enabled by %s", c.Name, strings.Join(after.Enabled, ", "))
		}
	}
}

func (r *Report) judgeConfig(a, b *Side) {
	if a.Config == nil || b.Config == nil {
		return
	}
	if runsAsRoot(b.Config.User) && !runsAsRoot(a.Config.User) {
		r.risk(RiskConfigRoot, "user", "the container newly runs as root; it was %s", strconv.Quote(a.Config.User))
	}
	for _, p := range missingFrom(a.Config.ExposedPorts, b.Config.ExposedPorts) {
		r.risk(RiskPort, p, "the port %s is newly exposed", p)
	}
}
