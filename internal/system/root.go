package system

import (
	"fmt"
	"io"
	"strings"

	"kiln"
	"kiln/internal/recipe"
	"kiln/internal/tree"
)

// What is moved or left out on the way from an image's tree to the root of a disk.
const (
	boot      = "boot"
	variable  = "var"
	osRelease = "usr/lib/os-release"
	mostText  = 64 << 10 // bytes of os-release
)

// Root is the tree that the root partition holds, and the content that it has besides
// that of t. What is in /boot goes into the kernel image, and is left out. What is in /var goes to
// Factory, since /var is mounted; kiln-seed.service takes it from there. And os-release says which
// image in which version it is, as systemd's updates want to know.
func Root(t *tree.Tree, c tree.Contents, r *recipe.Recipe) (*tree.Tree, tree.Contents, error) {
	m := &mover{out: tree.New(), epoch: newest(t)}
	made := tree.Bytes{}
	for e := range t.All() {
		moved, keep := m.moved(e)
		if !keep {
			continue
		}
		if e.Path == osRelease && e.Type == tree.File {
			text, err := release(c, &e, r)
			if err != nil {
				return nil, nil, err
			}
			moved.Content, moved.Size = made.Add(text), int64(len(text))
		}
		if err := m.insert(moved); err != nil {
			return nil, nil, fmt.Errorf("cannot make the root of the disk: %w", err)
		}
	}
	for _, dir := range []string{"dev", "efi", "proc", "run", "sys", "tmp", variable, variable + "/tmp", boot} {
		if err := m.folder(dir); err != nil {
			return nil, nil, err
		}
	}
	return m.out, tree.Both(made, c), nil
}

// newest is the time of what is made.
func newest(t *tree.Tree) kiln.Epoch {
	var epoch kiln.Epoch
	for e := range t.All() {
		epoch = max(epoch, e.ModTime)
	}
	return epoch
}

// mover makes the tree of a disk's root.
type mover struct {
	out   *tree.Tree
	epoch kiln.Epoch
}

// moved is where an entry goes.
func (m *mover) moved(e tree.Entry) (tree.Entry, bool) {
	if strings.HasPrefix(e.Path, boot+"/") {
		return e, false
	}
	e.Path = factory(e.Path)
	if e.Hard {
		e.Link = factory(e.Link)
	}
	return e, true
}

func factory(path string) string {
	if below, ok := strings.CutPrefix(path, variable+"/"); ok {
		return Factory + "/" + below
	}
	return path
}

// insert puts the entry, and the folders above one that was moved, which are as /var is.
func (m *mover) insert(e tree.Entry) error {
	if strings.HasPrefix(e.Path, Factory+"/") {
		for _, dir := range []string{"usr/share/factory", Factory} {
			if err := m.folder(dir); err != nil {
				return err
			}
		}
	}
	return m.out.Insert(e)
}

// folder makes a folder that is not there.
func (m *mover) folder(path string) error {
	if _, there := m.out.Lookup(path); there {
		return nil
	}
	mode := uint32(0o755)
	if path == "tmp" || path == variable+"/tmp" { // the latter for what starts before /var is mounted
		mode = 0o1777
	}
	return m.out.Insert(tree.Entry{Path: path, Type: tree.Dir, Mode: mode, ModTime: m.epoch, Origin: tree.Origin{Rule: "system", Why: "a disk's root is read-only, and this is mounted over or filled as it starts"}})
}

// release is os-release with the name and version of the image.
func release(c tree.Contents, e *tree.Entry, r *recipe.Recipe) ([]byte, error) {
	text, err := read(c, e)
	if err != nil {
		return nil, err
	}
	var b strings.Builder
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, "IMAGE_ID=") && !strings.HasPrefix(line, "IMAGE_VERSION=") {
			b.WriteString(strings.TrimRight(line, "\n") + "\n")
		}
	}
	fmt.Fprintf(&b, "IMAGE_ID=%s\nIMAGE_VERSION=%s\n", r.Name, r.Version)
	return []byte(b.String()), nil
}

// read reads a small file of the tree.
func read(c tree.Contents, e *tree.Entry) ([]byte, error) {
	if e.Size > mostText {
		return nil, fmt.Errorf("cannot read %s: it has %d bytes, at most %d are expected", tree.Absolute(e.Path), e.Size, mostText)
	}
	return ReadFile(c, e)
}

// ReadFile reads a file of a tree.
func ReadFile(c tree.Contents, e *tree.Entry) ([]byte, error) {
	f, err := c.OpenContent(e.Content)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(f)
}
