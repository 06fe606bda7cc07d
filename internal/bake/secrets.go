package bake

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"maps"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
	"golang.org/x/sync/errgroup"

	"kiln"
	"kiln/internal/facts"
	"kiln/internal/lock"
	"kiln/internal/recipe"
	"kiln/internal/secrets"
	"kiln/internal/store"
	"kiln/internal/tree"
)

// Secret is a secret in an image, masked, and what the recipe says to it.
type Secret struct {
	Path string `json:"path"` // of the file, with a leading slash; or a part of the recipe: "container.env[TOKEN]"; or the recipe itself, "kiln.yaml"
	secrets.Finding
	Package  string `json:"package,omitempty"` // that brought the file
	Script   string `json:"script,omitempty"`  // place in the script that made or changed it last
	Recipe   string `json:"recipe,omitempty"`  // part of the recipe that made it
	Why      string `json:"why,omitempty"`
	Accepted string `json:"accepted,omitempty"` // place in the recipe: "secrets.accept[0]"
}

// Unread is what was not looked into of a file.
type Unread struct {
	Path string `json:"path"` // as of Secret
	secrets.Passed
}

func (u Unread) String() string { return u.Path + ": " + u.Passed.String() }

// Secrets looks for secrets in all of an image that did not come unchanged out of a
// signed package, in its configuration and in the recipe, which goes with the record
// of the build. Those of the layers below count as well: what a layer replaces is
// still in the image. With all, what packages brought is looked at, too.
func Secrets(ctx context.Context, st *store.Store, r *recipe.Recipe, l *lock.Lock, p kiln.Platform, root *Root, all bool) ([]Secret, []Unread, error) {
	found, unread, err := fileSecrets(ctx, st, root, unvouched(root, l, p, all))
	if err != nil {
		return nil, nil, err
	}
	slices.SortStableFunc(found, func(a, b Secret) int { return cmp.Compare(a.Path, b.Path) })
	slices.SortStableFunc(unread, func(a, b Unread) int { return cmp.Compare(a.Path, b.Path) })
	return append(found, configSecrets(r, root)...), unread, nil
}

// unvouched lists the files that no signed archive vouches for, sorted by path: of
// recipe, rules and scripts, and those of the recipe's own .debs; or all files.
func unvouched(root *Root, l *lock.Lock, p kiln.Platform, all bool) []*tree.Entry {
	local := map[string]bool{}
	for _, pkg := range l.Platforms[p].Packages {
		if pkg.Archive == "local" {
			local[pkg.Name], local[pkg.Name+":"+pkg.Architecture] = true, true
		}
	}
	var list []*tree.Entry
	for _, layer := range root.Layers {
		for _, m := range layer.Members {
			for i := range m.Entries {
				e := &m.Entries[i]
				o := e.Origin
				signed := o.Package != "" && o.Script == "" && o.Rule == "" && !local[o.Package]
				if e.Type == tree.File && !e.Hard && e.Size > 0 && (all || !signed) {
					list = append(list, e)
				}
			}
		}
	}
	slices.SortStableFunc(list, func(a, b *tree.Entry) int { return tree.Compare(a.Path, b.Path) })
	return list
}

// scannedTogether is about how many files are scanned as one piece, of which the
// store keeps what was found: a file that changes has so many scanned again.
const scannedTogether = 32

// fileSecrets recalls or finds the secrets of files.
func fileSecrets(ctx context.Context, st *store.Store, root *Root, files []*tree.Entry) ([]Secret, []Unread, error) {
	pieces := 1
	for pieces < 256 && pieces*scannedTogether < len(files) {
		pieces *= 2
	}
	groups := make([][]*tree.Entry, pieces)
	for _, e := range files {
		h := fnv.New32a()
		h.Write([]byte(e.Path))
		i := int(h.Sum32() % uint32(pieces))
		groups[i] = append(groups[i], e)
	}
	scans := make([]map[int]scan, pieces)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i, g := range groups {
		if g == nil {
			continue
		}
		group.Go(func() (err error) {
			scans[i], err = scanned(ctx, st, root.Contents, g)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, nil, err
	}
	var found []Secret
	var unread []Unread
	for i, g := range groups {
		for k, e := range g {
			for _, f := range scans[i][k].Found {
				o := e.Origin
				found = append(found, Secret{Path: tree.Absolute(e.Path), Finding: f, Package: o.Package, Script: o.Script, Recipe: o.Recipe, Why: o.Why})
			}
			for _, p := range scans[i][k].Passed {
				unread = append(unread, Unread{tree.Absolute(e.Path), p})
			}
		}
	}
	return found, unread, nil
}

// scan is what there is to say of one file.
type scan struct {
	Found  []secrets.Finding `json:"found,omitempty"`
	Passed []secrets.Passed  `json:"passed,omitempty"`
}

// scanned recalls or finds the secrets of some files. What is kept names files by
// their number: origins are no matter of what is in a file.
func scanned(ctx context.Context, st *store.Store, contents tree.Contents, files []*tree.Entry) (map[int]scan, error) {
	inputs := []byte("kiln secrets " + strconv.Itoa(secrets.Format) + "\n")
	for _, e := range files {
		inputs = fmt.Appendf(inputs, "%q %s\n", e.Path, e.Content)
	}
	key := kiln.DigestOf(inputs)
	found := map[int]scan{}
	if value, ok := st.Result(key); ok && json.Unmarshal(value, &found) == nil {
		return found, nil
	}
	clear(found)
	for i, e := range files {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		s, err := scanFile(contents, e)
		if err != nil {
			return nil, err
		}
		if len(s.Found)+len(s.Passed) > 0 {
			found[i] = s
		}
	}
	value, err := json.Marshal(found)
	if err != nil {
		return nil, fmt.Errorf("bug: cannot encode findings: %w", err)
	}
	return found, st.SetResult(key, value)
}

func scanFile(contents tree.Contents, e *tree.Entry) (scan, error) {
	f, err := contents.OpenContent(e.Content)
	if err != nil {
		return scan{}, err
	}
	defer f.Close()
	list, passed, err := secrets.Scan(e.Path, f)
	if err != nil {
		return scan{}, fmt.Errorf("cannot look for secrets in %s: %w", tree.Absolute(e.Path), err)
	}
	return scan{list, passed}, nil
}

// literal is a text of the recipe that comes to be in the image.
type literal struct{ part, name, text string }

// configSecrets finds secrets in the configuration of the image, and what else of
// the recipe's text has one: a comment, an address with a password.
func configSecrets(r *recipe.Recipe, root *Root) []Secret {
	var all []Secret
	seen := map[[32]byte]bool{}
	for _, t := range configTexts(r, root) {
		for _, f := range secrets.Bytes(t.name, []byte(t.text)) {
			f.Line, f.Column = 0, 0
			all = append(all, Secret{Path: t.part, Finding: f, Recipe: t.part})
			seen[f.Same] = true
		}
	}
	for _, l := range r.Layers { // found as files
		for _, own := range l.Files {
			if own.Content != nil {
				for _, f := range secrets.Bytes(own.Path, []byte(*own.Content)) {
					seen[f.Same] = true
				}
			}
		}
	}
	for _, f := range secrets.Bytes(recipe.FileName, r.Text()) {
		if !seen[f.Same] {
			all = append(all, Secret{Path: recipe.FileName, Finding: f})
		}
	}
	return all
}

// configTexts are the texts of an image that are in no file: what engines and
// registries show of it. Answers to debconf are there where the image has debconf.
func configTexts(r *recipe.Recipe, root *Root) []literal {
	var list []literal
	for _, line := range environment(r.Container.Env) {
		name, _, _ := strings.Cut(line, "=")
		list = append(list, literal{"container.env[" + name + "]", "env", line})
	}
	all := labels(r, root.Epoch)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		list = append(list, literal{"container.labels[" + name + "]", "env", name + "=" + all[name]})
	}
	c := r.Container
	words := []literal{
		{"container.entrypoint", "command", strings.Join(c.Entrypoint, "\n")},
		{"container.command", "command", strings.Join(c.Command, "\n")},
	}
	if c.Healthcheck != nil {
		words = append(words, literal{"container.healthcheck.command", "command", strings.Join(c.Healthcheck.Command, "\n")})
	}
	for i, a := range r.Debconf {
		words = append(words, literal{fmt.Sprintf("debconf[%d].value", i), "env", a.Question + "=" + a.Value})
	}
	return append(list, words...)
}

// search looks for secrets before anything of an image is written. One that the
// recipe does not accept is the error; those that it does are returned.
func (o Options) search(ctx context.Context, r *recipe.Recipe, l *lock.Lock, p kiln.Platform, root *Root) ([]Secret, error) {
	found, unread, err := Secrets(ctx, o.Store, r, l, p, root, false)
	if err != nil {
		return nil, err
	}
	for _, u := range unread {
		o.Sink.Send(kiln.Event{State: kiln.Warning, Text: "not searched for secrets: " + u.String()})
	}
	refused, unused := AcceptSecrets(r, p, found)
	if len(refused) > 0 {
		return nil, secretsError(p, refused)
	}
	if len(unused) > 0 {
		return nil, unusedSecrets(r, p, unused)
	}
	return found, nil
}

// AcceptSecrets notes in found what the recipe accepts, and returns what it does
// not, and the numbers of those lines of secrets.accept that accept nothing.
func AcceptSecrets(r *recipe.Recipe, p kiln.Platform, found []Secret) (refused []Secret, unused []int) {
	hits := make([]bool, len(r.Secrets.Accept))
	for i := range found {
		s := &found[i]
		for k, a := range r.Secrets.Accept {
			if len(a.Platforms) > 0 && !slices.Contains(a.Platforms, p) {
				continue
			}
			path := a.Path == s.Path || strings.HasPrefix(a.Path, "/") && doublestar.MatchUnvalidated(a.Path, s.Path)
			if path && (a.Rule == "" || a.Rule == s.Rule) {
				hits[k] = true
				s.Accepted = cmp.Or(s.Accepted, fmt.Sprintf(acceptedBy, k))
			}
		}
		if s.Accepted == "" {
			refused = append(refused, *s)
		}
	}
	for k, a := range r.Secrets.Accept {
		if !hits[k] && (len(a.Platforms) == 0 || slices.Contains(a.Platforms, p)) {
			unused = append(unused, k)
		}
	}
	return refused, unused
}

// SecretFacts are secrets as policies see them, with the reasons of those that the
// recipe, which may be nil, accepts.
func SecretFacts(r *recipe.Recipe, p kiln.Platform, found []Secret) []facts.Secret {
	list := slices.Clone(found)
	if r != nil {
		AcceptSecrets(r, p, list)
	}
	all := []facts.Secret{}
	for _, s := range list {
		f := facts.Secret{Kind: s.Rule, Place: s.Path}
		if s.Line > 0 {
			f.Place = fmt.Sprintf("%s:%d:%d", s.Path, s.Line, s.Column)
		}
		if s.Inside != "" {
			f.Place += " in " + s.Inside
		}
		var k int
		if _, err := fmt.Sscanf(s.Accepted, acceptedBy, &k); err == nil && r != nil && k < len(r.Secrets.Accept) {
			f.Accepted = r.Secrets.Accept[k].Why
		}
		if !slices.Contains(all, f) { // a binary file has no lines to tell its findings apart
			all = append(all, f)
		}
	}
	return all
}

// acceptedBy is the place in a recipe that accepts a secret.
const acceptedBy = "secrets.accept[%d]"

// String is one line: the path, the place in it, and the secret, masked.
func (s *Secret) String() string {
	if s.Line > 0 || strings.HasPrefix(s.Path, "/") {
		return s.Path + " " + s.Finding.String()
	}
	return s.Path + ": " + s.Rule + " " + s.Masked
}

// By tells what brought the secret; empty where the path says it.
func (s *Secret) By() string {
	var parts []string
	for _, part := range []struct{ noun, text string }{{"package ", s.Package}, {"changed by ", s.Script}, {"", s.Recipe}} {
		if part.text != "" && part.text != s.Path {
			parts = append(parts, part.noun+part.text)
		}
	}
	by := strings.Join(parts, ", ")
	if s.Why != "" && by != "" {
		by += ": " + s.Why
	}
	return by
}

// secretsError is the error of an image with secrets.
func secretsError(p kiln.Platform, found []Secret) error {
	var b strings.Builder
	fmt.Fprintf(&b, "cannot use the image for %s: whoever has it has the secrets in it", p)
	for i := range found {
		if i == mostLacking && len(found) > mostLacking+1 {
			fmt.Fprintf(&b, "\n  and %d more", len(found)-i)
			break
		}
		b.WriteString("\n  " + found[i].String())
		if by := found[i].By(); by != "" {
			b.WriteString("\n    " + by)
		}
	}
	fmt.Fprintf(&b, "\nwhere it is no secret, or meant to be there, write in the recipe:\nsecrets:\n  accept:\n    - {path: %q, rule: %s, why: ...}", found[0].Path, found[0].Rule)
	return &kiln.Error{Code: kiln.Refused, Text: b.String(), Hints: []string{
		"take it out, and hand it to the container or machine when that runs: a mounted file, a credential of systemd, a variable",
		"kiln secrets --list says what each rule looks for",
	}}
}

// unusedSecrets is the error of acceptances that nothing answers to: such a line
// would hide what comes to be there later.
func unusedSecrets(r *recipe.Recipe, p kiln.Platform, unused []int) error {
	var problems recipe.Problems
	for _, k := range unused {
		a := r.Problem(fmt.Sprintf("secrets.accept[%d].path", k), fmt.Sprintf("it matches nothing: no such file of the image for %s has such a secret", p))
		a.Note = "take the line out, or correct its path or rule"
		problems = append(problems, a)
	}
	return &kiln.Error{Code: kiln.User, Text: fmt.Sprintf("cannot use the recipe %q: %v", r.Path(), problems), Err: problems}
}
