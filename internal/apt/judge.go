package apt

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"kiln"
)

// open judges a served Release as of the given time: signatures first, for
// nothing of the text is read before; then the text; then its dates and name.
func (p Pocket) open(s *signed, at time.Time) (*Release, error) {
	v, err := p.Keys.judge(s, at)
	if err != nil {
		return nil, p.refuse([]string{hintOtherMirror(p)}, "%v", err)
	}
	if len(v.good) == 0 {
		return nil, p.refuseSigners(v)
	}
	rel, err := parseRelease(s.text)
	if err != nil {
		return nil, p.refuse([]string{"tell the archive's owner"}, "its signed Release is not usable: %v", err)
	}
	rel.Signers, rel.Ignored = v.good, v.bad
	if err := p.checkDates(rel, at); err != nil {
		return nil, err
	}
	return rel, p.checkName(rel)
}

func (p Pocket) refuseSigners(v verdict) error {
	if len(v.bad) == 0 {
		return p.refuseUnsigned()
	}
	var trusted []string
	for _, k := range p.Keys.Keys() {
		trusted = append(trusted, fmt.Sprintf("  trusted: %s %s", k.Fingerprint, k.Name))
	}
	text := "none of its signatures is good and by a trusted key"
	for _, b := range v.bad {
		text += "\n  signed: key " + strings.TrimPrefix(b, "key ")
	}
	text += "\n" + strings.Join(trusted, "\n")
	hints := []string{hintOtherMirror(p)}
	if p.Mirror == "" {
		hints = []string{"if the archive's owner announced a new key, get it from them and put it in the recipe's keyring"}
	}
	if strings.Contains(text, signedInFuture) {
		hints = append([]string{"check this machine's clock: as it goes, the archive was signed in the future"}, hints...)
	}
	return p.refuse(hints, "%s", text)
}

// signedInFuture is what a signature that is not valid yet is called.
const signedInFuture = "signed in the future"

func (p Pocket) refuseUnsigned() error {
	return p.refuse([]string{hintOtherMirror(p)}, "its Release is not signed")
}

// checkSplit words the errors of splitInRelease and splitDetached.
func (p Pocket) checkSplit(s served, err error) error {
	switch {
	case looksLikeHTML(s.release), looksLikeHTML(s.signature):
		return p.problem(kiln.Network, []string{"log in to the network (a captive portal?) or set http_proxy, then try again"},
			"a web page was served in place of its Release")
	case errors.Is(err, errNotSigned):
		return p.refuseUnsigned()
	}
	return p.refuse([]string{hintOtherMirror(p)}, "its signed Release is malformed: %v", err)
}

func looksLikeHTML(b []byte) bool {
	head := bytes.ToLower(bytes.TrimSpace(b[:min(len(b), 512)]))
	return bytes.HasPrefix(head, []byte("<!doctype html")) || bytes.HasPrefix(head, []byte("<html"))
}

func (p Pocket) checkDates(rel *Release, at time.Time) error {
	if rel.Date.After(at.Add(futureSlack)) {
		return p.refuse([]string{"check this machine's clock, or judge as of a later time: kiln lock --at " + rel.Date.Format(time.RFC3339)},
			"its Release is dated in the future: %s, and it is judged as of %s", stamp(rel.Date), stamp(at))
	}
	if !rel.ValidUntil.IsZero() && at.After(rel.ValidUntil) {
		return p.refuse([]string{
			hintOtherMirror(p),
			"if the mirror is known to lag, judge as of a time when it was valid: kiln lock --at " + rel.ValidUntil.Format(time.RFC3339),
		}, "its Release expired: it was valid until %s, and it is judged as of %s", stamp(rel.ValidUntil), stamp(at))
	}
	return nil
}

// checkName stops a signed Release of another suite from being served in place
// of the one that was asked for: an old or a weaker one of the same archive.
func (p Pocket) checkName(rel *Release) error {
	if p.Codename != "" {
		if rel.Codename == p.Codename {
			return nil
		}
		return p.refuse([]string{hintOtherMirror(p)}, "its Release is of another suite: its Codename is %q, want %q", printable(rel.Codename), p.Codename)
	}
	named := slices.DeleteFunc([]string{rel.Suite, rel.Codename}, func(s string) bool { return s == "" })
	if p.Flat() || len(named) == 0 || slices.Contains(named, p.Suite) {
		return nil
	}
	return p.refuse([]string{fmt.Sprintf("if that is the suite you mean, write it in the recipe: suite: %s", printable(named[len(named)-1]))},
		"its Release is of another suite: its Suite is %q and its Codename %q, want %q", printable(rel.Suite), printable(rel.Codename), p.Suite)
}
