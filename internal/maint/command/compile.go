package command

import (
	"fmt"

	"kiln"
	"kiln/internal/tree"
)

// Memo keeps contents that are made of other contents, each under a key that says
// of which, and how. What it recalls can be opened among the contents of the tree.
type Memo interface {
	// Recall returns the digest and the size, in bytes, of what was kept under key.
	Recall(key kiln.Digest) (content kiln.Digest, size int64, ok bool)
	// Keep keeps content under key.
	Keep(key kiln.Digest, content []byte) (kiln.Digest, error)
}

// Compilation is a file that a command makes of others.
type Compilation struct {
	To   string // where the file goes
	Mode uint32 // of the file where it is new
	What string // names what is made, and how: all but the sources that it depends on
	From []string
	// Make returns the file's content. It is a function of What and of the paths and
	// contents of From, and of nothing else.
	Make func() ([]byte, error)
}

// Compile makes the file, or takes what was made of the same sources before. A file
// that has that content already keeps its author.
func (c *Call) Compile(x Compilation) error {
	key, ok := c.compileKey(x)
	if !ok {
		content, err := x.Make()
		if err != nil {
			return err
		}
		return c.FS.Rewrite(x.To, content, x.Mode)
	}
	digest, size, ok := c.Machine.Memo.Recall(key)
	if !ok {
		content, err := x.Make()
		if err != nil {
			return err
		}
		if digest, err = c.Machine.Memo.Keep(key, content); err != nil {
			return err
		}
		size = int64(len(content))
	}
	return c.FS.RewriteKnown(x.To, digest, size, x.Mode)
}

// compileKey is the digest of all that the compilation depends on. ok is false where
// nothing is kept, or where a source has just been written.
func (c *Call) compileKey(x Compilation) (key kiln.Digest, ok bool) {
	if c.Machine.Memo == nil {
		return "", false
	}
	sum := kiln.NewDigester()
	fmt.Fprintf(sum, "kiln compile\n%q\n", x.What)
	for _, p := range x.From {
		at, err := c.FS.Stat(p)
		if err != nil || at.Kind() != tree.File || at.Content == "" {
			return "", false
		}
		fmt.Fprintf(sum, "%q %s\n", p, at.Content)
	}
	return sum.Digest(), true
}
