package cli

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"kiln"
	"kiln/internal/recipe"
)

// subject is what kiln why is asked about.
type subject struct {
	text string // as asked
	kind string // "path", or one of subjectKinds
	name string
}

func subjectKinds() []string {
	return []string{"user", "group", "unit", "package", "env", "config", "arg", "module"}
}

// kindOf reads "KIND:NAME".
func kindOf(text string) (kind, name string, ok bool) {
	kind, name, ok = strings.Cut(text, ":")
	return kind, name, ok && slices.Contains(subjectKinds(), kind)
}

// splitSubjects tells the recipe from the subjects.
func splitSubjects(args []string) (recipe string, subjects []string, err error) {
	if len(args) == 0 {
		return "", nil, nothingAsked()
	}
	if _, _, ok := kindOf(args[0]); ok {
		return ".", args, nil
	}
	if len(args) > 1 {
		return args[0], args[1:], nil
	}
	if _, ok := explained(args[0]); !ok {
		return ".", args, nil
	}
	nothing := nothingAsked()
	nothing.Hints = []string{"kiln why " + args[0] + " /etc/passwd", "kiln why --help"}
	return "", nil, nothing
}

// nothingAsked is the error of a call without a subject.
func nothingAsked() *kiln.Error {
	return &kiln.Error{
		Code:  kiln.Usage,
		Text:  "kiln why wants something to tell about: " + subjectForms,
		Hints: []string{"kiln why /etc/passwd", "kiln why --help"},
	}
}

// subjectForms are the forms of a subject.
const subjectForms = "a path of the image, which begins with a slash, user:NAME, group:NAME, unit:NAME, package:NAME, env:NAME, config:NAME, arg:NAME or module:NAME"

// parseSubjects reads subjects. After a recipe or an image a bare name is a package's.
func parseSubjects(args []string, after bool) ([]subject, error) {
	var all []subject
	for _, text := range args {
		kind, name, ok := kindOf(text)
		switch {
		case ok && name != "":
		case !ok && strings.HasPrefix(text, "/"):
			kind, name = "path", text
		case !ok && after && isPackageName(text):
			kind, name = "package", text
		default:
			return nil, &kiln.Error{
				Code:  kiln.Usage,
				Text:  fmt.Sprintf("cannot tell about %q: want %s", text, subjectForms),
				Hints: subjectHints(text),
			}
		}
		all = append(all, subject{text, kind, name})
	}
	return all, nil
}

// isPackageName tells whether a text can be NAME or NAME=VERSION (Policy 5.6.1, 5.6.12).
var isPackageName = regexp.MustCompile(`^[a-z0-9][a-z0-9+.-]+(=[A-Za-z0-9.+~:-]+)?$`).MatchString

// subjectHints are what may have been meant.
func subjectHints(text string) []string {
	kind, name, colon := strings.Cut(text, ":")
	if near := recipe.Nearest(kind, subjectKinds()); colon && near != "" && name != "" {
		return []string{"kiln why " + near + ":" + name}
	}
	return []string{"kiln why package:" + text, "kiln why /" + text, "kiln why " + text + " /PATH, if it is the recipe"}
}

// answerAll answers what can be answered. The error tells of the rest.
func (q *inquiry) answerAll(subjects []subject, r *whyReport) error {
	missing := &kiln.Error{Code: kiln.User}
	for _, s := range subjects {
		if a := q.answer(s); a != nil {
			r.Answers = append(r.Answers, a)
			continue
		}
		text, hints := q.missing(s)
		if missing.Text != "" {
			text = missing.Text + "\n" + text
		}
		missing.Text, missing.Hints = text, append(missing.Hints, hints...)
	}
	if missing.Text == "" {
		return nil
	}
	return missing
}

// answer returns nil where there is nothing of the name.
func (q *inquiry) answer(s subject) *answer {
	a := &answer{Subject: s.text}
	switch s.kind {
	case "path":
		a.Path = q.path(s.name)
	case "user", "group":
		a.Account = q.account(s.kind == "group", s.name)
	case "unit":
		a.Unit = q.unit(s.name)
	case "package":
		a.Package = q.pkg(s.name)
	case "env":
		a.Config = q.configAt("env." + s.name)
	case "config":
		a.Config = q.configAt(s.name)
	case "arg":
		a.Arg = q.arg(s.name)
	case "module":
		a.Module = q.module(s.name)
	}
	if a.Path == nil && a.Account == nil && a.Unit == nil && a.Package == nil && a.Config == nil && a.Arg == nil && a.Module == nil {
		return nil
	}
	return a
}

// missing tells that there is no such thing, and what there is instead.
func (q *inquiry) missing(s subject) (text string, hints []string) {
	near := ""
	switch s.kind {
	case "path":
		text = fmt.Sprintf("there is nothing at %q, and no package ships it", s.name)
		if near = q.nearPath(s.name); near != "" {
			return text, []string{fmt.Sprintf("the nearest that there is: kiln why %s %s", q.recipeFolder(), near)}
		}
		return text, nil
	case "user", "group":
		near = recipe.Nearest(s.name, q.accountNames(s.kind == "group"))
	case "unit":
		near = recipe.Nearest(s.name, q.unitNames())
	case "package":
		near = q.nearest
	case "config":
		near = recipe.Nearest(s.name, q.configNames())
	case "arg":
		near = recipe.Nearest(s.name, q.argNames())
	}
	text = fmt.Sprintf("there is no %s %q in the image for %s", s.kind, s.name, q.e.Platform)
	if near != "" {
		hints = []string{fmt.Sprintf("kiln why %s %s:%s", q.recipeFolder(), s.kind, near)}
	}
	return text, hints
}

// recipeFolder is how what is asked, a recipe or an image, is named in what to type next.
func (q *inquiry) recipeFolder() string {
	if q.image != "" {
		return q.image
	}
	if dir, file := filepath.Split(q.r.Path()); file == recipe.FileName {
		return filepath.Clean(dir)
	}
	return q.r.Path()
}

// completeSubject completes RECIPE, then the subjects: kinds, and packages of its
// lock.
func completeSubject(_ *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
	const stay = cobra.ShellCompDirectiveNoSpace | cobra.ShellCompDirectiveNoFileComp
	var list []string
	if kind, _, ok := kindOf(word); ok && kind == "package" {
		r, err := recipe.Load(recipeBefore(args))
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		for _, name := range lockedNames(lockPath(r.Path())) {
			list = append(list, "package:"+name)
		}
		return list, cobra.ShellCompDirectiveNoFileComp
	}
	for _, kind := range subjectKinds() {
		if strings.HasPrefix(kind+":", word) {
			list = append(list, kind+":")
		}
	}
	if len(args) == 0 {
		for _, found := range below(word) {
			if strings.HasSuffix(found, "/") || strings.HasSuffix(found, ".yaml") || strings.HasSuffix(found, ".yml") {
				list = append(list, found)
			}
		}
	}
	return list, stay
}

// recipeBefore is the recipe that the words before the one at hand name.
func recipeBefore(args []string) string {
	if len(args) == 0 {
		return "."
	}
	if _, _, ok := kindOf(args[0]); ok {
		return "."
	}
	return args[0]
}
