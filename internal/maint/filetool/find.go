package filetool

import (
	"context"
	"strings"

	"kiln/internal/maint/command"
	"kiln/internal/maint/vfs"
	"kiln/internal/tree"
)

// Find is find(1): the tests and actions that scripts use. What it does not know
// is an error.
func Find(ctx context.Context, c *command.Call) (int, error) {
	f := &finder{c: c, maxDepth: 1 << 30, expired: ctx.Err}
	f.exec = func(args []string) (int, error) { return c.Exec(ctx, args, strings.NewReader(""), c.Stdout, c.Stderr) }
	args := f.links(c.Args)
	var starts []string
	for len(args) > 0 && !(strings.HasPrefix(args[0], "-") && len(args[0]) > 1) && args[0] != "(" && args[0] != "!" && args[0] != ")" {
		starts = append(starts, args[0])
		args = args[1:]
	}
	if len(starts) == 0 {
		starts = []string{"."}
	}
	p := findParser{f: f, args: args}
	test, err := p.parse()
	if err != nil {
		return 0, err
	}
	f.test = test
	for _, start := range starts {
		f.visit(start, start, 0)
		if f.err != nil || f.quit {
			break
		}
	}
	if f.err == nil {
		f.finish()
	}
	return f.status, f.err
}

// finder walks the trees.
type finder struct {
	expired            func() error // of the call's context
	exec               func(args []string) (int, error)
	c                  *command.Call
	follow             byte // 'P', 'H', 'L'
	minDepth, maxDepth int
	depthFirst         bool
	test               findTest
	batches            []*findBatch
	prune, quit        bool
	status             int
	err                error
}

// found is one entry.
type found struct {
	shown, start string
	depth        int
	info         vfs.Info
}

type findTest func(e found) bool

func (f *finder) links(args []string) []string {
	f.follow = 'P'
	for len(args) > 0 && (args[0] == "-H" || args[0] == "-L" || args[0] == "-P") {
		f.follow = args[0][1]
		args = args[1:]
	}
	return args
}

func (f *finder) stat(shown string, depth int) (vfs.Info, error) {
	p := f.c.Path(shown)
	if f.follow == 'L' || f.follow == 'H' && depth == 0 {
		if info, err := f.c.FS.Stat(p); err == nil {
			return info, nil
		}
	}
	return f.c.FS.Lstat(p)
}

func (f *finder) visit(shown, start string, depth int) {
	if depth > f.maxDepth || f.err != nil || f.quit {
		return
	}
	if err := f.expired(); err != nil {
		f.err = err
		return
	}
	info, err := f.stat(shown, depth)
	if err != nil {
		f.status, _ = f.c.Complain(1, "'%s': %s", shown, command.ErrorText(err))
		return
	}
	if depth > 200 {
		f.err = f.c.Unhonoured("%q is too deep: links go round", shown)
		return
	}
	e := found{shown, start, depth, info}
	f.prune = false
	if depth >= f.minDepth && !f.depthFirst {
		f.test(e)
	}
	if info.Kind() == tree.Dir && !f.prune {
		f.enter(shown, start, depth)
	}
	if depth >= f.minDepth && f.depthFirst && f.err == nil && !f.quit {
		f.test(e)
	}
}

func (f *finder) enter(shown, start string, depth int) {
	entries, err := f.c.FS.ReadDir(f.c.Path(shown))
	if err != nil {
		f.status, _ = f.c.Complain(1, "'%s': %s", shown, command.ErrorText(err))
		return
	}
	for _, e := range entries {
		f.visit(command.Joined(shown, e.Name()), start, depth+1)
	}
}
