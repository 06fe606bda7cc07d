package policy

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/interpreter"
	"golang.org/x/sync/errgroup"

	"kiln/internal/facts"
	"kiln/internal/recipe"
)

// What judging may cost, in CEL's units: some forty nanoseconds each, two seconds in
// all. It is counted, not timed, so that a verdict is the same on every machine. A loop
// over 100,000 files takes some ten units for each.
const (
	itemCost   = 100_000    // of an expression over one of a list
	wholeCost  = 10_000_000 // of an expression over the image
	policyCost = 50_000_000 // of a policy in all
)

// mostFound bounds how many findings of a rule are kept; the others are counted.
const mostFound = 20_000

// Options are the inputs of Judge beside the facts.
type Options struct {
	Now    time.Time                // for rules about ages; zero: not known
	Params map[string]recipe.Values // values for the policy's parameters
	Rules  Choice                   // which of the rules; zero: all
	Cost   uint64                   // what it may cost in all, in CEL's units; zero: 50,000,000
}

// Choice is some of the rules of a policy.
type Choice int

// The choices.
const (
	AllRules     Choice = iota
	UntimedRules        // what they say does not depend on when they are asked
	TimedRules          // the others
)

// Result is what a policy says of an image, before exceptions: Verdict makes that.
type Result struct {
	Policy string       `json:"policy"`
	Rules  []RuleResult `json:"rules"`
}

// RuleResult is what one rule says.
type RuleResult struct {
	Rule     string    `json:"rule"`
	Severity string    `json:"severity"`
	Judged   int       `json:"judged"` // how many things it looked at: those that its when is true for
	Findings []Finding `json:"findings"`
	More     int       `json:"more,omitempty"` // findings beyond those that are listed
}

// Finding is something that does not keep a rule.
type Finding struct {
	Policy   string `json:"policy"`
	Rule     string `json:"rule"`
	Severity string `json:"severity"`          // "deny" or "warn"
	Item     string `json:"item,omitempty"`    // what does not: a path, a package, a user; empty: the image
	Package  string `json:"package,omitempty"` // that it is, or is of
	Message  string `json:"message"`
	Fix      string `json:"fix,omitempty"`
	Why      string `json:"why"`
	Unjudged bool   `json:"unjudged,omitempty"` // the rule could not be worked out
	Accepted string `json:"accepted,omitempty"` // reason of the exception that takes it out
	Expired  string `json:"expired,omitempty"`  // last day of an exception that took it out until then
}

// Judge works out every rule of the policy.
func (p *Policy) Judge(ctx context.Context, f *facts.Facts, o Options) (*Result, error) {
	params, bad := p.bind(o.Params)
	if bad != nil {
		return nil, errors.New(bad[0].Text)
	}
	w := p.newWorld(f, o.Now, params)
	res := &Result{Policy: p.Name, Rules: []RuleResult{}}
	spent, most := uint64(0), cmp.Or(o.Cost, policyCost)
	for _, r := range p.Rules {
		if o.Rules == UntimedRules && r.Timed() || o.Rules == TimedRules && !r.Timed() {
			continue
		}
		j := &judging{policy: p, rule: r, world: w, unknown: f.Unknown, limit: most - min(spent, most)}
		found, err := j.run(ctx)
		if err != nil {
			return nil, err
		}
		spent += j.spent.Load() + w.cost.Swap(0)
		res.Rules = append(res.Rules, found)
	}
	return res, nil
}

// world is the values that expressions see. Each is made when it is first asked for.
type world struct {
	values map[string]func() ref.Val
	cost   atomic.Uint64 // of variables
}

// ResolveName implements cel.Activation.
func (w *world) ResolveName(name string) (any, bool) {
	v, ok := w.values[name]
	if !ok {
		return nil, false
	}
	return v(), true
}

// Parent implements cel.Activation.
func (w *world) Parent() interpreter.Activation { return nil }

func (p *Policy) newWorld(f *facts.Facts, now time.Time, params map[string]ref.Val) *world {
	w := &world{values: map[string]func() ref.Val{}}
	all := reflect.ValueOf(f).Elem()
	for _, field := range p.schema.top.Fields {
		v := all.Field(field.Index)
		w.values[field.Name] = sync.OnceValue(func() ref.Val {
			if field.Optional && v.IsNil() {
				return types.WrapErr(&unknownFact{field.Name})
			}
			return p.schema.value(v)
		})
	}
	w.values[nowName] = func() ref.Val {
		if now.IsZero() {
			return types.WrapErr(&unknownFact{nowName})
		}
		return types.Timestamp{Time: now}
	}
	for name, v := range params {
		v := indexed(v)
		w.values[name] = func() ref.Val { return v }
	}
	for _, v := range p.variables {
		w.values[v.name] = sync.OnceValue(func() ref.Val {
			out, details, err := v.program.Eval(cel.Activation(w))
			w.cost.Add(costIn(details))
			if err != nil {
				return types.WrapErr(err)
			}
			return indexed(out)
		})
	}
	return w
}

func costIn(d *cel.EvalDetails) uint64 {
	if d == nil || d.ActualCost() == nil {
		return 0
	}
	return *d.ActualCost()
}

// one is the world with one of a list.
type one struct {
	*world
	name string
	item ref.Val
}

// ResolveName implements cel.Activation.
func (o *one) ResolveName(name string) (any, bool) {
	if name == o.name {
		return o.item, true
	}
	return o.world.ResolveName(name)
}

// judging is the work on one rule.
type judging struct {
	policy  *Policy
	rule    *Rule
	world   *world
	unknown map[string]string
	limit   uint64
	spent   atomic.Uint64
}

// errCost stops a rule that costs too much.
var errCost = errors.New("the policy costs too much")

func (j *judging) run(ctx context.Context) (RuleResult, error) {
	r := j.rule
	res := RuleResult{Rule: r.Name, Severity: r.Severity, Findings: []Finding{}}
	if j.limit == 0 {
		res.Findings = append(res.Findings, j.unjudged("", errCost))
		return res, nil
	}
	if r.For == "" {
		judged, found, err := j.whole(ctx)
		if err != nil {
			return res, err
		}
		res.Judged = judged
		if found != nil {
			res.Findings = append(res.Findings, *found)
		}
		return res, nil
	}
	v, _ := j.world.ResolveName(r.For)
	if err, ok := v.(*types.Err); ok {
		res.Findings = append(res.Findings, j.unjudged("", err))
		return res, nil
	}
	parts, err := j.parts(ctx, v.(interface{ Value() any }).Value().([]ref.Val))
	if err != nil {
		return res, err
	}
	j.join(&res, parts)
	return res, nil
}

// whole judges the image as a whole; the finding is nil where all is well.
func (j *judging) whole(ctx context.Context) (judged int, found *Finding, err error) {
	ok, err := j.holds(ctx, j.world)
	if ctx.Err() != nil {
		return 0, nil, ctx.Err()
	}
	switch {
	case err != nil:
		f := j.unjudged("", err)
		return 1, &f, nil
	case ok == skipped:
		return 0, nil, nil
	case ok == kept:
		return 1, nil, nil
	}
	f := j.finding("", "", j.world)
	return 1, &f, nil
}

// What holds says.
const (
	skipped = iota // the rule does not look at it
	kept
	broken
)

// holds works out the rule for one activation.
func (j *judging) holds(ctx context.Context, a cel.Activation) (int, error) {
	if j.rule.when != nil {
		if yes, err := j.test(ctx, j.rule.when, a); err != nil || !yes {
			return skipped, err
		}
	}
	yes, err := j.test(ctx, j.rule.assert, a)
	if err == nil && yes {
		return kept, nil
	}
	return broken, err
}

// test works out one expression. Over one of a list it ends at its limit of cost so
// soon that it is not interrupted.
func (j *judging) test(ctx context.Context, e *expression, a cel.Activation) (bool, error) {
	var v ref.Val
	var details *cel.EvalDetails
	var err error
	if j.rule.For == "" {
		v, details, err = e.program.ContextEval(ctx, a)
	} else {
		v, details, err = e.program.Eval(a)
	}
	j.spent.Add(costIn(details))
	if err != nil {
		return false, err
	}
	return v == types.True, nil
}

// part is what became of a run of the list.
type part struct {
	judged   int
	findings []Finding
	more     int
	unknown  *Finding // the same fact is unknown of all: it is told once
}

// chunk is how many of a list are judged in one piece of work.
const chunk = 1000

func (j *judging) parts(ctx context.Context, items []ref.Val) ([]part, error) {
	all := make([]part, (len(items)+chunk-1)/chunk)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i := range all {
		group.Go(func() error { return j.part(ctx, items[i*chunk:min((i+1)*chunk, len(items))], &all[i]) })
	}
	err := group.Wait()
	if errors.Is(err, errCost) {
		f := j.unjudged("", errCost)
		return []part{{findings: []Finding{f}}}, nil
	}
	return all, err
}

func (j *judging) part(ctx context.Context, items []ref.Val, p *part) error {
	a := &one{world: j.world, name: j.rule.each.Each}
	for i, item := range items {
		if i%100 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		if j.spent.Load() > j.limit { // all together cost more, in whatever order they are judged
			return errCost
		}
		a.item = item
		state, err := j.holds(ctx, a)
		if state == skipped && err == nil {
			continue
		}
		p.judged++
		if err == nil && state == kept {
			continue
		}
		name, pkg := label(item.Value())
		var unknown *unknownFact
		switch {
		case errors.As(err, &unknown):
			if p.unknown == nil {
				f := j.unjudged("", err)
				p.unknown = &f
			}
		case len(p.findings) == mostFound:
			p.more++
		case err != nil:
			f := j.unjudged(name, err)
			f.Package = pkg
			p.findings = append(p.findings, f)
		default:
			p.findings = append(p.findings, j.finding(name, pkg, a))
		}
	}
	return nil
}

// join puts the parts together, in the order of the list.
func (j *judging) join(res *RuleResult, parts []part) {
	for _, p := range parts {
		res.Judged += p.judged
		if p.unknown != nil && (len(res.Findings) == 0 || !res.Findings[0].Unjudged || res.Findings[0].Item != "") {
			res.Findings = slices.Insert(res.Findings, 0, *p.unknown)
		}
	}
	for _, p := range parts {
		room := max(0, mostFound-len(res.Findings))
		res.Findings = append(res.Findings, p.findings[:min(room, len(p.findings))]...)
		res.More += p.more + max(0, len(p.findings)-room)
	}
}

func (j *judging) finding(item, pkg string, a cel.Activation) Finding {
	return Finding{
		Policy: j.policy.Name, Rule: j.rule.Name, Severity: j.rule.Severity, Item: item, Package: pkg,
		Message: j.rule.message.render(a), Fix: j.rule.fix.render(a), Why: j.rule.Why,
	}
}

// unjudged is the finding of a rule that could not be worked out: it does not pass.
func (j *judging) unjudged(item string, err error) Finding {
	f := Finding{Policy: j.policy.Name, Rule: j.rule.Name, Severity: j.rule.Severity, Item: item, Why: j.rule.Why, Unjudged: true}
	var unknown *unknownFact
	switch {
	case errors.As(err, &unknown):
		f.Message = fmt.Sprintf("this cannot be judged: the fact %s is not known", unknown.name)
		if why := reason(j.unknown, unknown.name); why != "" {
			f.Message += ": " + why
		}
	case errors.Is(err, errCost), strings.Contains(err.Error(), "cost limit exceeded"):
		f.Message = "this cannot be judged: it costs more than a policy may"
		f.Fix = "go through less: narrow when:, or use for: in place of a loop in a loop"
	default:
		f.Message = "this cannot be judged: " + plain(err.Error())
		f.Fix = "have the rule look first whether it is there: when:, has(...), KEY in MAP"
	}
	return f
}

// reason is what the facts say of one that is not known.
func reason(all map[string]string, name string) string {
	whole, _, _ := strings.Cut(name, ".")
	return cmp.Or(all[name], all[whole])
}

// label is what findings call one of a list, and the package that it is of.
func label(v any) (name, pkg string) {
	switch v := v.(type) {
	case *facts.File:
		if v.Package != nil {
			pkg = *v.Package
		}
		return v.Path, pkg
	case *facts.Package:
		return v.Name, v.Name
	case *facts.User:
		return v.Name, ""
	case *facts.Group:
		return v.Name, ""
	case *facts.Unit:
		return v.Name, ""
	case *facts.Port:
		return fmt.Sprintf("%d/%s", v.Number, v.Protocol), ""
	case *facts.Setting:
		return v.Name, ""
	case *facts.Layer:
		return v.Name, ""
	case *facts.Release:
		return v.Archive + "/" + v.Suite, ""
	case *facts.Secret:
		return v.Place, ""
	case *facts.Vulnerability:
		return v.ID, v.Package
	case *facts.Signature:
		return v.Identity, ""
	}
	panic(fmt.Sprintf("bug: no label for %T", v))
}

func sortedKeys[T any](m map[string]T) []string { return slices.Sorted(maps.Keys(m)) }
