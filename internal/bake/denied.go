package bake

import (
	"fmt"
	"slices"
	"strings"

	"kiln"
	"kiln/internal/policy"
	"kiln/internal/recipe"
)

// mostDenied bounds how many findings a message has of an image.
const mostDenied = 20

// denial is what policies deny of some images, to the letter the same.
type denial struct {
	platforms []string
	verdicts  []*policy.Verdict
	text      string
}

// denied is the error of what policies deny of the images, which also says how the
// recipe can accept a finding; nil where they deny nothing. Platforms of which the
// same is denied are told in one.
func denied(images []built) error {
	var all []denial
	for i := range images {
		text := deniedText(images[i].image.Policies)
		if text == "" {
			continue
		}
		name := images[i].image.Platform.String()
		if k := slices.IndexFunc(all, func(d denial) bool { return d.text == text }); k >= 0 {
			all[k].platforms = append(all[k].platforms, name)
			continue
		}
		all = append(all, denial{[]string{name}, images[i].image.Policies, text})
	}
	if all == nil {
		return nil
	}
	var b strings.Builder
	for i, d := range all {
		if i > 0 {
			b.WriteString("\n")
		}
		noun := "the image"
		if len(d.platforms) > 1 {
			noun = "the images"
		}
		fmt.Fprintf(&b, "policy says no to %s for %s:%s", noun, strings.Join(d.platforms, " and "), d.text)
	}
	hints := advise(&b, all)
	return &kiln.Error{Code: kiln.Refused, Text: b.String(), Hints: hints}
}

// advise writes how the first finding is accepted, and returns where the rules are.
func advise(b *strings.Builder, all []denial) (hints []string) {
	for _, d := range all {
		for _, v := range d.verdicts {
			hint := "kiln policy show " + v.File
			if v.OK() || slices.Contains(hints, hint) {
				continue
			}
			if len(hints) == 0 && len(v.Denied) > 0 {
				first := v.Denied[0]
				fmt.Fprintf(b, "\nwhere one is as it should be, write in the recipe:\npolicy:\n  - use: %s\n    except:\n      - {rule: %s, %swhy: ...}", useOf(v), first.Rule, subjectOf(first))
			}
			hints = append(hints, hint)
		}
	}
	return hints
}

// deniedText is what verdicts deny, each on a line of its own; empty where nothing is.
func deniedText(verdicts []*policy.Verdict) string {
	var found []policy.Finding
	more := 0
	for _, v := range verdicts {
		found = append(found, v.Denied...)
		if v.DeniedMore {
			more += v.More
		}
	}
	var b strings.Builder
	shown := found[:min(len(found), mostDenied)]
	for _, f := range shown {
		b.WriteString("\n" + f.String())
	}
	if rest := len(found) - len(shown) + more; rest > 0 {
		fmt.Fprintf(&b, "\n  and %d more", rest)
	}
	return b.String()
}

// subjectOf is the key of an exception for a finding.
func subjectOf(f policy.Finding) string {
	switch {
	case f.Item == "":
		return ""
	case strings.HasPrefix(f.Item, "/"):
		return "path: " + f.Item + ", "
	case f.Item == f.Package:
		return "package: " + f.Item + ", "
	}
	return fmt.Sprintf("item: %q, ", f.Item)
}

// useOf is how the recipe names a policy, where that is plain.
func useOf(v *policy.Verdict) string {
	if strings.HasPrefix(v.File, recipe.BuiltinPolicy) {
		return v.File
	}
	return "..."
}
