package filetool

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"kiln/internal/maint/command"
	"kiln/internal/maint/vfs"
	"kiln/internal/tree"
)

// Test is test(1) and [, as in POSIX with the operators of dash and bash.
func Test(_ context.Context, c *command.Call) (int, error) {
	args := c.Args
	if c.Name == "[" {
		if len(args) == 0 || args[len(args)-1] != "]" {
			return c.Complain(2, "missing ]")
		}
		args = args[:len(args)-1]
	}
	t := tester{c: c, args: args}
	ok := t.whole()
	if t.err != nil {
		return c.Complain(2, "%v", t.err)
	}
	if ok {
		return 0, nil
	}
	return 1, nil
}

// tester evaluates one expression. POSIX decides by the number of arguments up to
// four; beyond, and where that says nothing, it is "or" over "and" over "not".
type tester struct {
	c    *command.Call
	args []string
	err  error
}

func (t *tester) whole() bool {
	switch a := t.args; {
	case len(a) == 0:
		return false
	case len(a) == 1:
		return a[0] != ""
	case len(a) == 2 && a[0] == "!":
		return a[1] == ""
	case len(a) == 3 && isBinaryTest(a[1]):
		return t.binary(a[0], a[1], a[2])
	case len(a) == 4 && a[0] == "!" && isBinaryTest(a[2]):
		return !t.binary(a[1], a[2], a[3])
	}
	ok := t.or()
	if t.err == nil && len(t.args) > 0 {
		t.err = fmt.Errorf("%s: unexpected operator", t.args[0])
	}
	return ok
}

func (t *tester) peek() string {
	if len(t.args) > 0 {
		return t.args[0]
	}
	return ""
}

func (t *tester) or() bool {
	ok := t.and()
	for t.peek() == "-o" && t.err == nil {
		t.args = t.args[1:]
		right := t.and()
		ok = ok || right
	}
	return ok
}

func (t *tester) and() bool {
	ok := t.not()
	for t.peek() == "-a" && t.err == nil {
		t.args = t.args[1:]
		right := t.not()
		ok = ok && right
	}
	return ok
}

func (t *tester) not() bool {
	if t.peek() == "!" && len(t.args) > 1 && !(len(t.args) > 2 && isBinaryTest(t.args[1])) {
		t.args = t.args[1:]
		return !t.not()
	}
	return t.primary()
}

func (t *tester) primary() bool {
	a := t.args
	switch {
	case len(a) == 0:
		t.err = fmt.Errorf("argument expected")
		return false
	case len(a) > 2 && isBinaryTest(a[1]):
		t.args = a[3:]
		return t.binary(a[0], a[1], a[2])
	case a[0] == "(" && len(a) > 1:
		t.args = a[1:]
		ok := t.or()
		if t.peek() != ")" && t.err == nil {
			t.err = fmt.Errorf("closing paren expected")
			return false
		}
		t.args = t.args[min(1, len(t.args)):]
		return ok
	case len(a) > 1 && isUnaryTest(a[0]):
		t.args = a[2:]
		return t.unary(a[0], a[1])
	}
	t.args = a[1:]
	return a[0] != ""
}

func isUnaryTest(op string) bool {
	return len(op) == 2 && op[0] == '-' && strings.IndexByte("bcdefghkLnOGprsStuwxz", op[1]) >= 0
}

func isBinaryTest(op string) bool {
	switch op {
	case "=", "==", "!=", "<", ">", "-eq", "-ne", "-gt", "-ge", "-lt", "-le", "-nt", "-ot", "-ef":
		return true
	}
	return false
}

func (t *tester) binary(x, op, y string) bool {
	switch op {
	case "=", "==":
		return x == y
	case "!=":
		return x != y
	case "<":
		return x < y
	case ">":
		return x > y
	case "-nt", "-ot", "-ef":
		return t.files(x, op, y)
	}
	a, b := t.number(x), t.number(y)
	switch op {
	case "-eq":
		return a == b
	case "-ne":
		return a != b
	case "-gt":
		return a > b
	case "-ge":
		return a >= b
	case "-lt":
		return a < b
	}
	return a <= b
}

func (t *tester) number(s string) int64 {
	n, err := strconv.ParseInt(strings.TrimSpace(s), 10, 64)
	if err != nil && t.err == nil {
		t.err = fmt.Errorf("illegal number: %s", s)
	}
	return n
}

// files compares two files. One that is not there is older than any other.
func (t *tester) files(x, op, y string) bool {
	a, errA := t.c.FS.Stat(t.c.Path(x))
	b, errB := t.c.FS.Stat(t.c.Path(y))
	switch op {
	case "-nt":
		return errA == nil && (errB != nil || a.Epoch() > b.Epoch())
	case "-ot":
		return errB == nil && (errA != nil || a.Epoch() < b.Epoch())
	}
	return errA == nil && errB == nil && a.Ino != 0 && a.Ino == b.Ino
}

func (t *tester) unary(op, x string) bool {
	switch op {
	case "-n":
		return x != ""
	case "-z":
		return x == ""
	case "-t":
		return false // no descriptor is a terminal
	}
	info, ok := t.info(op, x)
	if !ok {
		return false
	}
	kinds := map[string]tree.Type{"-b": tree.BlockDev, "-c": tree.CharDev, "-d": tree.Dir, "-f": tree.File, "-h": tree.Symlink, "-L": tree.Symlink, "-p": tree.Fifo}
	bits := map[string]uint32{"-g": 0o2000, "-k": 0o1000, "-u": 0o4000}
	switch op {
	case "-e":
		return true
	case "-r":
		return t.may(info, 4)
	case "-w":
		return t.may(info, 2)
	case "-s":
		return info.Size() > 0
	case "-x":
		return t.may(info, 1)
	case "-O":
		uid, _ := t.c.FS.User()
		return info.UID == uid
	case "-G":
		_, gid := t.c.FS.User()
		return info.GID == gid
	case "-S":
		return false // a tree holds no sockets
	}
	if bit, ok := bits[op]; ok {
		return info.Perm()&bit != 0
	}
	return info.Kind() == kinds[op]
}

// may reports whether the user that runs has a right: 4 to read, 2 to write, 1 to
// execute (access(2)). Root has all, but executes only what somebody may.
func (t *tester) may(info vfs.Info, right uint32) bool {
	uid, gid := t.c.FS.User()
	perm := info.Perm()
	switch {
	case uid == 0:
		return right != 1 || info.Kind() == tree.Dir || perm&0o111 != 0
	case uid == info.UID:
		return perm>>6&right != 0
	}
	groups := t.c.GroupsOf(t.c.NameOf("/etc/passwd", uid), strconv.Itoa(gid))
	if slices.Contains(groups, strconv.Itoa(info.GID)) {
		return perm>>3&right != 0
	}
	return perm&right != 0
}

func (t *tester) info(op, x string) (vfs.Info, bool) {
	if op == "-h" || op == "-L" {
		info, err := t.c.FS.Lstat(t.c.Path(x))
		return info, err == nil
	}
	info, err := t.c.FS.Stat(t.c.Path(x))
	return info, err == nil
}
