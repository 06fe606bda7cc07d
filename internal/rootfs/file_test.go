package rootfs_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kiln"
	"kiln/internal/deb/debtest"
	"kiln/internal/recipe"
	"kiln/internal/tree"
)

// folder makes a recipe's folder of host files: "name" with content, "name/" a
// directory, "name -> target" a link, "name*" an executable; and hands it in.
func (b *bench) folder(files map[string]string) string {
	b.Helper()
	dir := filepath.Join(b.TempDir(), "recipe")
	if err := os.Mkdir(dir, 0o755); err != nil {
		b.Fatal(err)
	}
	for name, content := range files {
		b.hostFile(dir, name, content)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { root.Close() })
	b.in.Files = root.FS()
	return dir
}

func (b *bench) hostFile(dir, name, content string) {
	b.Helper()
	plain := strings.TrimRight(name, "*/")
	path := filepath.Join(dir, plain)
	err := os.MkdirAll(filepath.Dir(path), 0o700) // odd modes of the host must not matter
	switch target, isLink := strings.CutPrefix(content, "-> "); {
	case err != nil:
	case strings.HasSuffix(name, "/"):
		err = os.MkdirAll(path, 0o770)
	case isLink:
		err = os.Symlink(target, path)
	case strings.HasSuffix(name, "*"):
		err = os.WriteFile(path, []byte(content), 0o711)
	default:
		err = os.WriteFile(path, []byte(content), 0o600)
	}
	if err != nil {
		b.Fatal(err)
	}
}

func text(s string) *string { return &s }

func TestFiles(t *testing.T) {
	hostFiles := map[string]string{
		"bin/app*": "binary", "conf/a.conf": "a", "conf/sub/run.sh*": "#!", "conf/sub/empty/": "", "conf/link": "-> sub/run.sh", "alias": "-> conf/a.conf",
	}
	for _, row := range []struct {
		summary string
		file    recipe.File
		want    []string
		content string // of the first file in want
	}{
		{"content", recipe.File{Path: "/srv/x", Content: text("hi\n")}, []string{"/srv/x f 0644 @50 3B 98ea6e4f216f"}, "hi\n"},
		{"empty content", recipe.File{Path: "/srv/x", Content: text("")}, []string{"/srv/x f 0644 @50 0B e3b0c44298fc"}, ""},
		{"mode and owner", recipe.File{Path: "/srv/x", Content: text("1"), Mode: "4750", Owner: "app:7"}, []string{"/srv/x f 4750 100:7 @50 1B 6b86b273ff34"}, "1"},
		{"link", recipe.File{Path: "/srv/x", Link: "/etc/y"}, []string{"/srv/x l 0777 @50 -> /etc/y"}, ""},
		{"directory", recipe.File{Path: "/srv/x/", Directory: true, Mode: "1777", Owner: "100:100"}, []string{"/srv/x d 1777 100:100 @50"}, ""},
		{"directory of a package gets a mode", recipe.File{Path: "/usr/p", Directory: true, Mode: "0700"}, nil, ""},
		{"from a file", recipe.File{Path: "/usr/bin/app", From: "./bin/app", Mode: "0755"}, []string{"/usr/bin/app f 0755 @50 6B 9a3a45d01531"}, "binary"},
		{"from a file, no mode", recipe.File{Path: "/usr/bin/app", From: "bin/app"}, []string{"/usr/bin/app f 0644 @50 6B 9a3a45d01531"}, "binary"},
		{"through the merged /usr", recipe.File{Path: "/bin/app", From: "bin/app", Mode: "0755"}, []string{"/usr/bin/app f 0755 @50 6B 9a3a45d01531"}, "binary"},
		{"from a link within", recipe.File{Path: "/srv/x", From: "alias"}, []string{"/srv/x f 0644 @50 1B ca978112ca1b"}, "a"},
		{"from a folder", recipe.File{Path: "/srv/c", From: "conf", Owner: "app"}, []string{
			"/srv/c d 0755 100:100 @50", "/srv/c/a.conf f 0644 100:100 @50 1B ca978112ca1b", "/srv/c/link l 0777 100:100 @50 -> sub/run.sh",
			"/srv/c/sub d 0755 100:100 @50", "/srv/c/sub/empty d 0755 100:100 @50", "/srv/c/sub/run.sh f 0755 100:100 @50 2B 5bb1ae3e0fcc"}, ""},
		{"from a folder, with a mode", recipe.File{Path: "/srv/c", From: "conf/sub", Mode: "0600"}, []string{
			"/srv/c d 0755 @50", "/srv/c/empty d 0755 @50", "/srv/c/run.sh f 0600 @50 2B 5bb1ae3e0fcc"}, ""},
		{"concat, of dropped files too", recipe.File{Path: "/srv/all", Concat: []string{"/usr/p/*.crt", "/usr/share/man/m"}}, []string{"/srv/all f 0644 @50 12B 0"}, "one\ntwo\nman\n"},
		{"of another platform", recipe.File{Path: "/srv/x", Content: text("1"), Platforms: []kiln.Platform{{OS: "linux", Architecture: "arm64"}}}, nil, ""},
	} {
		t.Run(row.summary, func(t *testing.T) {
			r := oneLayer("pkg")
			row.file.Why = "because"
			r.Layers[0].Files = []recipe.File{row.file}
			r.Users = []recipe.User{{Name: "app", UID: 100, Why: "test"}}
			b := newBench(t, r)
			b.folder(hostFiles)
			b.add(debtest.Spec{Time: 50, Entries: []debtest.Entry{{Path: "usr/p/b.crt", Content: "two"}, {Path: "usr/p/a.crt", Content: "one\n"}, {Path: "usr/share/man/m", Content: "man"}}})
			img := b.assemble()
			var got []string
			for e := range img.Tree.All() {
				if e.Origin.Recipe == "layers[base].files[0]" && e.Path != "usr/p" {
					got = append(got, e.String())
					if e.Origin.Why != "because" {
						t.Errorf("origin %+v", e.Origin)
					}
				}
			}
			if diff := cmp.Diff(row.want, got, cmp.Transformer("digestless", digestless)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if row.content != "" {
				path, _, _ := strings.Cut(strings.TrimPrefix(got[0], "/"), " ")
				if c := content(t, img, path); c != row.content {
					t.Errorf("content %q, want %q", c, row.content)
				}
			}
			if e, _ := img.Tree.Lookup("usr/p"); strings.Contains(row.summary, "gets a mode") != (e.Mode == 0o700) {
				t.Errorf("%v", e)
			}
		})
	}
}

func TestFileErrors(t *testing.T) {
	for _, row := range []struct {
		summary string
		file    recipe.File
		want    []string
	}{
		{"missing", recipe.File{Path: "/x", From: "bin/ap"}, []string{`cannot find "bin/ap" in the recipe's folder`, "relative to the recipe"}},
		{"upwards", recipe.File{Path: "/x", From: "../secret"}, []string{`"../secret" is outside of the recipe's folder`}},
		{"upwards within", recipe.File{Path: "/x", From: "bin/../../secret"}, []string{"outside of the recipe's folder"}},
		{"absolute", recipe.File{Path: "/x", From: "/etc/passwd"}, []string{`"/etc/passwd" is outside of the recipe's folder`}},
		{"link to outside", recipe.File{Path: "/x", From: "escape"}, []string{`cannot read "escape"`, "escapes"}},
		{"below a link to outside", recipe.File{Path: "/x", From: "updir/secret"}, []string{`cannot read "updir/secret"`, "escapes"}},
		{"folder with a link to outside", recipe.File{Path: "/x", From: "links"}, []string{`the symbolic link "links/out" leads to "../../secret", out of the folder "links"`}},
		{"folder with an absolute link", recipe.File{Path: "/x", From: "abs"}, []string{`"abs/out" leads to "/etc/passwd"`}},
		{"named pipe", recipe.File{Path: "/x", From: "pipe"}, []string{`"pipe" is neither a file nor a folder`}},
		{"relative path", recipe.File{Path: "x", Content: text("")}, []string{`the path "x" does not start with a slash`}},
		{"path upwards", recipe.File{Path: "/a/../x", Content: text("")}, []string{`holds ".."`}},
		{"root", recipe.File{Path: "/", Directory: true}, []string{"is the root of the image"}},
		{"bad mode", recipe.File{Path: "/x", Content: text(""), Mode: "0789"}, []string{`mode "0789" is not octal`}},
		{"wide mode", recipe.File{Path: "/x", Content: text(""), Mode: "100644"}, []string{`mode "100644" is not octal between 0 and 7777`}},
		{"no such owner", recipe.File{Path: "/x", Content: text(""), Owner: "app"}, []string{`owner: there is no user "app"`, "root, nobody"}},
		{"no such group", recipe.File{Path: "/x", Content: text(""), Owner: "root:app"}, []string{`there is no group "app"`}},
		{"concat of nothing", recipe.File{Path: "/x", Concat: []string{"/usr/p/*.pem"}}, []string{`"/usr/p/*.pem" matches nothing`, `"/usr/p/a.crt"`}},
		{"nothing", recipe.File{Path: "/x"}, []string{"one of from, from-stage, content, concat, link and directory"}},
		{"in place of a package's file", recipe.File{Path: "/usr/p/a.crt", Content: text("")}, []string{`cannot make "/usr/p/a.crt": it is a file of the package "pkg"`, `- pkg: {why: ..., drop: ["/usr/p/a.crt"]}`}},
		{"in place of a package's directory", recipe.File{Path: "/usr/p", Content: text("")}, []string{`it is a directory of the package "pkg"`}},
		{"below a package's file", recipe.File{Path: "/usr/p/a.crt/x", Content: text("")}, []string{`below "/usr/p/a.crt"`}},
		{"in place of an account file", recipe.File{Path: "/etc/passwd", Content: text("")}, []string{`it is a file of the rule "accounts"`}},
		{"in place of the database", recipe.File{Path: "/var/lib/dpkg/status", Content: text("")}, []string{`"/var/lib/dpkg/status"`}},
		{"below another of the recipe", recipe.File{Path: "/first/x", Content: text("")}, []string{`cannot make "/first/x" of layers[base].files[1]: "/first" is a file of layers[base].files[0]`}},
		{"twice", recipe.File{Path: "/first", Content: text("")}, []string{"layers[base].files[1] cannot make \"/first\": it is a file of layers[base].files[0]"}},
	} {
		t.Run(row.summary, func(t *testing.T) {
			r := oneLayer("pkg")
			r.Layers[0].Files = []recipe.File{{Path: "/first", Content: text("")}, row.file}
			b := newBench(t, r)
			dir := b.folder(map[string]string{"bin/app": "", "escape": "-> ../secret", "updir": "-> ..", "links/out": "-> ../../secret", "abs/out": "-> /etc/passwd"})
			b.hostFile(filepath.Dir(dir), "secret", "s")
			if err := syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o600); err != nil {
				t.Fatal(err)
			}
			b.add(debtest.Spec{Entries: []debtest.Entry{{Path: "usr/p/a.crt", Content: "one"}}})
			want := row.want
			if !strings.HasPrefix(row.summary, "in place of the database") && !strings.HasPrefix(row.summary, "below another") {
				want = append(want, "layers[0].files[1] (layer base)")
			}
			b.fails(kiln.User, want...)
		})
	}
}

func TestFileInPlaceOfADroppedOne(t *testing.T) {
	r := oneLayer("pkg")
	r.Layers[0].Packages[0].Drop = []string{"/etc/conf"}
	r.Layers[0].Files = []recipe.File{{Path: "/etc/conf", Content: text("mine"), Why: "test"}}
	b := newBench(t, r)
	b.add(debtest.Spec{Conffiles: []string{"/etc/conf"}, Entries: []debtest.Entry{{Path: "etc/conf", Content: "theirs"}}})
	img := b.assemble()
	if got := content(t, img, "etc/conf"); got != "mine" {
		t.Errorf("content %q", got)
	}
	if strings.Contains(content(t, img, "var/lib/dpkg/status"), "Conffiles") {
		t.Error("status has the dropped conffile")
	}
}

func TestFolderLeavesDirectoriesAsTheyAre(t *testing.T) {
	r := oneLayer("pkg")
	r.Layers[0].Files = []recipe.File{{Path: "/etc", From: "etc", Owner: "nobody", Why: "test"}}
	b := newBench(t, r)
	b.folder(map[string]string{"etc/ssl/private/x": "k"})
	b.add(debtest.Spec{Entries: []debtest.Entry{{Path: "etc/ssl/private/", Mode: 0o700}}})
	img := b.assemble()
	e, _ := img.Tree.Lookup("etc/ssl/private")
	if e.Mode != 0o700 || e.UID != 0 || e.Type != tree.Dir {
		t.Errorf("%v", e)
	}
}
