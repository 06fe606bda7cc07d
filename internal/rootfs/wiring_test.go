package rootfs_test

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kiln"
	"kiln/internal/deb/debtest"
	"kiln/internal/recipe"
)

// basePasswd makes the files of accounts as Debian's package does, more or less.
func basePasswd(more string) debtest.Spec {
	return debtest.Spec{Name: "base-passwd", Scripts: preinst(`
		mkdir -p /etc; echo root:*:0:0:root:/root:/bin/bash > /etc/passwd
		echo www-data:*:33:33:www-data:/var/www:/usr/sbin/nologin >> /etc/passwd
		printf 'root:*:0:\nwww-data:*:33:\n' > /etc/group
		` + more), Entries: []debtest.Entry{{Path: "etc/"}}}
}

// addUser is the program that a script calls by that name.
func addUser() debtest.Entry {
	return debtest.Entry{Path: "usr/sbin/adduser", Mode: 0o755, Content: "#!/usr/bin/perl\n"}
}

const withShadow = "echo 'root:*:0:0:99999:7:::' > /etc/shadow; chmod 640 /etc/shadow; echo 'root:*::' > /etc/gshadow; chmod 640 /etc/gshadow"

func TestAccountsOfPackages(t *testing.T) {
	adduser := postinst("adduser --system --group --quiet --home /srv/d daemonic")
	for _, row := range []struct {
		summary string
		base    *debtest.Spec
		script  []debtest.Script
		users   []recipe.User
		groups  []recipe.Group
		user    string
		passwd  []string // in etc/passwd
		group   []string // in etc/group
		shadow  []string
		is      string // container.user
		fails   string
	}{
		{summary: "kiln's own, changed by a script", script: adduser, users: []recipe.User{{Name: "app", UID: 10001, Why: "x"}},
			passwd: []string{"root:x:0:0:root:/root:/usr/sbin/nologin", "app:x:10001:10001:", "daemonic:!:100:100:", ":/srv/d:/usr/sbin/nologin"}, group: []string{"app:x:10001:", "daemonic:!:100:"}},
		{summary: "container.user that a script makes", script: adduser, user: "daemonic", is: "100:100", passwd: []string{"daemonic:!:100:100"}},
		{summary: "a package's", base: new(basePasswd("")), users: []recipe.User{{Name: "app", UID: 10001, Why: "x"}},
			passwd: []string{"root:*:0:0:root:/root:/bin/bash", "app:*:10001:10001::/nonexistent:/usr/sbin/nologin"}, group: []string{"www-data:*:33:", "app:*:10001:"}},
		{summary: "a package's, with shadow", base: new(basePasswd(withShadow)), users: []recipe.User{{Name: "app", UID: 10001, Why: "x"}},
			passwd: []string{"app:x:10001:10001:"}, shadow: []string{"app:*:20089:0:99999:7:::"}},
		{summary: "merged before other scripts", base: new(basePasswd("")), script: postinst("getent passwd app >/dev/null; chown app /srv/f"),
			users: []recipe.User{{Name: "app", UID: 10001, Why: "x"}}, passwd: []string{"app:*:10001"}},
		{summary: "a script that makes the recipe's user finds it", base: new(basePasswd("")), script: adduser, users: []recipe.User{{Name: "daemonic", UID: 500, Home: "/own", Why: "x"}},
			user: "daemonic", is: "500:500", passwd: []string{"daemonic:*:500:500::/own:"}},
		{summary: "the same user", base: new(basePasswd("")), users: []recipe.User{{Name: "www-data", UID: 33, Home: "/srv/www", Why: "x"}}, passwd: []string{"www-data:*:33:33:www-data:/srv/www:"}},
		{summary: "the same group", base: new(basePasswd("")), groups: []recipe.Group{{Name: "www-data", GID: 33, Members: []string{"root"}, Why: "x"}}, group: []string{"www-data:*:33:root"}},
		{summary: "another number of a user", base: new(basePasswd("")), users: []recipe.User{{Name: "www-data", UID: 34, Why: "x"}}, fails: "users[0]: the user \"www-data\" has the numbers 33:33 in the image already, not 34:33"},
		{summary: "number taken", base: new(basePasswd("")), users: []recipe.User{{Name: "app", UID: 33, Group: "root", Why: "x"}}, fails: `users[0]: the number 33 of the user "app" is taken in the image: www-data has it`},
		{summary: "another number of a group", base: new(basePasswd("")), groups: []recipe.Group{{Name: "www-data", GID: 34, Why: "x"}}, fails: `groups[0]: the group "www-data" has the gid 33 in the image already, not 34`},
		{summary: "number of a group taken", base: new(basePasswd("")), groups: []recipe.Group{{Name: "app", GID: 33, Why: "x"}}, fails: `groups[0]: the number 33 of the group "app" is taken in the image: www-data has it`},
		{summary: "own group's number taken", base: new(basePasswd("")), users: []recipe.User{{Name: "app", UID: 33, Why: "x"}}, fails: `the number 33 of the group "app" is taken`},
		{summary: "no such primary group", base: new(basePasswd("")), users: []recipe.User{{Name: "app", UID: 500, Group: "none", Why: "x"}}, fails: `users[0]: the user "app" has the primary group "none", which there is not`},
		{summary: "a member that a script makes", base: new(basePasswd("")), script: adduser, groups: []recipe.Group{{Name: "g", GID: 700, Members: []string{"daemonic"}, Why: "x"}}, group: []string{"g:*:700:daemonic"}},
		{summary: "a member whom nobody makes", base: new(basePasswd("")), groups: []recipe.Group{{Name: "g", GID: 700, Members: []string{"nobody-here"}, Why: "x"}}, fails: `groups[0]: the group "g" has the member "nobody-here", who is no user of the image`},
		{summary: "its preinst makes none", base: &debtest.Spec{Name: "base-passwd", Scripts: preinst("true")}, users: []recipe.User{{Name: "app", UID: 10001, Why: "x"}}, fails: "users[0]"},
		{summary: "a base-passwd without scripts", base: &debtest.Spec{Name: "base-passwd"}, users: []recipe.User{{Name: "app", UID: 10001, Why: "x"}}, passwd: []string{"app:x:10001"}},
	} {
		t.Run(row.summary, func(t *testing.T) {
			r := oneLayer("pkg")
			r.Users, r.Groups, r.Container.User = row.users, row.groups, row.user
			b := newBench(t, r)
			spec := debtest.Spec{Entries: []debtest.Entry{{Path: "srv/f", Content: "f"}, addUser()}, Scripts: row.script}
			if row.base != nil {
				spec.Fields = []string{"Pre-Depends: base-passwd"}
				b.add(*row.base, "pkg")
			}
			b.add(spec)
			if row.fails != "" {
				b.fails(kiln.User, row.fails)
				return
			}
			img := b.whole()
			for path, lines := range map[string][]string{"etc/passwd": row.passwd, "etc/group": row.group, "etc/shadow": row.shadow} {
				for _, want := range lines {
					if got := content(t, img, path); !strings.Contains(got, want) {
						t.Errorf("%s has no %q:\n%s", path, want, got)
					}
				}
			}
			if img.User != row.is {
				t.Errorf("user %q, want %q", img.User, row.is)
			}
		})
	}
}

// Report.Accounts tells who made whom.
func TestOriginsOfAccounts(t *testing.T) {
	r := oneLayer("pkg")
	r.Users = []recipe.User{{Name: "app", UID: 10001, Why: "runs it"}}
	b := newBench(t, r)
	b.add(basePasswd(""), "pkg")
	b.add(debtest.Spec{Fields: []string{"Pre-Depends: base-passwd"}, Entries: []debtest.Entry{addUser()}, Scripts: postinst("true\nadduser --system --group --quiet made")})
	got := map[string]string{}
	for _, a := range b.whole().Report.Accounts {
		got[fmt.Sprintf("%v:%s", a.Group, a.Name)] = strings.TrimSpace(a.Origin.Script + " " + a.Origin.Recipe + " " + a.Origin.Why)
	}
	want := map[string]string{
		"false:root": "base-passwd.preinst:4", "false:www-data": "base-passwd.preinst:5", "true:root": "base-passwd.preinst:6", "true:www-data": "base-passwd.preinst:6",
		"false:app": "users[0] runs it", "true:app": "users[0] runs it", "false:made": "pkg.postinst:4", "true:made": "pkg.postinst:4",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// Each kind of entry names who made it and who changed it last.
func TestOriginsOfEntries(t *testing.T) {
	r := oneLayer("pkg")
	text := "hello"
	r.Layers[0].Files = []recipe.File{{Path: "/etc/motd", Content: &text, Why: "greet"}}
	b := newBench(t, r)
	b.add(debtest.Spec{Name: "lib", Entries: []debtest.Entry{{Path: "srv/shipped", Content: "1"}, {Path: "srv/changed", Content: "1"}, {Path: "srv/dir/"}}}, "pkg")
	b.add(debtest.Spec{Fields: []string{"Depends: lib"}, Scripts: postinst("echo 1 > /srv/new\nmkdir /srv/newdir\nln -s new /srv/link\necho 2 >> /srv/changed\nchmod 700 /srv/dir\nf() {\n  touch /srv/byfunc\n}\nf\nsh -c 'touch /srv/bysh'\n" +
		"update-alternatives --quiet --install /usr/bin/x x /srv/new 1\necho other > /etc/motd")})
	img := b.whole()
	for path, want := range map[string]string{
		"srv/shipped": "lib/", "srv/changed": "lib/pkg.postinst:6", "srv/dir": "lib/pkg.postinst:7", "srv/new": "pkg/pkg.postinst:3", "srv/newdir": "pkg/pkg.postinst:4", "srv/link": "pkg/pkg.postinst:5",
		"srv/byfunc": "pkg/pkg.postinst:9", "srv/bysh": "pkg/pkg.postinst:12", "etc/alternatives/x": "pkg/pkg.postinst:13", "etc/motd": "/layers[base].files[0]",
	} {
		o := origin(t, img, path)
		got := o.Package + "/" + o.Script
		if o.Recipe != "" && o.Package == "" {
			got += o.Recipe
		}
		if got != want {
			t.Errorf("%q is by %q, want %q", path, got, want)
		}
	}
}

// The recipe's files are there for scripts, and final.
func TestFilesAndScripts(t *testing.T) {
	text := "recipe\n"
	file := func(path string) recipe.File { return recipe.File{Path: path, Content: &text, Why: "test"} }
	owned := func(f recipe.File, owner string) recipe.File { f.Owner = owner; return f }
	for _, row := range []struct {
		summary, script string
		files           []recipe.File
		want            map[string]string
		fails           string
	}{
		{"there before", "test \"$(cat /etc/x)\" = recipe", []recipe.File{file("/etc/x")}, map[string]string{"etc/x": "7B"}, ""},
		{"overwritten", "echo other > /etc/x; chmod 600 /etc/x", []recipe.File{file("/etc/x")}, map[string]string{"etc/x": "f 0644 @1735689600 7B"}, ""},
		{"removed", "rm /etc/x", []recipe.File{file("/etc/x")}, map[string]string{"etc/x": "7B"}, ""},
		{"removed with its folder", "rm -r /etc/d", []recipe.File{file("/etc/d/x")}, map[string]string{"etc/d/x": "7B"}, ""},
		{"made a folder", "rm /etc/x; mkdir /etc/x", []recipe.File{file("/etc/x")}, nil, `layers[base].files[0] cannot make "/etc/x": a maintainer script made a directory of it`},
		{"a folder made a file", "rmdir /etc/x; echo 1 > /etc/x", []recipe.File{{Path: "/etc/x", Directory: true, Why: "x"}}, nil, `a maintainer script made a file of it`},
		{"made a link", "ln -sf y /etc/x", []recipe.File{file("/etc/x")}, map[string]string{"etc/x": "f 0644"}, ""},
		{"owner by a name that a script makes", "adduser --system --group --quiet made", []recipe.File{owned(file("/etc/x"), "made:made")}, map[string]string{"etc/x": "100:100"}, ""},
		{"owner of a folder", "adduser --system --group --quiet made", []recipe.File{{Path: "/srv/t", From: "tree", Owner: "made", Why: "x"}}, map[string]string{"srv/t": "d 0755 100:", "srv/t/sub": "d 0755 100:", "srv/t/sub/f": "f 0644 100:"}, ""},
		{"owner whom nobody makes", "true", []recipe.File{owned(file("/etc/x"), "made")}, nil, `owner: there is no user "made" in the image`},
		{"below a folder that a script makes", "mkdir -p -m 700 /srv/own; chmod 700 /srv/own; chown 5 /srv/own", []recipe.File{file("/srv/own/x")}, map[string]string{"srv/own": "d 0700 5:0", "srv/own/x": "7B"}, ""},
		{"below a folder that becomes a link", "mv /srv/own /srv/other; ln -s other /srv/own", []recipe.File{file("/srv/own/x")}, nil, `layers[base].files[0] cannot make "/srv/own/x": a maintainer script turned a folder above it into a link`},
		{"below a shipped folder", "true", []recipe.File{file("/var/shipped/x")}, map[string]string{"var/shipped": "d 0710"}, ""},
		{"mode of a folder", "chmod 777 /srv/m", []recipe.File{{Path: "/srv/m", Directory: true, Mode: "0750", Why: "x"}}, map[string]string{"srv/m": "d 0750"}, ""},
		{"a script links to it", "ln /etc/x /etc/y", []recipe.File{file("/etc/x")}, map[string]string{"etc/x": "7B", "etc/y": "7B"}, ""},
	} {
		t.Run(row.summary, func(t *testing.T) {
			r := oneLayer("pkg")
			r.Layers[0].Files = row.files
			b := newBench(t, r)
			b.folder(map[string]string{"tree/sub/f": "f"})
			b.add(debtest.Spec{Scripts: postinst(row.script), Entries: []debtest.Entry{{Path: "etc/"}, {Path: "srv/"}, {Path: "var/shipped/", Mode: 0o710}, addUser()}})
			if row.fails != "" {
				b.fails(kiln.User, row.fails)
				return
			}
			check(t, b, row.want, nil)
		})
	}
}

// A file of a lower layer's recipe is final for the scripts of layers above, too;
// one over what a lower layer's script made replaces that.
func TestFilesAcrossLayers(t *testing.T) {
	text := "recipe\n"
	b := overLower(t, postinst("echo other > /etc/motd"))
	b.in.Recipe.Layers[0].Files = []recipe.File{{Path: "/etc/motd", Content: &text, Why: "test"}}
	b.in.Recipe.Layers[1].Files = []recipe.File{{Path: "/srv/made", Content: &text, Why: "test"}}
	img := b.whole()
	if got := content(t, img, "etc/motd"); got != text {
		t.Errorf("motd is %q", got)
	}
	if got := holding(img, 1, "etc/motd"); got != "" {
		t.Errorf("the upper layer repeats motd in %q", got)
	}
	if got := content(t, img, "srv/made"); got != text {
		t.Errorf("made is %q", got)
	}
	b = overLower(t, postinst("mv /srv/own /srv/other; ln -s other /srv/own"))
	b.in.Recipe.Layers[0].Files = []recipe.File{{Path: "/srv/own/x", Content: &text, Why: "test"}}
	b.fails(kiln.User, `layers[low].files[0] cannot make "/srv/own/x": a maintainer script turned a folder above it into a link`)
	b = overLower(t, nil)
	b.in.Recipe.Layers[1].Files = []recipe.File{{Path: "/srv/maded", Content: &text, Why: "test"}}
	b.fails(kiln.User, `layers[up].files[0] cannot make "/srv/maded": a maintainer script made a directory of it`)
}

// Patterns and rules leave out what scripts make, and what scripts read is there.
func TestDropsOfWhatScriptsMake(t *testing.T) {
	script := postinst("test \"$(cat /srv/read)\" = r; cp /srv/read /srv/copy; mkdir -p /srv/cache/deep; echo 1 > /srv/cache/deep/f; mkdir -p /var/log; echo 1 > /var/log/x.log; echo 1 > /srv/keep; mkdir -p /usr/share/man; echo 1 > /usr/share/man/x; touch /srv/.wh.odd")
	for _, row := range []struct {
		summary              string
		drop, keep           []string
		layerDrop, layerKeep []recipe.Glob
		want                 map[string]string
		fails                string
	}{
		{summary: "whiteouts are refused", fails: `cannot make "/srv/.wh.odd" of the package "pkg"`},
		{summary: "rules", drop: []string{"/srv/.wh.*"}, want: map[string]string{"var/log": "d", "var/log/x.log": "", "usr/share/man/x": "", "srv/copy": "1B"}},
		{summary: "by the package, what is shipped and what is made", drop: []string{"/srv/.wh.*", "/srv/read", "/srv/cache/**"}, want: map[string]string{"srv/read": "", "srv/copy": "1B", "srv/cache": "", "srv/cache/deep/f": ""}},
		{summary: "by the layer", layerDrop: []recipe.Glob{{Path: "/srv/*", Why: "x"}}, want: map[string]string{"srv/copy": "", "srv/keep": "", "srv/.wh.odd": "", "srv/cache/deep/f": "2B"}},
		{summary: "kept from the layer's drop and the rules", layerDrop: []recipe.Glob{{Path: "/srv/**", Why: "x"}}, layerKeep: []recipe.Glob{{Path: "/srv/keep", Why: "x"}, {Path: "/var/log/x.log", Why: "x"}},
			want: map[string]string{"srv/copy": "", "srv/keep": "2B", "var/log/x.log": "2B"}},
		{summary: "keep alone", keep: []string{"/srv/keep"}, want: map[string]string{"srv/keep": "2B", "srv/copy": "", "srv/read": ""}},
		{summary: "a pattern of nothing", drop: []string{"/srv/.wh.*", "/srv/kepe"}, fails: `"/srv/kepe" matches nothing: the package "pkg_1.0_all" ships no such path, and no script makes it`},
		{summary: "its hint", drop: []string{"/srv/.wh.*", "/srv/kepe"}, fails: `the nearest that there is: "/srv/keep"`},
	} {
		t.Run(row.summary, func(t *testing.T) {
			r := oneLayer("pkg")
			r.Layers[0].Packages[0].Drop, r.Layers[0].Packages[0].Keep = row.drop, row.keep
			r.Layers[0].Drop, r.Layers[0].Keep = row.layerDrop, row.layerKeep
			b := newBench(t, r)
			b.add(debtest.Spec{Scripts: script, Entries: []debtest.Entry{{Path: "srv/read", Content: "r"}, {Path: "usr/share/man/man1/pkg.1"}}})
			if row.fails != "" {
				code := kiln.User
				if strings.Contains(row.fails, ".wh.") {
					code = kiln.Refused
				}
				b.fails(code, row.fails)
				return
			}
			check(t, b, row.want, nil)
		})
	}
}

// What the recipe drops of a package that ships what kiln makes gives way to that.
func TestDroppedFileOfARule(t *testing.T) {
	r := oneLayer("pkg")
	r.Layers[0].Packages[0].Drop = []string{"/etc/passwd"}
	b := newBench(t, r)
	b.add(debtest.Spec{Entries: []debtest.Entry{{Path: "etc/passwd", Content: "x"}}})
	if got := content(t, b.whole(), "etc/passwd"); !strings.HasPrefix(got, "root:x:0:0:") {
		t.Errorf("passwd is %q", got)
	}
}

func TestSkipsAndFailures(t *testing.T) {
	for _, row := range []struct {
		summary, preinst, postinst string
		skip                       []recipe.Skip
		fails                      []string
		want                       map[string]string
	}{
		{summary: "status and last words", postinst: "echo it is broken >&2; exit 3", fails: []string{`cannot configure the package "pkg_1.0_all": its postinst ended with status 3 near line 3`, "it is broken", "- {package: pkg, scripts: [postinst], why: ...}"}},
		{summary: "preinst", preinst: "false", fails: []string{"its preinst ended with status 1"}},
		{summary: "unknown command", postinst: "true\n/usr/lib/pkg/helper --now", fails: []string{`pkg's postinst, line 4`, `it calls "/usr/lib/pkg/helper"`, "skip:"}},
		{summary: "not there", postinst: "frobnicate", fails: []string{"status 127", "frobnicate: not found"}},
		{summary: "skip of postinst", preinst: "touch /srv/pre", postinst: "false", skip: []recipe.Skip{{Package: "pkg", Scripts: []string{"postinst"}, Why: "x"}}, want: map[string]string{"srv/pre": "f"}},
		{summary: "skip of preinst", preinst: "false", postinst: "touch /srv/post", skip: []recipe.Skip{{Package: "pkg", Scripts: []string{"preinst"}, Why: "x"}}, want: map[string]string{"srv/post": "f"}},
		{summary: "skip of both", preinst: "false", postinst: "false", skip: []recipe.Skip{{Package: "pkg", Why: "x"}}, want: map[string]string{"srv/f": "f"}},
	} {
		t.Run(row.summary, func(t *testing.T) {
			r := oneLayer("pkg")
			r.Skip = row.skip
			b := newBench(t, r)
			b.add(debtest.Spec{Scripts: slices.Concat(preinst("mkdir -p /srv\n"+row.preinst), postinst(row.postinst)),
				Entries: []debtest.Entry{{Path: "srv/f", Content: "f"}, {Path: "usr/lib/pkg/helper", Mode: 0o755, Content: "\x7fELF"}}})
			if row.fails != nil {
				b.fails(kiln.User, row.fails...)
				return
			}
			check(t, b, row.want, nil)
			if got := len(b.whole().Report.Skips); got != len(row.skip)*max(1, 2-len(row.skip[0].Scripts)) {
				t.Errorf("%d skips reported", got)
			}
		})
	}
}

func TestDebconfAnswers(t *testing.T) {
	for _, row := range []struct {
		summary string
		answers []recipe.Answer
		want    string
		fails   []string
	}{
		{summary: "default", want: "plain\n"},
		{summary: "answered", answers: []recipe.Answer{{Question: "pkg/colour", Value: "red", Why: "x"}}, want: "red\n"},
		{summary: "unknown", answers: []recipe.Answer{{Question: "pkg/color", Value: "red", Why: "x"}}, fails: []string{`debconf[0]: no package of the image has the question "pkg/color"`, `did you mean "pkg/colour"?`}},
		{summary: "quite unknown", answers: []recipe.Answer{{Question: "zzzz", Value: "red", Why: "x"}}, fails: []string{`question "zzzz"`, "remove the answer"}},
	} {
		t.Run(row.summary, func(t *testing.T) {
			r := oneLayer("pkg")
			r.Debconf = row.answers
			b := newBench(t, r)
			b.add(debtest.Spec{
				Scripts: append(postinst(". /usr/share/debconf/confmodule\ndb_get pkg/colour\necho $RET > /srv/colour"),
					debtest.Script{Name: "templates", Content: "Template: pkg/colour\nType: string\nDefault: plain\nDescription: Colour?\n"}),
				Entries: []debtest.Entry{{Path: "srv/"}},
			})
			if row.fails != nil {
				b.fails(kiln.User, row.fails...)
				return
			}
			img := b.whole()
			if got := content(t, img, "srv/colour"); got != row.want {
				t.Errorf("colour %q, want %q", got, row.want)
			}
			if _, ok := img.Tree.Lookup("var/cache/debconf"); ok {
				t.Error("debconf's database is in an image without debconf")
			}
		})
	}
}

func TestUnitWishes(t *testing.T) {
	unit := func(name, install string) debtest.Entry {
		return debtest.Entry{Path: "usr/lib/systemd/system/" + name, Content: "[Unit]\nDescription=x\n[Service]\nExecStart=/x\n" + install}
	}
	const multi = "[Install]\nWantedBy=multi-user.target\n"
	for _, row := range []struct {
		summary string
		enable  []string
		want    map[string]string // entries
		units   string
		fails   []string
	}{
		{summary: "wanted and not enabled", want: map[string]string{"etc/systemd/system/multi-user.target.wants/web.service": ""}, units: "web.service wanted by up.postinst:3"},
		{summary: "by name", enable: []string{"web.service"}, want: map[string]string{"etc/systemd/system/multi-user.target.wants/web.service": "systemd/system/web.service"}, units: "web.service wanted by up.postinst:3 enabled by system.services.enable[0]"},
		{summary: "by pattern", enable: []string{"web.*"}, want: map[string]string{"etc/systemd/system/multi-user.target.wants/web.service": "/lib/systemd/system/"}, units: "web.service wanted by up.postinst:3 enabled by system.services.enable[0]"},
		{summary: "one no package wanted", enable: []string{"quiet.service"}, want: map[string]string{"etc/systemd/system/multi-user.target.wants/quiet.service": "/lib/systemd/system/"}, units: "quiet.service wanted by  enabled by system.services.enable[0], web.service wanted by up.postinst:3"},
		{summary: "of the lower layer", enable: []string{"low.service"}, want: map[string]string{"etc/systemd/system/multi-user.target.wants/low.service": "/lib/systemd/system/"}, units: "low.service wanted by  enabled by system.services.enable[0], web.service wanted by up.postinst:3"},
		{summary: "without an install section", enable: []string{"static.service"}, fails: []string{`system.services.enable[0]: cannot enable "static.service"`, "its .socket or .timer"}},
		{summary: "unknown", enable: []string{"wbe.service"}, fails: []string{`cannot enable "wbe.service"`, `did you mean "web.service"?`}},
		{summary: "quite unknown", enable: []string{"frobnication-helper.socket"}, fails: []string{`cannot enable "frobnication-helper.socket"`, "list the package that ships it"}},
		{summary: "pattern of nothing", enable: []string{"qui*"}, fails: []string{`the pattern "qui*" matches no unit that a package wants enabled`}},
	} {
		t.Run(row.summary, func(t *testing.T) {
			b := newBench(t, &recipe.Recipe{Layers: []recipe.Layer{{Name: "low", Packages: wants("low")}, {Name: "up", Packages: wants("up")}}})
			for _, name := range row.enable {
				b.in.Recipe.System.Services.Enable = append(b.in.Recipe.System.Services.Enable, recipe.Unit{Unit: name, Why: "x"})
			}
			b.add(debtest.Spec{Name: "low", Entries: []debtest.Entry{unit("low.service", multi), {Path: "usr/bin/deb-systemd-helper", Mode: 0o755, Content: "#!/usr/bin/perl\n"}}})
			b.add(debtest.Spec{Name: "up", Entries: []debtest.Entry{unit("web.service", multi), unit("quiet.service", multi), unit("static.service", "")}, Scripts: postinst("deb-systemd-helper enable web.service >/dev/null || true")})
			if row.fails != nil {
				b.fails(kiln.User, row.fails...)
				return
			}
			img := b.whole()
			for path, text := range row.want {
				e, ok := img.Tree.Lookup(path)
				if ok != (text != "") || !strings.Contains(e.String(), text) {
					t.Errorf("%q is %q, want %q", path, e, text)
				}
				if ok && holding(img, 1, path) != "kiln" {
					t.Errorf("%q is in %q of the last layer", path, holding(img, 1, path))
				}
				if ok && e.Origin.Recipe == "" && e.Origin.Script == "" {
					t.Errorf("%q has the origin %+v", path, e.Origin)
				}
			}
			var units []string
			for _, u := range img.Units {
				text := u.Name + " wanted by " + strings.Join(u.Wanted, " ")
				if u.Enabled {
					text += " enabled by " + u.Recipe
				}
				units = append(units, text)
			}
			if got := strings.Join(units, ", "); got != row.units {
				t.Errorf("units %s\nwant  %s", got, row.units)
			}
		})
	}
}

// scripted is two layers with scripts, alternatives, accounts and a lower file that
// the upper layer changes.
func scripted(t *testing.T, change func(low, up *debtest.Spec)) *bench {
	b := newBench(t, &recipe.Recipe{Layers: []recipe.Layer{{Name: "low", Packages: wants("low", "other")}, {Name: "up", Packages: wants("up")}}})
	low := debtest.Spec{Name: "low", Time: 10, Entries: []debtest.Entry{{Path: "usr/bin/low", Mode: 0o755, Content: "l"}, {Path: "srv/conf", Content: "c"}, addUser()},
		Scripts: postinst("update-alternatives --quiet --install /usr/bin/x x /usr/bin/low 10; adduser --system --quiet lowuser; echo 1 > /srv/low")}
	up := debtest.Spec{Name: "up", Time: 20, Entries: []debtest.Entry{{Path: "usr/bin/up", Mode: 0o755, Content: "u"}},
		Scripts: postinst("update-alternatives --quiet --install /usr/bin/x x /usr/bin/up 20; adduser --system --quiet upuser; echo more >> /srv/conf; for i in 1 2 3; do echo $i > /srv/up$i; done; dpkg-statoverride --update --add upuser root 4755 /usr/bin/up")}
	if change != nil {
		change(&low, &up)
	}
	b.add(low)
	b.add(up)
	b.add(debtest.Spec{Name: "other", Time: 12, Entries: []debtest.Entry{{Path: "usr/other", Content: "o"}}, Scripts: postinst("test -e /usr/bin/low && ln -s low /usr/bin/other")})
	return b
}

func TestScriptedImagesAreReproducible(t *testing.T) {
	b := scripted(t, nil)
	img := b.whole()
	digest, layers := img.Tree.Digest(), layerDigests(t, img)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for run := range 50 {
		runtime.GOMAXPROCS(1 + run%2)
		again := b
		if run%10 == 9 { // a cold store
			again = scripted(t, nil)
		}
		for i := range again.in.Packages {
			j := (i*7 + run) % (i + 1)
			again.in.Packages[i], again.in.Packages[j] = again.in.Packages[j], again.in.Packages[i]
		}
		img := again.assemble()
		if got := img.Tree.Digest(); got != digest {
			t.Fatalf("run %d: tree digest %s, want %s", run, got, digest)
		}
		if diff := cmp.Diff(layers, layerDigests(t, img)); diff != "" {
			t.Fatalf("run %d: %s", run, diff)
		}
	}
}

// A layer's bytes do not depend on the packages of layers above it.
func TestLayersWithScriptsStandAlone(t *testing.T) {
	before := layerDigests(t, scripted(t, nil).assemble())
	for _, row := range []struct {
		summary string
		change  func(low, up *debtest.Spec)
		add     []debtest.Spec
		same    []string // layers
	}{
		{"script of the upper layer", func(_, up *debtest.Spec) { up.Scripts = postinst("rm /srv/conf") }, nil, []string{"low"}},
		{"files of the upper layer", func(_, up *debtest.Spec) {
			up.Entries = append(up.Entries, debtest.Entry{Path: "srv/zz", Content: "z"})
		}, nil, []string{"low"}},
		{"dpkg comes to the upper layer", nil, []debtest.Spec{{Name: "dpkg", Time: 5, Entries: []debtest.Entry{{Path: "usr/bin/dpkg"}}}}, []string{"low"}},
		{"debconf comes to the upper layer", nil, []debtest.Spec{{Name: "debconf", Time: 5, Entries: []debtest.Entry{{Path: "usr/share/debconf/frontend"}}}}, []string{"low"}},
		{"a file of the lower layer that no script above looks at", func(low, _ *debtest.Spec) {
			low.Entries = append(low.Entries, debtest.Entry{Path: "usr/zz", Content: "z"})
		}, nil, []string{"up"}},
	} {
		t.Run(row.summary, func(t *testing.T) {
			b := scripted(t, row.change)
			for _, s := range row.add {
				b.add(s, "up")
			}
			after := layerDigests(t, b.assemble())
			for _, name := range []string{"low", "up"} {
				if want := slices.Contains(row.same, name); want != (before[name] == after[name]) {
					t.Errorf("layer %s: same %v, want %v", name, !want, want)
				}
			}
		})
	}
}

// What dpkg keeps is there only where dpkg is.
func TestDatabaseOfScripts(t *testing.T) {
	dpkg := debtest.Spec{Name: "dpkg", Time: 5, Entries: []debtest.Entry{{Path: "usr/bin/dpkg", Mode: 0o755}}}
	kept := []string{"alternatives/x", "statoverride", "info/low.postinst", "info/up.postinst"}
	for _, row := range []struct {
		summary string
		dpkg    string // whose layer it comes to
		lower   string // what of kept is in the lower layer
		last    string // and in the layer dpkg
	}{
		{"no dpkg", "", "", ""},
		{"dpkg below", "low", "alternatives/x info/low.postinst", ""},
		{"dpkg above", "up", "", "info/low.postinst"},
	} {
		t.Run(row.summary, func(t *testing.T) {
			b := scripted(t, nil)
			if row.dpkg != "" {
				b.add(dpkg, row.dpkg)
			}
			img := b.whole()
			for _, path := range kept {
				if _, ok := img.Tree.Lookup("var/lib/dpkg/" + path); ok != (row.dpkg != "") {
					t.Errorf("%s is in the image: %v", path, ok)
				}
			}
			for layer, want := range map[int]string{0: row.lower, 2: row.last} {
				var got []string
				for _, path := range kept {
					if holding(img, layer, "var/lib/dpkg/"+path) != "" {
						got = append(got, path)
					}
				}
				slices.Sort(got)
				if strings.Join(got, " ") != want {
					t.Errorf("layer %d holds %q, want %q", layer, got, want)
				}
			}
			if got := strings.Count(content(t, img, "var/lib/dpkg/status"), "Package: "); got != len(b.in.Packages) {
				t.Errorf("the merged status has %d packages", got)
			}
		})
	}
}

// Two platforms, and a foreign architecture beside the native one.
func TestArchitecturesOfScripts(t *testing.T) {
	for _, row := range []struct{ platform, arch string }{{"amd64", "amd64"}, {"arm64", "arm64"}} {
		b := newBench(t, oneLayer("pkg"))
		b.in.Platform.Architecture = row.platform
		b.add(debtest.Spec{Architecture: row.arch, Entries: []debtest.Entry{{Path: "srv/"}}, Scripts: postinst("dpkg --print-architecture > /srv/arch; echo $DPKG_MAINTSCRIPT_ARCH >> /srv/arch")})
		if got := content(t, b.whole(), "srv/arch"); got != row.arch+"\n"+row.arch+"\n" {
			t.Errorf("%s: %q", row.platform, got)
		}
	}
	b := newBench(t, oneLayer("lib", "lib:i386"))
	for _, arch := range []string{"amd64", "i386"} {
		b.add(debtest.Spec{Name: "lib", Architecture: arch, Fields: []string{"Multi-Arch: same"}, Entries: []debtest.Entry{{Path: "srv/common", Content: "c"}, {Path: "srv/" + arch, Content: arch}},
			Scripts: postinst("echo $DPKG_MAINTSCRIPT_ARCH > /srv/script-$DPKG_MAINTSCRIPT_ARCH; echo $DPKG_MAINTSCRIPT_PACKAGE >> /srv/common")})
	}
	img := b.whole()
	for path, want := range map[string]string{"srv/script-amd64": "amd64\n", "srv/script-i386": "i386\n", "srv/common": "clib\nlib\n", "var/lib/dpkg/arch": "amd64\ni386\n"} {
		if got := content(t, img, path); got != want {
			t.Errorf("%s is %q, want %q", path, got, want)
		}
	}
}
