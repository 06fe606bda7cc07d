package recipe

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"kiln"
)

// FileName is the name of a recipe in its folder.
const FileName = "kiln.yaml"

// document is where a recipe was read from.
type document struct {
	path   string // as messages have it
	text   []byte // as it stands in the file
	folder string
	file   string // below folder
	source *source
	places map[string]place
	stage  string // where it is that of a stage's tree: the part of the recipe that the stage is
}

// Load reads the recipe at a path: a file, or a folder that holds a kiln.yaml.
// What is wrong in it can be had as Problems by errors.As.
func Load(path string) (*Recipe, error) {
	path, err := find(path)
	if err != nil {
		return nil, err
	}
	return LoadAs(path, path)
}

// LoadAs is Load of the file at path, which messages call by another name: one that
// was unpacked where nobody looks.
func LoadAs(path, name string) (*Recipe, error) {
	src, err := read(path)
	if err != nil {
		return nil, cannotRead(name, err)
	}
	r, problems := Parse(name, src)
	if len(problems) > 0 {
		return nil, &kiln.Error{Code: kiln.User, Text: cannotUse(name, problems), Err: problems}
	}
	r.document.folder, r.document.file = filepath.Split(path)
	return r, nil
}

func cannotUse(path string, problems Problems) string {
	count := "1 problem"
	if len(problems) > 1 {
		count = fmt.Sprintf("%d problems", len(problems))
	}
	return fmt.Sprintf("cannot use the recipe %q: %s\n%v", path, count, problems)
}

// find returns the path of the recipe's file.
func find(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", cannotRead(path, err)
	}
	if !info.IsDir() {
		return path, nil
	}
	file := filepath.Join(path, FileName)
	if _, err := os.Stat(file); err != nil {
		return "", cannotRead(file, err)
	}
	return file, nil
}

func cannotRead(path string, err error) error {
	e := &kiln.Error{Code: kiln.User, Text: fmt.Sprintf("cannot read the recipe %q: %v", path, cause(err)), Err: err}
	if errors.Is(err, fs.ErrNotExist) {
		e.Hints = []string{"kiln init " + filepath.Dir(path)}
		if filepath.Base(path) != FileName {
			e.Hints = []string{"kiln init " + path}
		}
	}
	return e
}

// cause leaves out the path that a text names already.
func cause(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

// read reads a regular file: a pipe would wait for ever, and a device has no end.
func read(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("it is not a regular file")
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxSize+1+int64(len("\ufeff"))))
}

// Path returns the file that the recipe was read from, as Load was given it; it
// is empty for a recipe made by hand.
func (r *Recipe) Path() string {
	if r.document == nil {
		return ""
	}
	return r.document.path
}

// Text returns the recipe as its file has it, byte for byte; nothing for one made by
// hand. The caller must not change it.
func (r *Recipe) Text() []byte {
	if r.document == nil {
		return nil
	}
	return r.document.text
}

// File returns the name of the recipe's file in its folder.
func (r *Recipe) File() string {
	if r.document == nil {
		return ""
	}
	return r.document.file
}

// Root opens the recipe's folder. Nothing outside it can be reached through what
// is returned, not through ".." and not through a link. The caller closes it;
// its FS method gives an fs.FS.
func (r *Recipe) Root() (*os.Root, error) {
	if r.document == nil {
		return nil, errors.New("bug: a recipe made by hand has no folder")
	}
	dir := filepath.Clean(r.document.folder)
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, &kiln.Error{Code: kiln.User, Text: fmt.Sprintf("cannot open the recipe's folder %q: %v", dir, cause(err)), Err: err}
	}
	return root, nil
}

// ReadFile reads a host file that the recipe names, such as a keyring.
func (r *Recipe) ReadFile(name string) ([]byte, error) {
	var b bytes.Buffer
	if err := r.copyFile(&b, name); err != nil {
		return nil, fmt.Errorf("cannot read the file %q of the recipe's folder: %w", name, err)
	}
	return b.Bytes(), nil
}

// copyFile copies a regular file of the recipe's folder to w.
func (r *Recipe) copyFile(w io.Writer, name string) error {
	root, err := r.Root()
	if err != nil {
		return err
	}
	defer root.Close()
	name = path.Clean(name)
	info, err := root.Stat(name)
	switch {
	case err != nil:
		return cause(err)
	case !info.Mode().IsRegular():
		return errors.New("it is not a regular file")
	}
	f, err := root.Open(name)
	if err != nil {
		return cause(err)
	}
	defer f.Close()
	_, err = io.Copy(w, f)
	return cause(err)
}

// Problem makes a problem of a part of the recipe, for what is found out only
// when it is carried out: a file that is not there, a package that nobody has.
// The part is written as a path, "layers[0].files[2].from"; in place of an index
// may stand the name of a layer, user or group. Of a part that the file does not
// have, the nearest part around it is marked.
func (r *Recipe) Problem(part, text string) Problem {
	if r.document == nil {
		return Problem{Line: 1, Column: 1, Length: 1, Text: text}
	}
	part = r.byIndex(part)
	for {
		if p, ok := r.document.places[part]; ok {
			return r.document.source.node(p.node, text)
		}
		part = part[:max(strings.LastIndexAny(part, ".["), 0)]
	}
}

// Refuse is err with the part of the recipe that it is of, as for Problem; nil where there is no error.
func (r *Recipe) Refuse(part string, err error) error {
	if err == nil {
		return nil
	}
	p := r.Problem(part, err.Error())
	return &kiln.Error{Code: kiln.CodeOf(err), Text: fmt.Sprintf("cannot use the recipe %q: %v", r.Path(), Problems{p}), Err: err}
}

// Line returns the line of the recipe's file, from 1, at which a part of it
// stands, written as for Problem; 0 for a recipe made by hand.
func (r *Recipe) Line(part string) int {
	if r.document == nil {
		return 0
	}
	return r.Problem(part, "").Line
}

// byIndex replaces "layers[base]" by "layers[0]".
func (r *Recipe) byIndex(part string) string { return r.document.outOf(r.numbered(part)) }

func (r *Recipe) numbered(part string) string {
	list, rest, _ := strings.Cut(part, "[")
	name, rest, ok := strings.Cut(rest, "]")
	if !ok {
		return part
	}
	i := -1
	switch list {
	case "layers":
		i = slices.IndexFunc(r.Layers, func(l Layer) bool { return l.Name == name })
	case "stages":
		i = r.StageIndex(name)
	case "users":
		i = slices.IndexFunc(r.Users, func(u User) bool { return u.Name == name })
	case "groups":
		i = slices.IndexFunc(r.Groups, func(g Group) bool { return g.Name == name })
	}
	if i < 0 {
		return part
	}
	return at(list, i) + rest
}
