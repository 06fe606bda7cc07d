package bake

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sync/errgroup"

	"kiln"
	"kiln/internal/facts"
	"kiln/internal/lock"
	"kiln/internal/oci"
	"kiln/internal/policy"
	"kiln/internal/recipe"
	"kiln/internal/sbom"
)

// Subject is an image whose facts are asked for.
type Subject struct {
	Recipe   *recipe.Recipe
	Lock     *lock.Lock
	Platform kiln.Platform
	Root     *Root
	Image    Image
	Config   oci.Config
	// Inventory is what SBOMs tell of the packages; nil where nobody asked for it, or the
	// family has none.
	Inventory *sbom.Inventory
}

// Used is a policy of a recipe, read, with the recipe's exceptions from it.
type Used struct {
	*policy.Policy
	Params map[string]recipe.Values
	Except []policy.Named
}

// Policies reads the policies of a recipe. All that is wrong with one is told, of the
// first that something is wrong with.
func Policies(r *recipe.Recipe) ([]Used, error) {
	loaded := make([]loadedPolicy, len(r.Policy))
	var group errgroup.Group // a no-change build takes little longer than compiling them
	for i, use := range r.Policy {
		group.Go(func() error {
			loaded[i] = loadPolicy(r, use.Use)
			return nil
		})
	}
	_ = group.Wait()
	var all []Used
	for i, use := range r.Policy {
		u, err := loaded[i].used(r, i, use)
		if err != nil {
			return nil, err
		}
		all = append(all, u)
	}
	return all, nil
}

// loadedPolicy is a policy, or why it could not be read.
type loadedPolicy struct {
	policy   *policy.Policy
	file     string
	problems recipe.Problems
	err      error
}

func loadPolicy(r *recipe.Recipe, use string) (l loadedPolicy) {
	var text []byte
	if name, builtin := strings.CutPrefix(use, recipe.BuiltinPolicy); builtin {
		l.file = use
		text, l.err = policy.BuiltinText(name)
	} else {
		l.file = filepath.Join(filepath.Dir(r.Path()), filepath.FromSlash(use))
		text, l.err = r.ReadFile(use)
	}
	if l.err == nil {
		l.policy, l.problems = policy.Load(l.file, text)
	}
	return l
}

// used checks what the recipe says to a policy.
func (l *loadedPolicy) used(r *recipe.Recipe, i int, use recipe.Policy) (Used, error) {
	var problems recipe.Problems
	switch {
	case l.err != nil:
		p := r.Problem(fmt.Sprintf("policy[%d].use", i), l.err.Error())
		p.Note = "kiln policy list shows what comes with kiln; a path is relative to the recipe"
		problems = recipe.Problems{p}
	case l.problems != nil:
		return Used{}, &kiln.Error{Code: kiln.User, Text: fmt.Sprintf("cannot use the policy %q: %v", l.file, l.problems), Err: l.problems}
	default:
		problems = badParams(r, i, l.policy, use)
	}
	u := Used{Policy: l.policy, Params: use.Params}
	for j, e := range use.Except {
		if l.policy != nil {
			problems = append(problems, badException(r, fmt.Sprintf("policy[%d].except[%d]", i, j), l.policy, e)...)
		}
		u.Except = append(u.Except, policy.Named{Rule: e.Rule, Exception: policy.Exception{Path: e.Path, Package: e.Package, Item: e.Item, Why: e.Why, Until: e.Until}})
	}
	if problems != nil {
		return Used{}, &kiln.Error{Code: kiln.User, Text: fmt.Sprintf("cannot use the recipe %q: %v", r.Path(), problems), Err: problems}
	}
	return u, nil
}

func badParams(r *recipe.Recipe, i int, p *policy.Policy, use recipe.Policy) recipe.Problems {
	var problems recipe.Problems
	for _, b := range p.CheckParams(use.Params) {
		problem := r.Problem(fmt.Sprintf("policy[%d].params[%s]", i, b.Name), b.Text)
		problem.Note, problem.Suggestion = b.Note, b.Suggestion
		problems = append(problems, problem)
	}
	return problems
}

func badException(r *recipe.Recipe, part string, p *policy.Policy, e recipe.Exception) recipe.Problems {
	var names []string
	for _, rule := range p.Rules {
		if rule.Name != e.Rule {
			names = append(names, rule.Name)
			continue
		}
		if rule.For != "" && e.Path == "" && e.Package == "" && e.Item == "" {
			problem := r.Problem(part, fmt.Sprintf("the rule %q goes through %s: an exception from it says what it is for", e.Rule, rule.For))
			problem.Note = "add path:, package: or item:"
			return recipe.Problems{problem}
		}
		return nil
	}
	problem := r.Problem(part+".rule", fmt.Sprintf("the policy %q has no rule %q", p.Name, e.Rule))
	problem.Suggestion = recipe.Nearest(e.Rule, names)
	if problem.Suggestion == "" {
		problem.Note = "its rules: " + strings.Join(names, ", ")
	}
	return recipe.Problems{problem}
}

// judge judges each image by the policies of the recipe. The error is what stops the
// build: what is denied of all platforms, so that a recipe is corrected once.
func (o Options) judge(ctx context.Context, r *recipe.Recipe, l *lock.Lock, policies []Used, images []built, keys []kiln.Digest) error {
	if len(policies) == 0 {
		return nil
	}
	for i := range images {
		p := images[i].image.Platform
		job := o.Sink.Start(kiln.StepCheck, "policies of "+p.String(), 0)
		verdicts, err := o.verdicts(ctx, r, l, policies, images[i], keys[i])
		if err != nil {
			job.Fail()
			return err
		}
		images[i].image.Policies = verdicts
		if slices.ContainsFunc(verdicts, func(v *policy.Verdict) bool { return !v.OK() }) {
			job.Fail()
			continue
		}
		job.Finish()
	}
	if err := denied(images); err != nil {
		return err
	}
	return o.unusedExceptions(r, policies, images)
}

// verdicts are those of one image.
func (o Options) verdicts(ctx context.Context, r *recipe.Recipe, l *lock.Lock, policies []Used, b built, key kiln.Digest) ([]*policy.Verdict, error) {
	key = verdictKey(key, policies)
	kept, ok := o.recallVerdicts(key)
	if !ok {
		licences := slices.ContainsFunc(policies, func(u Used) bool { return u.Asks(AskLicences) })
		f, err := o.factsOf(ctx, r, l, b, licences)
		if err != nil {
			return nil, err
		}
		if kept, err = judgeUntimed(ctx, policies, f); err != nil {
			return nil, err
		}
		if err := o.keepVerdicts(key, kept); err != nil {
			return nil, err
		}
	}
	var all []*policy.Verdict
	for i, u := range policies {
		res := kept.Results[i]
		if u.Timed() {
			timed, err := u.Judge(ctx, kept.Facts, policy.Options{Now: o.Now, Params: u.Params, Rules: policy.TimedRules})
			if err != nil {
				return nil, err
			}
			res = u.Join(res, timed)
		}
		all = append(all, u.Verdict(res, u.Except, o.Now))
	}
	return all, nil
}

// keptVerdicts is what the store keeps of the judging of one image: what the rules say
// that do not ask for the time, and the facts that the others ask for. Exceptions are
// applied anew, since they can end.
type keptVerdicts struct {
	Results []*policy.Result `json:"results"`
	Facts   *facts.Facts     `json:"facts,omitempty"`
}

// verdictFormat is the version of the form in which they are kept.
const verdictFormat = 1

// mostKept bounds the findings that are kept: an image with more is judged again.
const mostKept = 1000

func judgeUntimed(ctx context.Context, policies []Used, f *facts.Facts) (keptVerdicts, error) {
	var kept keptVerdicts
	var uses []string
	for _, u := range policies {
		res, err := u.Judge(ctx, f, policy.Options{Params: u.Params, Rules: policy.UntimedRules})
		if err != nil {
			return kept, err
		}
		kept.Results = append(kept.Results, res)
		for _, rule := range u.Rules {
			if rule.Timed() {
				uses = append(uses, rule.Uses()...)
			}
		}
	}
	if uses != nil {
		kept.Facts = f.Only(uses)
	}
	return kept, nil
}

// verdictKey is the action key of the judging of an image; empty where the image has
// none. That of the image covers kiln's own build.
func verdictKey(image kiln.Digest, policies []Used) kiln.Digest {
	if image == "" {
		return ""
	}
	fields := []string{"kiln policy verdicts", strconv.Itoa(verdictFormat), string(image)}
	for _, u := range policies {
		params, err := json.Marshal(u.Params)
		if err != nil {
			panic("bug: cannot encode parameters: " + err.Error())
		}
		fields = append(fields, string(u.Digest()), string(params))
	}
	return kiln.DigestOf(fmt.Appendf(nil, "%q", fields))
}

func (o Options) recallVerdicts(key kiln.Digest) (kept keptVerdicts, ok bool) {
	if key == "" {
		return kept, false
	}
	value, ok := o.Store.Result(key)
	if !ok || json.Unmarshal(value, &kept) != nil {
		return keptVerdicts{}, false
	}
	return kept, true
}

func (o Options) keepVerdicts(key kiln.Digest, kept keptVerdicts) error {
	n := 0
	for _, res := range kept.Results {
		for _, r := range res.Rules {
			n += len(r.Findings) + r.More
		}
	}
	if key == "" || n > mostKept {
		return nil
	}
	value, err := json.Marshal(kept)
	if err != nil {
		return fmt.Errorf("bug: cannot encode the verdicts: %w", err)
	}
	return o.Store.SetResult(key, value)
}

// unusedExceptions warns of exceptions of the recipe that no finding of any platform
// answers to: a typo must not look like one that is needed.
func (o Options) unusedExceptions(r *recipe.Recipe, policies []Used, images []built) error {
	for i, u := range policies {
		for j, e := range u.Except {
			unused := !slices.ContainsFunc(images, func(b built) bool { return !slices.Contains(b.image.Policies[i].Unused, j) })
			if unused {
				line := r.Line(fmt.Sprintf("policy[%d].except[%d]", i, j))
				o.Sink.Send(kiln.Event{State: kiln.Warning, Text: fmt.Sprintf("%s:%d: this exception from the rule %q of the policy %q matches nothing: take it out", r.Path(), line, e.Rule, u.Name)})
			}
		}
	}
	return nil
}

// AskLicences and AskSecrets are the facts that are sought only where a policy asks.
const (
	AskLicences = "licences"
	AskSecrets  = "secrets"
)

// Facts makes the images of a recipe and tells what policies ask of each; with licences,
// those of the packages as well. It writes nothing but the store: no output, and no lock.
func Facts(ctx context.Context, o Options, licences bool) ([]*facts.Facts, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	locked, err := settle(ctx, o.Lock)
	if err != nil {
		return nil, err
	}
	r, l := o.Lock.Recipe, locked.Lock
	images, _, err := buildImages(ctx, o, r, l)
	defer func() {
		for _, b := range images {
			closeLayers(b.manifest.Layers)
		}
	}()
	if err != nil {
		return nil, err
	}
	var all []*facts.Facts
	for _, b := range images {
		f, err := o.factsOf(ctx, r, l, b, licences)
		if err != nil {
			return nil, err
		}
		all = append(all, f)
	}
	return all, nil
}

// factsOf tells what policies ask of an image.
func (o Options) factsOf(ctx context.Context, r *recipe.Recipe, l *lock.Lock, b built, licences bool) (*facts.Facts, error) {
	var inventory *sbom.Inventory
	if licences && b.evidence.Inventory.Digest != "" {
		text, err := oci.ReadCompressedFile(o.Store, b.evidence.Inventory)
		if err != nil {
			return nil, err
		}
		if inventory, err = sbom.Parse(text); err != nil {
			return nil, err
		}
	}
	root, err := o.rootOf(ctx, r, l, b)
	if err != nil {
		return nil, err
	}
	p := b.image.Platform
	return o.Lock.Family.Facts(Subject{Recipe: r, Lock: l, Platform: p, Root: root, Image: b.image, Config: containerConfig(r, p, root), Inventory: inventory})
}
