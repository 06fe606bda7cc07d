package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"kiln"
	"kiln/internal/bake"
	"kiln/internal/recipe"
)

// explainFlags are the flags of the commands that tell how an image came about.
type explainFlags struct {
	source   sourceFlags
	locked   bool
	platform string
}

func (f *explainFlags) register(cmd *cobra.Command) {
	f.source.register(cmd)
	flags := cmd.Flags()
	flags.BoolVar(&f.locked, "locked", false, "refuse a lock that is missing or stale (for CI)")
	flags.StringVar(&f.platform, "platform", "", "ask about the image for `PLATFORM`, such as linux/arm64, of the recipe's; else this machine's, or the first")
	complete(cmd, "platform", completePlatforms)
}

// whyReport is what kiln why tells, in the shape that --json prints.
type whyReport struct {
	Image    string        `json:"image,omitempty"` // that was asked; Recipe is the one of its record then
	Recipe   string        `json:"recipe"`
	Platform kiln.Platform `json:"platform"`
	Answers  []*answer     `json:"answers"`

	about string // how what was asked is named in what to type next
}

// answer tells of one subject. One of its parts is set.
type answer struct {
	Subject string         `json:"subject"` // as asked
	Path    *pathAnswer    `json:"path,omitempty"`
	Account *accountAnswer `json:"account,omitempty"`
	Unit    *unitAnswer    `json:"unit,omitempty"`
	Package *packageAnswer `json:"package,omitempty"`
	Config  *configAnswer  `json:"config,omitempty"`
	Arg     *argAnswer     `json:"arg,omitempty"`
	Module  *moduleAnswer  `json:"module,omitempty"`
}

func (a *app) whyCommand() *cobra.Command {
	var f explainFlags
	cmd := &cobra.Command{
		Use:   "why [RECIPE|IMAGE] SUBJECT...",
		Short: "Tell why something is in an image, or is not",
		Long: `Tell why something is in an image: the line of the recipe and its
reason, the packages that lead from it to the one that brings the thing, the
maintainer script and line that made or last changed it, and kiln's own rule.

A SUBJECT is one of
  /PATH          a path of the image, or one that was left out of it
  user:NAME      a user, group:NAME a group
  unit:NAME      a unit of systemd
  package:NAME   a package, or package:NAME:ARCHITECTURE; or package:NAME=VERSION, to
                 learn why it is not that version. After a RECIPE or IMAGE, NAME will do
  env:NAME       a variable of the environment
  config:NAME    what else of the configuration the recipe's section container sets:
                 user, entrypoint, command, workdir, ports, volumes, stop-signal,
                 healthcheck, labels.NAME
  arg:NAME       an argument of the kernel, of an image that boots
  module:NAME    a module of the kernel: whether it is there, denied, in the initrd

A single argument is the subject, of the recipe in the current folder; so is a
first one with a word and a colon. Else the first argument is the recipe: write
"." to ask about several paths of the one here.

The image of a recipe is put together as for a build, and nothing is written but the
store. An IMAGE (oci:FOLDER, oci-archive:FILE, docker-archive:FILE) tells by itself,
from the record of its build: it needs neither recipe nor store nor network, and is
verified first; one of a registry (REGISTRY/NAME:TAG) is fetched. A tar:FILE or
folder:FOLDER has no record.

What was left out of the image has an answer too, and so has a package that is not in
it: which dependency took an alternative, who merely recommends it, which version
was chosen. Only what nothing brings is an error (status 1). A package is told of even where the image cannot be made.`,
		Example: `  kiln why /etc/passwd
  kiln why web /usr/bin/perl /bin/sh user:_apt
  kiln why web unit:ssh.service --json
  kiln why oci:web.oci /usr/bin/perl config:entrypoint
  kiln why package:libc6
  kiln why server arg:console module:rds
  kiln why web nano libc6=2.36-9`,
		Args:              cobra.ArbitraryArgs,
		ValidArgsFunction: completeSubject,
		RunE:              func(cmd *cobra.Command, args []string) error { return a.why(cmd, args, f) },
	}
	f.register(cmd)
	a.remote.register(cmd)
	return cmd
}

func (a *app) why(cmd *cobra.Command, args []string, f explainFlags) error {
	path, rest, err := splitSubjects(args)
	if err != nil {
		return err
	}
	subjects, err := parseSubjects(rest, len(rest) < len(args))
	if err != nil {
		return err
	}
	in, err := a.inquire(cmd, path, subjects, f)
	if err != nil {
		if path == args[0] {
			err = notRecipe(err, args)
		}
		return err
	}
	report := whyReport{Image: in.image, Recipe: in.r.Path(), Platform: in.e.Platform, about: in.recipeFolder()}
	missing := in.answerAll(subjects, &report)
	if len(report.Answers) > 0 {
		if err := a.ui.result(report, func(w io.Writer) { report.print(w) }); err != nil {
			return err
		}
	}
	return missing
}

// inquire finds out how the image came about that is asked about. Where it cannot be
// made and all subjects are packages, what recipe and lock tell is enough.
func (a *app) inquire(cmd *cobra.Command, path string, subjects []subject, f explainFlags) (*inquiry, error) {
	if ref, ok := explained(path); ok {
		if ref.From != "" {
			var done func()
			var err error
			if ref, done, err = a.imageRef(cmd.Context(), path); err != nil {
				return nil, err
			}
			defer done()
		}
		return a.explainImage(cmd.Context(), ref, f.platform)
	}
	r, err := recipe.Load(path)
	if err != nil {
		return nil, err
	}
	e, err := a.explain(cmd, r, f)
	alone := e != nil && !slices.ContainsFunc(subjects, func(s subject) bool { return s.kind != "package" })
	if err != nil && (!alone || kiln.CodeOf(err) != kiln.User || cmd.Context().Err() != nil) {
		return nil, err
	}
	q := newInquiry(r, e)
	q.unmade, q.offers = err, a.offers(cmd.Context(), q, f)
	return q, nil
}

// explain puts together the image for one platform. Beside an error there may be
// what recipe and lock tell.
func (a *app) explain(cmd *cobra.Command, r *recipe.Recipe, f explainFlags) (*bake.Explanation, error) {
	p, err := onePlatform(r, f.platform)
	if err != nil {
		return nil, err
	}
	family, st, err := a.family(f.source)
	if err != nil {
		return nil, err
	}
	defer st.Close()
	update, err := f.source.update()
	if err != nil {
		return nil, err
	}
	return bake.Explain(cmd.Context(), bake.LockOptions{
		Family: family, Recipe: r, Path: lockPath(r.Path()), Locked: f.locked, Update: update, Sink: a.ui.sink, Workshop: workshop(family, nil),
	}, p)
}

// onePlatform returns the recipe's platform of that name; without one this
// machine's, or else the first.
func onePlatform(r *recipe.Recipe, name string) (kiln.Platform, error) {
	if name == "" {
		if p := nativePlatform(); slices.Contains(r.Platforms, p) {
			return p, nil
		}
		return r.Platforms[0], nil
	}
	list, err := choosePlatforms(r, []string{name})
	if err != nil {
		return kiln.Platform{}, err
	}
	return list[0], nil
}

// notRecipe is the error of a first argument that is no recipe, where it may have
// been meant as a path of the image.
func notRecipe(err error, args []string) error {
	if len(args) < 2 || !filepath.IsAbs(args[0]) || !errors.As(err, new(*fs.PathError)) {
		return err
	}
	return &kiln.Error{
		Code:  kiln.CodeOf(err),
		Text:  err.Error(),
		Hints: []string{"kiln why . " + strings.Join(args, " ") + ", if these are all paths of the image: the recipe stands before them"},
		Err:   err,
	}
}

func (r *whyReport) print(w io.Writer) {
	for i, a := range r.Answers {
		if i > 0 {
			fmt.Fprintln(w)
		}
		f := facts{w}
		f.title("%s", a.Subject)
		switch {
		case a.Path != nil:
			a.Path.print(f)
		case a.Account != nil:
			a.Account.print(f)
		case a.Unit != nil:
			a.Unit.print(f)
		case a.Package != nil:
			a.Package.print(f, r.about)
		case a.Arg != nil:
			a.Arg.print(f)
		case a.Module != nil:
			a.Module.print(f, r.about)
		case a.Config != nil:
			a.Config.print(f, r.about)
		}
	}
}

// facts writes what is known of something, each fact with its name before it.
type facts struct{ w io.Writer }

func (f facts) title(format string, args ...any) { fmt.Fprintf(f.w, format+"\n", args...) }

// add writes one fact. Further lines of it have no name.
func (f facts) add(name, format string, args ...any) {
	if name != "" {
		name += ":"
	}
	fmt.Fprintf(f.w, "  %-12s %s\n", name, fmt.Sprintf(format, args...))
}

// say writes a sentence about the thing.
func (f facts) say(format string, args ...any) { fmt.Fprintf(f.w, "  "+format+"\n", args...) }

// list writes facts of one name, at most as many as are read at once.
func (f facts) list(name string, lines []string) {
	for i, line := range lines {
		if i == mostFacts && len(lines) > mostFacts+1 {
			f.add("", "and %d more: --json has them", len(lines)-i)
			return
		}
		if i > 0 {
			name = ""
		}
		f.add(name, "%s", line)
	}
}

// mostFacts bounds the lines of one fact.
const mostFacts = 10
