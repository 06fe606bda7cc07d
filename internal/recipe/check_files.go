package recipe

import (
	"fmt"
	pathpkg "path"
	"slices"
	"strconv"
	"strings"

	"kiln"
)

// fileList checks files, which may be taken from the stages given.
func (c *checker) fileList(path string, list []File, r *Recipe, stages []Stage) {
	made := map[string][]int{} // path -> files that make it, by index
	for i, f := range list {
		at := at(path, i)
		c.file(at, f, r)
		c.fromStage(at, f, r, stages)
		if c.written(at + ".path") {
			c.fileTwice(path, list, made[f.Path], i)
			made[f.Path] = append(made[f.Path], i)
		}
	}
}

func (c *checker) file(path string, f File, r *Recipe) {
	c.imagePath(path+".path", f.Path)
	c.why(path, f.Why)
	c.exactlyOne(path, []string{"from", "from-stage", "content", "concat", "link", "directory"})
	if c.hostPath(path+".from", f.From) && ownFolder(f.From) {
		c.note(path+".from", "name a folder below it, such as files", "%q is the recipe's own folder, which holds the recipe, its lock and what is built", f.From)
	}
	if c.written(path+".link") && (f.Link == "" || len(f.Link) > 4095 || strings.ContainsFunc(f.Link, isControlInPath)) {
		c.problem(path+".link", "want the target of a symbolic link, got %q", shorten(f.Link))
	}
	if c.written(path+".directory") && !f.Directory {
		c.problem(path+".directory", "directory can only be true")
	}
	c.notEmpty(path+".concat", len(f.Concat), "name the files to join, such as [/usr/share/x/*.crt]")
	c.patterns(path+".concat", f.Concat)
	if c.has(path + ".link") {
		c.lacks(path, "a symbolic link", "mode")
	}
	c.matches(path+".mode", f.Mode, modeText, `an octal mode from "0000" to "7777"`)
	c.owner(path+".owner", f.Owner)
	if c.written(path + ".platforms") {
		c.platforms(path+".platforms", f.Platforms, r.Platforms)
	}
}

// ownFolder tells whether a path inside the recipe's folder is that folder.
func ownFolder(p string) bool { return pathpkg.Clean(p) == "." }

// imagePath checks a path in the image.
func (c *checker) imagePath(path, p string) {
	if c.written(path) && !absolute(p) {
		c.note(path, "write it from / on, without . and .. and without a / at the end", "%q is no path of a file in the image", shorten(p))
	}
}

// fileTwice refuses a path that an earlier file of the layer makes on the same
// platform.
func (c *checker) fileTwice(path string, list []File, earlier []int, i int) {
	for _, j := range earlier {
		if overlap(list[i].Platforms, list[j].Platforms) {
			note := fmt.Sprintf("it is already in line %d", c.line(at(path, j)+".path"))
			c.note(at(path, i)+".path", note, "path %q twice in one layer", shorten(list[i].Path))
			return
		}
	}
}

func overlap(a, b []kiln.Platform) bool {
	return len(a) == 0 || len(b) == 0 || slices.ContainsFunc(a, func(p kiln.Platform) bool { return slices.Contains(b, p) })
}

// owner checks "user[:group]", each a name or a number.
func (c *checker) owner(path, s string) bool {
	if !c.written(path) {
		return false
	}
	user, group, both := strings.Cut(s, ":")
	if !account(user) || both && !account(group) {
		c.problem(path, "want user or user:group, by name or number, got %q", shorten(s))
		return false
	}
	return true
}

// account tells whether s is the name or the number of a user or group.
func account(s string) bool { return accountName(s) || accountNumber(s) }

func accountNumber(s string) bool {
	n, err := strconv.ParseUint(s, 10, 32)
	return err == nil && n <= maxID && strconv.FormatUint(n, 10) == s
}

// maxID is the highest user or group number: the next one means "no change" to
// chown(2).
const maxID = 1<<32 - 2
