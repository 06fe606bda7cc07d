package bake

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"kiln"
	"kiln/internal/lock"
	"kiln/internal/oci"
	"kiln/internal/recipe"
	"kiln/internal/redact"
	"kiln/internal/sandbox"
	"kiln/internal/store"
	"kiln/internal/tree"
)

// A stage is two actions. The first makes its tree, as an image's is made, and gives
// the digest of that; the second runs the commands in it, and gives what they made. The
// key of the second has the digest of the tree and not what led there: commands are run
// again where they would meet something else, and only then.

// stageFormat is the version of all that commands meet beside their tree: the sandbox,
// its environment, and what is kept of what they make.
const stageFormat = 1

// Workshop is what stages are made with.
type Workshop struct {
	Store   *store.Store
	Build   string   // names the build of kiln, whose trees only it may recall; empty: none are kept
	Self    []string // a program and its arguments, as sandbox.Job has them
	Secrets StageSecrets
}

// Made is what stages made, by name: of their outputs, and the folders above them. The
// contents are in the store.
type Made map[string]*tree.Tree

// stage is one stage for one platform.
type stage struct {
	shop     *Workshop
	family   Family
	sink     kiln.Sink
	of       *recipe.Stage
	part     string         // "stages[0]"
	whole    *recipe.Recipe // that has the stage
	recipe   *recipe.Recipe // of its tree
	lock     *lock.Lock     // of its tree
	platform kiln.Platform
	made     Made // by the stages before
	forms    *redact.Forms
}

// stages makes what the image for a platform takes from stages.
func (o LockOptions) stages(ctx context.Context, r *recipe.Recipe, l *lock.Lock, p kiln.Platform) (Made, error) {
	made := Made{}
	for _, i := range r.UsedStages([]kiln.Platform{p}) {
		of := &r.Stages[i]
		if o.Workshop == nil {
			return nil, fmt.Errorf("bug: there is no workshop for the stage %q", of.Name)
		}
		s := &stage{
			shop: o.Workshop, family: o.Family, sink: o.Sink, of: of, part: fmt.Sprintf("stages[%d]", i),
			whole: r, recipe: r.StageRecipe(i), lock: l.OfStage(of.Name), platform: p, made: made,
		}
		if s.lock.Platforms[p] == nil {
			return nil, fmt.Errorf("bug: the lock has no stage %q for %s", of.Name, p)
		}
		t, err := s.make(ctx)
		if err != nil {
			return nil, &kiln.Error{Code: kiln.CodeOf(err), Text: fmt.Sprintf("cannot make the stage %q for %s: %v", of.Name, p, err), Err: err}
		}
		made[of.Name] = t
	}
	return made, nil
}

func (s *stage) subject() string { return s.of.Name + " of " + s.platform.String() }

// base is what is known of a stage's tree without making it.
type base struct {
	Tree  kiln.Digest `json:"tree"`
	Epoch kiln.Epoch  `json:"epoch"`
	Who   who         `json:"who"`
}

// who runs the commands.
type who struct {
	UID  int    `json:"uid"`
	GID  int    `json:"gid"`
	Name string `json:"name"`
	Home string `json:"home"`
}

// make recalls what the stage makes, or makes it.
func (s *stage) make(ctx context.Context) (*tree.Tree, error) {
	baseKey, err := s.baseKey()
	if err != nil {
		return nil, err
	}
	var known base
	if value, ok := s.shop.Store.Result(baseKey); ok && s.shop.Build != "" && json.Unmarshal(value, &known) == nil {
		if t := s.recall(s.key(known)); t != nil {
			s.sink.Send(kiln.Event{Step: kiln.StepStage, State: kiln.Cached, Subject: s.subject()})
			return t, nil
		}
	}
	root, err := s.root(ctx)
	if err != nil {
		return nil, err
	}
	b := base{Tree: root.Tree.Digest(), Epoch: root.Epoch}
	if b.Who, err = s.who(root); err != nil {
		return nil, err
	}
	if s.shop.Build != "" {
		value, err := json.Marshal(b)
		if err == nil {
			err = s.shop.Store.SetResult(baseKey, value)
		}
		if err != nil {
			return nil, err
		}
	}
	var made *tree.Tree
	key := s.key(b)
	err = s.shop.Store.Once(ctx, key, func() error { // another build may be at it
		if made = s.recall(key); made != nil {
			s.sink.Send(kiln.Event{Step: kiln.StepStage, State: kiln.Cached, Subject: s.subject()})
			return nil
		}
		job := s.sink.Start(kiln.StepStage, s.subject(), 0)
		if made, err = s.run(ctx, root, b); err == nil {
			err = s.keep(key, made)
		}
		return job.End(err)
	})
	return made, err
}

// baseKey is the action key of the stage's tree.
func (s *stage) baseKey() (kiln.Digest, error) {
	files, err := hostFiles(s.recipe, s.platform)
	if err != nil {
		return "", err
	}
	text, err := json.Marshal(s.recipe)
	if err != nil {
		return "", fmt.Errorf("bug: cannot encode the recipe of a stage: %w", err)
	}
	fields := []string{"kiln stage tree", s.shop.Build, s.platform.String(), string(text), s.of.User, string(files)}
	for _, p := range s.lock.Platforms[s.platform].Packages {
		fields = append(fields, p.Name, p.Version, p.Architecture, p.SHA256)
	}
	for _, name := range slices.Sorted(maps.Keys(s.made)) {
		fields = append(fields, name, string(s.made[name].Digest()))
	}
	return kiln.DigestOf(fmt.Appendf(nil, "%q", fields)), nil
}

// key is the action key of what the commands make. Of secrets it has the ids alone.
func (s *stage) key(b base) kiln.Digest {
	fields := []any{"kiln stage", stageFormat, s.platform.String(), b, s.commands(), s.dir(), s.env(b), s.of.Secrets, s.of.Outputs}
	text, err := json.Marshal(fields)
	if err != nil {
		panic("bug: the key of a stage does not marshal: " + err.Error())
	}
	return kiln.DigestOf(text)
}

// recall returns what the commands made before, if all of it is still there.
func (s *stage) recall(key kiln.Digest) *tree.Tree {
	value, ok := s.shop.Store.Result(key)
	if !ok {
		return nil
	}
	t, err := tree.ParseListing(value)
	if err != nil {
		return nil
	}
	for e := range t.All() {
		if e.Type == tree.File && !s.shop.Store.Has(e.Content) {
			return nil
		}
	}
	return t
}

// keep saves what the commands made. Where the store is distrusted, and they made
// something else before, it says what.
func (s *stage) keep(key kiln.Digest, made *tree.Tree) error {
	before, known := s.shop.Store.Kept(key)
	err := s.shop.Store.SetResult(key, made.Listing())
	if err == nil || !known || kiln.CodeOf(err) != kiln.Refused {
		return err
	}
	return &kiln.Error{
		Code:  kiln.Refused,
		Text:  "its commands make something else each time: " + strings.Join(differences(before, made.Listing()), ", "),
		Hints: []string{"have them do without the time, random numbers and the order of folders: docs/stages.md"},
		Err:   err,
	}
}

// differences are the paths on which two listings differ.
func differences(a, b []byte) []string {
	lines := func(text []byte) map[string]string {
		all := map[string]string{}
		for l := range strings.Lines(string(text)) {
			name, rest, _ := strings.Cut(l, " ")
			all[name] = rest
		}
		return all
	}
	x, y := lines(a), lines(b)
	var names []string
	for name := range x {
		if x[name] != y[name] {
			names = append(names, name)
		}
	}
	for name := range y {
		if _, ok := x[name]; !ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// root makes the stage's tree.
func (s *stage) root(ctx context.Context) (*Root, error) {
	total := int64(0)
	packages := s.lock.Platforms[s.platform].Packages
	for _, pkg := range packages {
		total += pkg.Size
	}
	s.sink.Plan(kiln.StepUnpack, len(packages), total)
	s.sink.Plan(kiln.StepConfigure, 1, 0)
	s.sink.Plan(kiln.StepAssemble, 1, 0)
	if err := s.family.Fetch(ctx, s.recipe, s.lock, []kiln.Platform{s.platform}); err != nil {
		return nil, err
	}
	return s.family.Assemble(ctx, s.recipe, s.lock, s.platform, s.made, nil)
}

// who finds the user that runs the commands.
func (s *stage) who(root *Root) (who, error) {
	name := cmp.Or(s.of.User, "root")
	for _, a := range root.Accounts {
		if !a.Group && (a.Name == name || strconv.Itoa(a.ID) == name) {
			return who{a.ID, a.GID, a.Name, cmp.Or(a.Home, "/")}, nil
		}
	}
	if name == "root" {
		return who{0, 0, "root", "/root"}, nil
	}
	if n, err := strconv.Atoi(name); err == nil {
		return who{n, n, name, "/"}, nil
	}
	return who{}, &kiln.Error{
		Code:  kiln.User,
		Text:  fmt.Sprintf("%s.user: none of its packages makes the user %q", s.part, name),
		Hints: []string{"give a number: user: \"1000\""},
	}
}

func (s *stage) dir() string { return cmp.Or(s.of.WorkDir, "/") }

func (s *stage) commands() []sandbox.Command {
	var list []sandbox.Command
	for _, c := range s.of.Run {
		list = append(list, c.Argv())
	}
	return list
}

// stagePath is where commands are looked for, as Debian's login has it for root.
const stagePath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// env is the whole environment of the commands, sorted.
func (s *stage) env(b base) []string {
	all := map[string]string{
		"PATH": stagePath, "HOME": b.Who.Home, "USER": b.Who.Name, "LOGNAME": b.Who.Name, "LANG": "C.UTF-8", "TZ": "UTC",
		"SOURCE_DATE_EPOCH": strconv.FormatInt(int64(b.Epoch), 10),
	}
	maps.Copy(all, s.of.Env)
	return environment(all)
}

// run runs the commands in a folder that holds the tree, and takes out what they made.
func (s *stage) run(ctx context.Context, root *Root, b base) (*tree.Tree, error) {
	if err := sandbox.CanRun(s.platform.Architecture); err != nil {
		return nil, err
	}
	secrets, err := s.secrets(ctx)
	if err != nil {
		return nil, err
	}
	var known []redact.Secret
	for _, v := range secrets {
		known = append(known, redact.Secret{ID: v.ID, Value: bytes.Clone(v.Value)})
	}
	s.forms = redact.NewForms(known)
	temp, remove, err := s.shop.Store.TempFolder()
	if err != nil {
		return nil, err
	}
	defer remove()
	folder := filepath.Join(temp, "root")
	if err := oci.WriteFolder(ctx, root.Tree, root.Contents, folder, oci.FolderOptions{}); err != nil {
		return nil, err
	}
	if err := s.makeFolders(folder, b.Epoch); err != nil {
		return nil, err
	}
	if err := s.giveTo(folder, b.Who); err != nil {
		return nil, err
	}
	log := s.newLog()
	err = sandbox.Run(ctx, sandbox.Job{
		Self: s.shop.Self, Root: folder, Commands: s.commands(), Dir: s.dir(), Env: s.env(b), UID: b.Who.UID, GID: b.Who.GID,
		Secrets: secrets, Limit: s.of.Limit(), Output: log.see,
	})
	log.end()
	if err != nil {
		return nil, s.failure(err, log)
	}
	return s.outputs(folder)
}

// failure says which command failed and what it said last.
func (s *stage) failure(err error, log *stageLog) error {
	var failed *sandbox.Failed
	var late *sandbox.OverLimit
	part, how, hints := s.part+".run", "", []string(nil)
	switch {
	case errors.As(err, &failed):
		part, how = fmt.Sprintf("%s.run[%d]", s.part, failed.Command), failed.How
		how += ": " + s.forms.Mask(s.of.Run[failed.Command].String())
		if strings.HasPrefix(how, `there is no program "/bin/sh"`) {
			hints = []string{"add a shell to the stage's packages: - dash: its commands", "or all that Debian calls essential: essential: true"}
		}
	case errors.As(err, &late):
		how, hints = late.Error(), []string{"give it more: timeout: 3h"}
	default:
		return err
	}
	text := fmt.Sprintf("%s:%d: %s: %s", s.whole.Path(), s.whole.Line(part), part, how)
	if tail := log.tail(); tail != "" {
		text += "\nit said last:\n" + tail
	}
	return &kiln.Error{Code: kiln.User, Text: text, Hints: hints, Err: err}
}
