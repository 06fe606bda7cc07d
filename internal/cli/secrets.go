package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"kiln"
	"kiln/internal/bake"
	"kiln/internal/image"
	"kiln/internal/recipe"
	"kiln/internal/secrets"
	"kiln/internal/tree"
)

// secretsFlags are the flags of kiln secrets, as typed.
type secretsFlags struct {
	explainFlags
	list    bool
	all     bool
	trusted bool
}

func (a *app) secretsCommand() *cobra.Command {
	var f secretsFlags
	cmd := &cobra.Command{
		Use:   "secrets [RECIPE|IMAGE]",
		Short: "Look for secrets in an image",
		Long: `Look for private keys, tokens, passwords and the like in an image, whoever made it
(oci:FOLDER, oci-archive:FILE, docker-archive:FILE, tar:FILE, folder:FOLDER, or
REGISTRY/NAME:TAG), or in what a recipe gives (default the one of the current folder). No secret is printed
whole.

Of an image, every file of every layer is looked at, also where a layer above removes
or replaces it, and its configuration with environment, labels and history. Programs
of packages may have keys in them for their own tests. --trust-record passes over what
came unchanged out of a package by the record of the build, which stands beside the
image and is only as good as where the image is from.

Of a recipe, what no signed archive vouches for is looked at: files of the recipe,
what scripts made or changed, the recipe's own .debs, the configuration, the recipe's
text. It is what kiln build does, which stops at what the recipe does not accept
under secrets:. With --all, what packages brought is looked at as well.

Status 0 means that none was found, or that the recipe accepts all; 3 that there are
some. Compressed files and archives (gzip, xz, zstd, bzip2, zip, tar) are looked into,
one level deep and up to 512 MiB of what is in them; what is passed over is told.
What is encrypted is not looked into.`,
		Example: `  kiln secrets web
  kiln secrets registry.example.org/team/web:1.4
  kiln secrets docker-archive:app.tar --json
  kiln secrets --list`,
		Args:              atMost(1),
		ValidArgsFunction: completeSides,
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.list {
				return a.secretRules()
			}
			return a.secrets(cmd, recipeArg(args), f)
		},
	}
	f.register(cmd)
	a.remote.register(cmd)
	cmd.Flags().BoolVar(&f.list, "list", false, "print the rules, and what each looks for")
	cmd.Flags().BoolVar(&f.all, "all", false, "of a recipe: look at what came unchanged out of a signed package, too")
	cmd.Flags().BoolVar(&f.trusted, "trust-record", false, "pass over files that came unchanged out of a package, by the record of the build")
	return cmd
}

// secretsReport is what kiln secrets tells, in the shape that --json prints.
type secretsReport struct {
	Source   string        `json:"source"`
	Kind     string        `json:"kind"` // "recipe" or "image"
	Platform string        `json:"platform,omitempty"`
	Files    int           `json:"files,omitempty"` // of an image: that were looked at
	Secrets  []bake.Secret `json:"secrets"`
	Unread   []bake.Unread `json:"unread,omitempty"` // what was not looked into
}

// secretRules prints all rules.
func (a *app) secretRules() error {
	list := secrets.Rules()
	return a.ui.result(struct {
		Rules []secrets.Rule `json:"rules"`
	}{list}, func(w io.Writer) {
		t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		for i, r := range list {
			if i == 0 || list[i-1].Name != r.Name {
				fmt.Fprintf(t, "%s\t%s\n", r.Name, r.What)
			}
		}
		t.Flush()
	})
}

func (a *app) secrets(cmd *cobra.Command, arg string, f secretsFlags) error {
	var report *secretsReport
	var err error
	if sideKind(arg) == "recipe" {
		report, err = a.recipeSecrets(cmd, arg, f)
	} else {
		report, err = a.imageSecrets(cmd.Context(), arg, f)
	}
	if err != nil {
		return err
	}
	if err := a.ui.result(report, report.print); err != nil {
		return err
	}
	left := 0
	for _, s := range report.Secrets {
		if s.Accepted == "" {
			left++
		}
	}
	if left == 0 {
		return nil
	}
	return &kiln.Error{Code: kiln.Refused, Text: fmt.Sprintf("%s has %s", arg, count(left, "secret")), Hints: []string{
		"change those that are real: whoever has the image has them", "kiln secrets --list says what each rule looks for",
	}}
}

func (r *secretsReport) print(w io.Writer) {
	for i := range r.Secrets {
		s := &r.Secrets[i]
		fmt.Fprintln(w, s.String())
		if by := s.By(); by != "" {
			fmt.Fprintln(w, "  "+by)
		}
		if s.Accepted != "" {
			fmt.Fprintln(w, "  accepted by "+s.Accepted)
		}
	}
	for _, u := range r.Unread {
		fmt.Fprintln(w, "not looked into: "+printable(u.String()))
	}
	if len(r.Secrets) == 0 {
		fmt.Fprintf(w, "no secret found in %s\n", r.Source)
	}
}

// recipeSecrets looks at what a recipe gives, without writing it.
func (a *app) recipeSecrets(cmd *cobra.Command, path string, f secretsFlags) (*secretsReport, error) {
	r, err := recipe.Load(path)
	if err != nil {
		return nil, err
	}
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
	e, err := bake.Explain(cmd.Context(), bake.LockOptions{
		Family: family, Recipe: r, Path: lockPath(r.Path()), Locked: f.locked, Update: update, Sink: a.ui.sink, Workshop: workshop(family, nil),
	}, p)
	if err != nil {
		return nil, err
	}
	found, unread, err := bake.Secrets(cmd.Context(), st, r, e.Lock, p, &e.Root, f.all)
	bake.AcceptSecrets(r, p, found)
	return &secretsReport{Source: path, Kind: "recipe", Platform: p.String(), Secrets: append([]bake.Secret{}, found...), Unread: unread}, err
}

// imageSecrets looks at every file of every layer of an image.
func (a *app) imageSecrets(ctx context.Context, arg string, f secretsFlags) (*secretsReport, error) {
	o := image.Options{Native: nativePlatform(), Spool: a.spool(), Record: f.trusted, Sink: a.ui.sink}
	if f.platform != "" {
		var err error
		if o.Platform, err = kiln.ParsePlatform(f.platform); err != nil {
			return nil, &kiln.Error{Code: kiln.Usage, Text: err.Error()}
		}
	}
	var all []tree.Entry
	o.Entry = func(_ int, e tree.Entry) { all = append(all, e) }
	ref, done, err := a.imageRef(ctx, arg)
	if err != nil {
		return nil, err
	}
	defer done()
	img, err := image.Read(ctx, ref, o)
	if err != nil {
		return nil, notSide(arg, err)
	}
	defer img.Close()
	report := &secretsReport{Source: arg, Kind: "image", Secrets: []bake.Secret{}}
	if img.Config != nil {
		report.Platform = img.Config.Platform.String()
	}
	return report, report.ofImage(ctx, img, all, f.trusted)
}

// ofImage scans an image: all are the entries of its layers. With trusted, what the
// record of its build vouches for is passed over.
func (r *secretsReport) ofImage(ctx context.Context, img *image.Image, all []tree.Entry, trusted bool) (err error) {
	if len(img.Layers) == 0 {
		all = slices.Collect(img.Tree.All())
	}
	vouched := map[string]kiln.Digest{}
	if trusted {
		if vouched, err = packaged(img); err != nil {
			return err
		}
	}
	return r.look(ctx, img, all, vouched)
}

// look scans files, but for those that are vouched for, and the documents.
func (r *secretsReport) look(ctx context.Context, img *image.Image, all []tree.Entry, vouched map[string]kiln.Digest) error {
	type file struct {
		path    string
		content kiln.Digest
	}
	seen := map[file]bool{}
	for i := range all {
		e := &all[i]
		k := file{e.Path, e.Content}
		if e.Type != tree.File || e.Hard || e.Size == 0 || e.Content == "" || seen[k] || vouched[e.Path] == e.Content {
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		seen[k] = true
		r.Files++
		f, err := img.Contents().OpenContent(e.Content)
		if err != nil {
			return err
		}
		list, passed, err := secrets.Scan(e.Path, f)
		f.Close()
		if err != nil {
			return fmt.Errorf("cannot look for secrets in %s: %w", tree.Absolute(e.Path), err)
		}
		r.add(tree.Absolute(e.Path), list)
		for _, p := range passed {
			r.Unread = append(r.Unread, bake.Unread{Path: tree.Absolute(e.Path), Passed: p})
		}
	}
	for _, d := range img.Documents {
		if d.Name == "configuration" || d.Name == "manifest" {
			r.add("the image's "+d.Name, secrets.Bytes(d.Name, d.Text))
		}
	}
	slices.SortStableFunc(r.Secrets, func(a, b bake.Secret) int {
		return cmp.Compare(a.Path, b.Path)
	})
	return nil
}

func (r *secretsReport) add(path string, list []secrets.Finding) {
	for _, f := range list {
		r.Secrets = append(r.Secrets, bake.Secret{Path: path, Finding: f})
	}
}

// packaged lists what came unchanged out of a package, as the record of the build
// has it.
func packaged(img *image.Image) (map[string]kiln.Digest, error) {
	if img.Record == nil || img.Config == nil {
		return nil, &kiln.Error{Code: kiln.User, Text: fmt.Sprintf("cannot go by the record of the build: %s has none", img.Path), Hints: []string{"leave --trust-record out"}}
	}
	t, err := img.Record.Tree(img.Config.Platform)
	if err != nil {
		return nil, err
	}
	all := map[string]kiln.Digest{}
	for e := range t.All() {
		if o := e.Origin; o.Package != "" && o.Script == "" && o.Rule == "" {
			all[e.Path] = e.Content
		}
	}
	return all, nil
}
