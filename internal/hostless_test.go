package internal_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// hostless lists, for the packages of the standard library by which a program
// reaches its host, its clock or chance, the names that maintainer scripts'
// interpreter may use all the same, and why. A package that is in neither list is
// no way out.
func hostless() map[string]struct{ names, why string } {
	return map[string]struct{ names, why string }{
		"os": {"O_RDONLY O_WRONLY O_RDWR O_APPEND O_CREATE O_EXCL O_TRUNC", "flags of vfs.FS.OpenFile"},
		"syscall": {"Errno E2BIG EACCES EAGAIN EBADF EBUSY EEXIST EINVAL EISDIR ELOOP ENAMETOOLONG ENODATA ENOENT ENOEXEC ENOMEM ENOSPC ENOTDIR ENOTEMPTY ENXIO EPERM EPIPE EROFS ESPIPE EXDEV",
			"errors as Linux numbers them"},
		"time": {"Date Duration Minute Second Hour Month Parse Time UTC Weekday RFC1123 RFC1123Z RFC3339 UnixDate ANSIC RFC822 RFC850 January Sunday",
			"the tree's own times as text, and the length of a limit; nothing reads the clock but that limit, in package context"},
	}
}

// unreachable are the packages of which nothing is used.
func unreachable() []string {
	return []string{"C", "crypto/rand", "embed", "expvar", "internal", "io/ioutil", "log", "log/syslog", "math/rand", "math/rand/v2", "net", "os/exec", "os/signal", "os/user",
		"path/filepath", "plugin", "reflect", "runtime", "runtime/debug", "testing", "text/template", "unsafe"}
}

// Nothing that a maintainer script calls reaches a host file, the environment, the
// clock, chance, or another program.
func TestScriptsCannotReachTheHost(t *testing.T) {
	allowed, files := hostless(), 0
	used := map[string]bool{}
	err := filepath.WalkDir("maint", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && d.Name() == "toolboxtest": // for tests only: the arrows say so
			return fs.SkipDir
		case d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		files++
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		names := importsOf(t, path, file)
		ast.Inspect(file, func(n ast.Node) bool {
			s, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			x, ok := s.X.(*ast.Ident)
			if !ok {
				return true
			}
			if pkg := names[x.Name]; allowed[pkg].names != "" {
				used[pkg] = true
				if !slices.Contains(strings.Fields(allowed[pkg].names), s.Sel.Name) {
					t.Errorf("%s uses %s.%s: only %s (%s)", set.Position(s.Pos()), pkg, s.Sel.Name, allowed[pkg].names, allowed[pkg].why)
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files < 100 {
		t.Errorf("only %d files were looked at", files)
	}
	for pkg := range allowed {
		if !used[pkg] {
			t.Errorf("nothing uses %s any more: shorten the list", pkg)
		}
	}
}

// importsOf returns the packages by the names that the file gives them, and reports
// those that are a way out.
func importsOf(t *testing.T, path string, file *ast.File) map[string]string {
	t.Helper()
	names := map[string]string{}
	for _, imp := range file.Imports {
		pkg, err := strconv.Unquote(imp.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		if slices.ContainsFunc(unreachable(), func(u string) bool { return pkg == u || strings.HasPrefix(pkg, u+"/") }) {
			t.Errorf("%s imports %q, by which scripts could reach the host", path, pkg)
		}
		name := pkg[strings.LastIndexByte(pkg, '/')+1:]
		if imp.Name != nil {
			name = imp.Name.Name
		}
		if name == "." || name == "_" {
			t.Errorf("%s imports %q as %q", path, pkg, name)
		}
		names[name] = pkg
	}
	return names
}
