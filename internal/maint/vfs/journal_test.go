package vfs_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"kiln/internal/maint/vfs"
	"kiln/internal/tree"
)

// What Changes tells is what a comparison of the whole trees tells, whatever was done
// meanwhile and before.
func TestChangesAreTheDifference(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		f := vfs.New(tree.New(), tree.Bytes{}, now)
		if err := f.Mkdir("/top", 0o755); err != nil {
			r.Fatal(err)
		}
		end := func() {}
		for range 3 {
			before, err := f.Tree()
			if err != nil {
				r.Fatal(err)
			}
			f.Watch()
			if rapid.Bool().Draw(r, "scratch") {
				end = f.Scratch("/top/c", 0o755, rapid.Bool().Draw(r, "keep"))
			}
			for range rapid.IntRange(1, 10).Draw(r, "steps") {
				quietStep(r, f)
			}
			end()
			end = func() {}
			got := f.Changes()
			after, err := f.Tree()
			if err != nil {
				r.Fatal(err)
			}
			if diff := cmp.Diff(lines(tree.Diff(before, after)), lines(got)); diff != "" {
				r.Fatalf("(-the trees +told)\n%s", diff)
			}
		}
	})
}

func lines(changes []tree.Change) []string {
	var all []string
	for _, c := range changes {
		all = append(all, c.String())
	}
	return all
}

// quietStep does something, whether or not it can be done.
func quietStep(r *rapid.T, f *vfs.FS) {
	p := path(r, "path")
	switch rapid.SampledFrom([]string{"write", "append", "mkdir", "all", "symlink", "link", "remove", "rename", "chmod", "chown", "truncate", "removeall", "put"}).Draw(r, "op") {
	case "write":
		_ = f.WriteFile(p, []byte(rapid.StringMatching("[xy]{0,3}").Draw(r, "text")), 0o644)
	case "append":
		_ = f.Append(p, []byte("z"), 0o644)
	case "mkdir":
		_ = f.Mkdir(p, 0o755)
	case "all":
		_ = f.MkdirAll(p, 0o755)
	case "symlink":
		_ = f.Symlink(rapid.SampledFrom([]string{"a", "b", "a/b", "../a"}).Draw(r, "target"), p)
	case "link":
		_ = f.Link(path(r, "from"), p)
	case "remove":
		_ = f.Remove(p)
	case "removeall":
		_ = f.RemoveAll(p)
	case "rename":
		_ = f.Rename(p, path(r, "to"))
	case "chmod":
		_ = f.Chmod(p, rapid.SampledFrom([]uint32{0o600, 0o755}).Draw(r, "mode"))
	case "chown":
		_ = f.Chown(p, 7, -1)
	case "truncate":
		_ = f.Truncate(p, rapid.Int64Range(0, 5).Draw(r, "size"))
	case "put":
		_ = f.Put(tree.Entry{Path: "top/a", Type: tree.File, Mode: 0o600, Content: tree.Bytes{}.Add(nil), ModTime: 9})
	}
}
