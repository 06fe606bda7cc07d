package attest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"kiln"
)

// Target is the image that is judged.
type Target struct {
	Digest    kiln.Digest // of what its name leads to: an image index, or a manifest
	Tag       string      // that it stands under; empty where that is not known
	Platforms []PlatformTarget
	Created   time.Time // the newest of its platforms
}

// PlatformTarget is the image for one platform.
type PlatformTarget struct {
	Platform string      `json:"platform"`
	Digest   kiln.Digest `json:"digest"` // of the manifest
}

// Found is a bundle that stands beside the image, or was handed in.
type Found struct {
	Name   string // where it is: the digest of its blob, or its file
	Bundle Bundle
	Err    error // why it cannot be read
}

// Reason says why a bundle does not count.
type Reason string

// The reasons.
const (
	Damaged        Reason = "damaged"           // it is no bundle, or no statement
	UnknownKey     Reason = "unknown-key"       // no key of the policy signed it
	BadSignature   Reason = "bad-signature"     // payload or signature were altered
	OtherImage     Reason = "other-image"       // it is of another digest
	OtherPredicate Reason = "other-predicate"   // it is another kind of statement
	KeyExpired     Reason = "key-expired"       //
	KeyNotYetValid Reason = "key-not-yet-valid" //
	NotInRole      Reason = "not-in-role"       // the signer may not sign this
	SamePerson     Reason = "same-person"       // the signer is counted already
	OtherName      Reason = "other-name"        // it was signed under another name or tag
	OtherValue     Reason = "other-annotation"  // an annotation is not as required
	OtherContent   Reason = "other-content"     // others signed a statement of this kind that says something else
	NothingThere   Reason = "nothing-there"     // of a requirement: there is no bundle of this kind
	Older          Reason = "older"             // of the image: the policy wants a newer one
	NoState        Reason = "no-state"          // of the image: nobody knows what was accepted before
	Below          Reason = "below-threshold"   // of a requirement: some signed, but too few
	FileAltered    Reason = "content"           // of the image: its files are not what its digest says
	OtherDigest    Reason = "other-digest"      // of the image: it is not the one that was asked for
)

// Signed is one signature that counts.
type Signed struct {
	Person    string      `json:"person"`
	Key       string      `json:"key"`
	KeyID     string      `json:"keyID"`
	Bundle    string      `json:"bundle"`
	Statement kiln.Digest `json:"statement"` // of the bytes that were signed
	Serial    int         `json:"serial,omitempty"`
	Told      *Told       `json:"provenance,omitempty"` // what the policy asked provenance for

	content string
}

// Rejected is a bundle that does not count.
type Rejected struct {
	Bundle string `json:"bundle"`
	Person string `json:"person,omitempty"`
	Key    string `json:"key,omitempty"`
	Reason Reason `json:"reason"`
	Text   string `json:"text"`
	Claims string `json:"claims,omitempty"` // the predicate type that it says it has
}

// Check is what came of one requirement for one subject.
type Check struct {
	Predicate string      `json:"predicate"` // short name, where there is one
	Type      string      `json:"predicateType"`
	Role      string      `json:"role"`
	Threshold int         `json:"threshold"`
	Subject   kiln.Digest `json:"subject"`
	Platform  string      `json:"platform,omitempty"`
	Signed    []Signed    `json:"signed"`
	Rejected  []Rejected  `json:"rejected"`
	Met       bool        `json:"met"`
	Reason    Reason      `json:"reason,omitempty"` // why it is not met
}

// Verdict is what came of a policy.
type Verdict struct {
	Checks []Check `json:"checks"`
	Serial int     `json:"serial,omitempty"` // that those counted agree on, at least; 0 where they signed none
	Met    bool    `json:"met"`              // all of them
}

// Judge holds an image and the bundles beside it against the policy, as of a time.
func (p *Policy) Judge(t Target, found []Found, now time.Time) *Verdict {
	var opened []opened
	for _, f := range found {
		opened = append(opened, p.open(f, now))
	}
	v := &Verdict{Checks: []Check{}, Met: true}
	for _, r := range p.Require {
		subjects := []PlatformTarget{{Digest: t.Digest}}
		if r.Of == OfPlatforms {
			subjects = t.Platforms
		}
		for _, s := range subjects {
			c := p.check(r, s, t.Tag, opened, now)
			v.Checks = append(v.Checks, c)
			v.Met = v.Met && c.Met
			if c.Type == PredicateSignature && c.Met && r.Of == OfImage {
				v.Serial = max(v.Serial, serialOf(c))
			}
		}
	}
	v.Met = v.Met && len(v.Checks) > 0
	for i := range v.Checks {
		if c := &v.Checks[i]; !c.Met {
			c.Reason = c.reason(v)
		}
	}
	return v
}

// serialOf is the highest serial number that as many signed as the role asks for.
func serialOf(c Check) int {
	var all []int
	for _, s := range c.Signed {
		all = append(all, s.Serial)
	}
	slices.Sort(all)
	return all[len(all)-c.Threshold]
}

// opened is a bundle whose signature was checked.
type opened struct {
	Found
	rejected  *Rejected // by its signature or its key alone
	statement Statement // to be believed only where rejected is nil
	claimed   string    // the type that it says it has
	key       Key
	id        string
}

// open finds the key of a bundle and checks its signature.
func (p *Policy) open(f Found, now time.Time) opened {
	o := opened{Found: f}
	reject := func(r Reason, format string, args ...any) opened {
		o.rejected = &Rejected{f.Name, o.key.Person, o.key.Name, r, fmt.Sprintf(format, args...), o.claimed}
		return o
	}
	if f.Err != nil {
		return reject(Damaged, "%v", f.Err)
	}
	claimed, err := f.Bundle.Claimed()
	if err != nil {
		return reject(Damaged, "%v", err)
	}
	o.claimed = claimed.PredicateType
	signer := -1
	for i, k := range p.keys {
		if _, err := f.Bundle.Verify(k); err == nil {
			signer = i
			break
		}
		if k.ID() == f.Bundle.Hint {
			o.key = p.Keys[i]
		}
	}
	if signer < 0 && o.key.Name != "" {
		return reject(BadSignature, "it names the key %q, whose signature it is not: the statement or the signature was altered", o.key.Name)
	}
	if signer < 0 {
		return reject(UnknownKey, "it was signed with a key that the policy does not name (%s)", orNone(f.Bundle.Hint))
	}
	o.statement, o.key, o.id = claimed, p.Keys[signer], p.keys[signer].ID()
	if from, err := ParseTime(o.key.From); err == nil && now.Before(from) {
		return reject(KeyNotYetValid, "the key %q is valid from %s on, and it is %s", o.key.Name, o.key.From, now.UTC().Format(time.DateOnly))
	}
	if until, err := ParseTime(o.key.Until); err == nil && !now.Before(until) {
		return reject(KeyExpired, "the key %q was valid until %s, and it is %s", o.key.Name, o.key.Until, now.UTC().Format(time.DateOnly))
	}
	return o
}

func orNone(s string) string {
	if s == "" {
		return "it does not say which"
	}
	return strconv.Quote(s)
}

// check is one requirement for one subject.
func (p *Policy) check(r Requirement, subject PlatformTarget, tag string, all []opened, now time.Time) Check {
	pred, _ := ParsePredicate(r.Predicate) // it was checked
	role := p.role(r.Role)
	c := Check{
		Predicate: pred.Name, Type: pred.Type, Role: role.Name, Threshold: role.Threshold,
		Subject: subject.Digest, Platform: subject.Platform, Signed: []Signed{}, Rejected: []Rejected{},
	}
	for i := range all {
		o := &all[i]
		if s, why := p.counts(o, r, pred, role, subject.Digest, tag, now); why == nil {
			c.Signed = append(c.Signed, s)
		} else {
			c.Rejected = append(c.Rejected, *why)
		}
	}
	c.agree()
	c.once()
	c.Met = len(c.Signed) >= c.Threshold
	return c
}

// counts says whether a bundle counts for a requirement, or why not.
func (p *Policy) counts(o *opened, r Requirement, pred Predicate, role Role, subject kiln.Digest, tag string, now time.Time) (Signed, *Rejected) {
	reject := func(why Reason, format string, args ...any) (Signed, *Rejected) {
		return Signed{}, &Rejected{o.Name, o.key.Person, o.key.Name, why, fmt.Sprintf(format, args...), o.claimed}
	}
	if o.rejected != nil {
		return Signed{}, o.rejected
	}
	s, about := o.statement.About(subject)
	switch {
	case !about:
		return reject(OtherImage, "it is of %s, and not of this image", strings.Join(o.statement.Digests(), " and "))
	case !pred.Is(o.statement.PredicateType):
		return reject(OtherPredicate, "it is a statement of the type %s, and not of %s", NameOf(o.statement.PredicateType), pred.Name)
	case !slices.Contains(role.Persons, o.key.Person):
		return reject(NotInRole, "%s signed it, who does not have the role %q", o.key.Person, role.Name)
	}
	if text := p.misnamed(s, tag); text != "" {
		return reject(OtherName, "%s", text)
	}
	for _, k := range sortedKeys(r.Annotations) {
		if got := s.Annotation(k); got != r.Annotations[k] {
			return reject(OtherValue, "its annotation %q is %q, not %q", k, got, r.Annotations[k])
		}
	}
	var told *Told
	if r.Provenance.asks() {
		t, why, text := r.Provenance.judge(o.statement.Predicate, now)
		if why != "" {
			return reject(why, "%s", text)
		}
		told = &t
	}
	serial, _ := strconv.Atoi(s.Annotation(AnnotationSerial)) // none counts as 0, and so does nonsense
	return Signed{
		Person: o.key.Person, Key: o.key.Name, KeyID: o.id, Bundle: o.Name,
		Statement: o.Bundle.Digest(), Serial: serial, Told: told, content: contentOf(o.statement),
	}, nil
}

// misnamed says how the name that was signed is not the one that the policy, or the
// tag of the image, asks for.
func (p *Policy) misnamed(s Subject, tag string) string {
	name, wantTag := p.Name()
	if name == "" {
		return ""
	}
	signed, _, _ := strings.Cut(s.Name, " ") // behind it stands the platform, where there are several
	got, gotTag, _ := strings.Cut(signed, ":")
	switch {
	case s.Name == "":
		return fmt.Sprintf("it does not say what the image is called, and the policy is for %q", p.Image)
	case got != name:
		return fmt.Sprintf("it was signed as %q, and the policy is for %q", s.Name, p.Image)
	case wantTag != "" && gotTag != wantTag:
		return fmt.Sprintf("it was signed as %q, and the policy is for %q", s.Name, p.Image)
	case tag != "" && gotTag != "" && gotTag != tag:
		return fmt.Sprintf("it was signed as %q, and stands under the tag %q: the tag was moved", s.Name, tag)
	}
	return ""
}

func sortedKeys(m map[string]string) []string {
	var keys []string
	for k := range m { // sorted below
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// contentOf tells apart what statements say; of signatures there is nothing to say.
func contentOf(s Statement) string {
	if s.PredicateType == PredicateSignature {
		return ""
	}
	var b bytes.Buffer
	if json.Compact(&b, s.Predicate) != nil {
		return string(kiln.DigestOf(s.Predicate))
	}
	return string(kiln.DigestOf(b.Bytes()))
}

// agree leaves those who signed the same: of several, what most persons did, and of
// these the first.
func (c *Check) agree() {
	persons := map[string]map[string]bool{}
	best := ""
	for i, s := range c.Signed {
		if persons[s.content] == nil {
			persons[s.content] = map[string]bool{}
		}
		persons[s.content][s.Person] = true
		if i == 0 {
			best = s.content
		}
	}
	for _, s := range c.Signed {
		if len(persons[s.content]) > len(persons[best]) {
			best = s.content
		}
	}
	c.Signed = slices.DeleteFunc(c.Signed, func(s Signed) bool {
		other := s.content != best
		if other {
			c.Rejected = append(c.Rejected, Rejected{s.Bundle, s.Person, s.Key, OtherContent, "more persons signed a statement of this type that says something else", c.Type})
		}
		return other
	})
}

// once counts each person once, with the highest serial number.
func (c *Check) once() {
	var kept []Signed
	slices.SortStableFunc(c.Signed, func(a, b Signed) int { return b.Serial - a.Serial })
	for _, s := range c.Signed {
		if i := slices.IndexFunc(kept, func(k Signed) bool { return k.Person == s.Person }); i >= 0 {
			c.Rejected = append(c.Rejected, Rejected{s.Bundle, s.Person, s.Key, SamePerson, fmt.Sprintf("%s is counted already, by the key %q", s.Person, kept[i].Key), c.Type})
			continue
		}
		kept = append(kept, s)
	}
	c.Signed = append([]Signed{}, kept...)
}

// reason is why a requirement is not met: what stopped the bundles that came nearest.
// What counts for another requirement of the verdict is no attempt at this one.
func (c *Check) reason(v *Verdict) Reason {
	if len(c.Signed) > 0 {
		return Below
	}
	pred, _ := ParsePredicate(c.Type) // it was checked
	nearest := append(slices.Clone(contentReasons), OtherValue, OtherName, NotInRole, KeyExpired, KeyNotYetValid, BadSignature, OtherImage, UnknownKey, OtherPredicate, Damaged)
	for _, r := range nearest {
		for _, x := range c.Rejected {
			if x.Reason == r && (pred.Is(x.Claims) || x.Claims == "" || r == OtherPredicate && !v.counted(x.Bundle)) {
				return r
			}
		}
	}
	// What was altered says itself what it is, and nobody signed that.
	if slices.ContainsFunc(c.Rejected, func(x Rejected) bool { return x.Reason == BadSignature }) {
		return BadSignature
	}
	return NothingThere
}

// counted reports whether a bundle counts for any requirement.
func (v *Verdict) counted(bundle string) bool {
	return slices.ContainsFunc(v.Checks, func(c Check) bool {
		return slices.ContainsFunc(c.Signed, func(s Signed) bool { return s.Bundle == bundle })
	})
}

// Why says in one line why a requirement is not met.
func (c *Check) Why() string {
	what := fmt.Sprintf("%s signed by the role %q", c.Predicate, c.Role)
	if c.Platform != "" {
		what += " for " + c.Platform
	}
	switch c.Reason {
	case Below:
		what += fmt.Sprintf(": %d of %d", len(c.Signed), c.Threshold)
		if i := slices.IndexFunc(c.Rejected, func(r Rejected) bool { return r.Reason == SamePerson }); i >= 0 {
			what += ": " + c.Rejected[i].Text
		}
		return what
	case NothingThere:
		return what + ": none stands beside the image; it was never made, or was removed"
	}
	for _, r := range c.Rejected {
		if r.Reason == c.Reason {
			return what + ": " + r.Text
		}
	}
	return what + ": " + string(c.Reason)
}
