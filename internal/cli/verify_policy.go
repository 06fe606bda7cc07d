package cli

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"kiln"
	"kiln/internal/attest"
	"kiln/internal/image"
	"kiln/internal/proof"
	"kiln/internal/tree"
)

// trustFlags are the flags of kiln verify that say whose image it must be.
type trustFlags struct {
	file      string
	bundles   []string
	digest    string
	state     string
	at        string
	skipFresh bool
}

func (f *trustFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.file, "policy", "", "require what the trust policy in `FILE` requires")
	flags.StringArrayVar(&f.bundles, "bundle", nil, "with --policy: also use the bundle, or the answer, in `FILE`; may be repeated")
	flags.StringVar(&f.digest, "digest", "", "with --policy: require that it is the image with the `DIGEST`")
	flags.StringVar(&f.state, "state", "", "with --policy: remember in `FILE` what was accepted, and refuse an older image of the same name")
	flags.StringVar(&f.at, "unsafe-at", "", "with --policy: take `TIME` for now when judging how long keys are valid")
	flags.BoolVar(&f.skipFresh, "unsafe-skip-freshness", false, "with --policy: take an image of any age")
	complete(cmd, "digest", words())
	complete(cmd, "unsafe-at", words())
	for _, name := range []string{"policy", "bundle", "state"} {
		complete(cmd, name, completeAny)
	}
}

func (f *trustFlags) check() error {
	if f.file == "" && (len(f.bundles) > 0 || f.digest+f.state+f.at != "" || f.skipFresh) {
		return &kiln.Error{Code: kiln.Usage, Text: "--bundle, --digest, --state and --unsafe flags go with --policy", Hints: []string{"--policy trust.yaml"}}
	}
	if f.at != "" {
		if _, err := attest.ParseTime(f.at); err != nil {
			return &kiln.Error{Code: kiln.Usage, Text: fmt.Sprintf("cannot read the time %q", f.at), Hints: []string{"--unsafe-at 2026-11-20"}}
		}
	}
	if f.digest != "" {
		if _, err := kiln.ParseDigest(f.digest); err != nil {
			return &kiln.Error{Code: kiln.Usage, Text: "cannot read --digest: " + err.Error()}
		}
	}
	return nil
}

// maxTrust bounds a policy and the record of what was accepted, in bytes.
const maxTrust = 4 << 20

func loadTrust(file string) (*attest.Policy, error) {
	text, err := readBounded(file, maxTrust)
	if err != nil {
		return nil, &kiln.Error{Code: kiln.User, Text: fmt.Sprintf("cannot read the trust policy: %v", err), Err: err, Hints: []string{"docs/signing.md shows how to write one"}}
	}
	return attest.ParsePolicy(file, text, func(name string) ([]byte, error) {
		if !filepath.IsAbs(name) {
			name = filepath.Join(filepath.Dir(file), name)
		}
		return readBounded(name, maxKeyText)
	})
}

// policyReport is what kiln verify --policy tells.
type policyReport struct {
	Image     string                  `json:"image"`
	Digest    kiln.Digest             `json:"digest"`
	Tag       string                  `json:"tag,omitempty"`
	Platform  string                  `json:"platform,omitempty"` // that was named
	Platforms []attest.PlatformTarget `json:"platforms"`
	Policy    string                  `json:"policy"`
	At        time.Time               `json:"at"` // keys were judged as of then
	Created   time.Time               `json:"created"`
	*attest.Verdict
	Fresh    string          `json:"fresh,omitempty"` // how it is too old
	State    string          `json:"state,omitempty"`
	Skipped  []string        `json:"skipped"` // by flags
	Reports  []*proof.Report `json:"reports"` // of the files
	Accepted bool            `json:"accepted"`
}

// verifyPolicy holds an image against a trust policy, and its files against the
// digest that was signed.
func (a *app) verifyPolicy(ctx context.Context, ref image.Reference, want proof.Expected, o proof.Options, f trustFlags) error {
	policy, err := loadTrust(f.file)
	if err != nil {
		return err
	}
	out, err := image.ReadOutline(ctx, ref, image.Options{Referrers: bundlesAlone, Spool: o.Spool, Sink: o.Sink})
	if err != nil {
		return err
	}
	found := bundlesOf(out)
	for _, file := range f.bundles {
		bundles, err := readBundles(file)
		if err != nil {
			return err
		}
		for _, b := range bundles {
			found = append(found, attest.Found{Name: file, Bundle: b})
		}
	}
	target, err := targetOf(out, ref, o.Platforms)
	if err != nil {
		return err
	}
	r := &policyReport{
		Image: ref.String(), Digest: target.Digest, Tag: target.Tag, Platforms: target.Platforms, Policy: f.file,
		At: a.world.Now().UTC(), Created: target.Created, Skipped: []string{}, Reports: []*proof.Report{},
	}
	if len(o.Platforms) > 0 {
		r.Platform = o.Platforms[0].String()
	}
	if f.at != "" {
		r.At, _ = attest.ParseTime(f.at) // it was checked
		r.Skipped = append(r.Skipped, "keys were judged as of --unsafe-at "+f.at)
	}
	r.Verdict = policy.Judge(target, found, r.At)
	if f.digest != "" && kiln.Digest(f.digest) != target.Digest {
		return a.refuse(r, ref, fmt.Sprintf("it is %s, and not %s: the name leads to another image now", target.Digest, f.digest))
	}
	if text := why(r.Verdict); text != "" {
		return a.refuse(r, ref, text)
	}
	if r.Reports, err = a.contents(ctx, ref, out, want, o); err != nil {
		return err
	}
	if unequal(ref, r.Reports) != nil {
		return a.refuse(r, ref, "its files are not those of the image that was signed")
	}
	if p := unchecked(target, r.Reports); p != "" {
		return a.refuse(r, ref, fmt.Sprintf("the files of %s were not checked, which were signed too: name what was, --platform PLATFORM", p))
	}
	return a.acceptFresh(ctx, ref, policy, r, f)
}

// targetOf is the image that is judged: as a whole, or the one platform that was named.
func targetOf(o *image.Outline, ref image.Reference, platforms []kiln.Platform) (attest.Target, error) {
	t := attest.Target{Digest: o.Entry.Digest, Tag: o.Tag, Created: o.Created().Time()}
	for _, p := range o.Platforms {
		one := attest.PlatformTarget{Platform: p.Platform.String(), Digest: p.Manifest.Digest}
		if len(platforms) == 1 && platforms[0] == p.Platform {
			t.Digest, t.Platforms, t.Created = one.Digest, []attest.PlatformTarget{one}, p.Created.Time()
			return t, nil
		}
		t.Platforms = append(t.Platforms, one)
	}
	if len(platforms) > 0 {
		return t, &kiln.Error{Code: kiln.User, Text: fmt.Sprintf("%s holds no image for %s", ref, platforms[0]), Hints: []string{"leave --platform out to verify all there are"}}
	}
	return t, nil
}

// unchecked is a platform of the image whose files no report tells of: the record of a
// build is not signed, and may name whatever it likes.
func unchecked(t attest.Target, reports []*proof.Report) string {
	for _, p := range t.Platforms {
		if !slices.ContainsFunc(reports, func(r *proof.Report) bool { return r.Digest == p.Digest }) {
			return p.Platform
		}
	}
	return ""
}

// why joins what is not met.
func why(v *attest.Verdict) string {
	var all []string
	for i := range v.Checks {
		if !v.Checks[i].Met {
			all = append(all, v.Checks[i].Why())
		}
	}
	return strings.Join(all, "\n")
}

// refuse tells the report and what is wrong.
func (a *app) refuse(r *policyReport, ref image.Reference, text string) error {
	if err := a.ui.result(r, r.print); err != nil {
		return err
	}
	return &kiln.Error{
		Code: kiln.Refused, Text: fmt.Sprintf("%s does not meet the trust policy %q: %s", ref, r.Policy, text),
		Hints: []string{"do not use it; get it again from who signs it, with all that stands beside it"},
	}
}

// contents checks the files of an image: against the record of its build or what the
// flags say, or else against the digests that lead to them.
func (a *app) contents(ctx context.Context, ref image.Reference, out *image.Outline, want proof.Expected, o proof.Options) ([]*proof.Report, error) {
	if out.Record != nil || want != (proof.Expected{}) {
		return proof.Verify(ctx, ref, want, o)
	}
	var all []*proof.Report
	for _, p := range out.Platforms {
		if len(o.Platforms) > 0 && o.Platforms[0] != p.Platform {
			continue
		}
		img, err := image.Read(ctx, ref, image.Options{
			Platform: p.Platform, Native: o.Native, Spool: o.Spool, Sink: o.Sink, Keep: func(tree.Entry) bool { return false },
		})
		if err != nil {
			return nil, err
		}
		d := img.Tree.Digest()
		all = append(all, &proof.Report{
			Image: ref.String(), Platform: p.Platform.String(), Digest: img.Digest, Against: "its digest", Tree: d, Found: d, Entries: img.Tree.Len(),
			Damage: []proof.Fault{}, Files: []string{}, Changes: []proof.Difference{}, Ignored: []string{}, Equal: true,
		})
		if err := img.Close(); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// whole refuses an image whose files are not what its digest and its record say.
func (a *app) whole(ctx context.Context, ref image.Reference, out *image.Outline) error {
	reports, err := a.contents(ctx, ref, out, proof.Expected{}, proof.Options{Native: nativePlatform(), Spool: a.spool(), Sink: a.ui.sink})
	if err != nil {
		return err
	}
	return unequal(ref, reports)
}
