package rootfs

import (
	"fmt"
	"strings"

	"kiln"
	"kiln/internal/tree"
)

// fromStage takes a file or folder out of what a stage made. As of the recipe's folder,
// only the owner's execute bit of its modes counts, and no time and no owner: they
// would tell of the machine on which the stage ran.
func (m *fileMaker) fromStage() error {
	made, ok := m.in.Stages[m.file.FromStage]
	if !ok {
		return fmt.Errorf("bug: the stage %q did not run", m.file.FromStage)
	}
	root := strings.TrimPrefix(m.file.Source, "/")
	if _, ok := made.Lookup(root); !ok {
		return &kiln.Error{
			Code:  kiln.User,
			Text:  fmt.Sprintf("the commands of the stage %q made no %q", m.file.FromStage, m.file.Source),
			Hints: []string{"correct source, or have the stage's commands make it"},
		}
	}
	for e := range made.All() {
		if e.Path != root && !strings.HasPrefix(e.Path, root+"/") {
			continue
		}
		if err := m.stageEntry(e, m.proto.Path+strings.TrimPrefix(e.Path, root)); err != nil {
			return err
		}
	}
	return nil
}

func (m *fileMaker) stageEntry(made tree.Entry, to string) error {
	e := m.proto
	e.Path, e.Type = to, made.Type
	switch made.Type {
	case tree.Dir:
		return m.directory(to, false)
	case tree.Symlink:
		e.Mode, e.Link = 0o777, made.Link
		return m.put(e)
	}
	fallback := uint32(0o644)
	if made.Mode&0o100 != 0 {
		fallback = 0o755
	}
	mode, err := m.mode(fallback)
	if err != nil {
		return err
	}
	e.Mode, e.Size, e.Content = mode, made.Size, made.Content
	return m.put(e)
}
