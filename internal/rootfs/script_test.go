package rootfs_test

import (
	"strings"
	"testing"

	"kiln/internal/deb/debtest"
	"kiln/internal/recipe"
)

func postinst(text string) []debtest.Script {
	return []debtest.Script{{Name: "postinst", Content: "#!/bin/sh\nset -e\n" + text + "\n"}}
}

func preinst(text string) []debtest.Script {
	return []debtest.Script{{Name: "preinst", Content: "#!/bin/sh\nset -e\n" + text + "\n"}}
}

// What a postinst does to the files of its own package.
func TestScriptsOverOwnFiles(t *testing.T) {
	entries := []debtest.Entry{
		{Path: "srv/a", Content: "a"}, {Path: "srv/b", Type: 'h', Link: "srv/a"}, {Path: "srv/c", Content: "c"},
		{Path: "srv/cap", Content: "p", Xattrs: map[string]string{"security.capability": "\x01\x00\x00\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"}},
		{Path: "srv/d/x", Content: "x"}, {Path: "srv/d/sub/", Mode: 0o700}, {Path: "srv/e/"}, {Path: "srv/l", Link: "d"},
	}
	for _, row := range []struct {
		summary, script string
		want            map[string]string // path -> entry; empty: gone
		member          map[string]string // path -> member
	}{
		{"nothing", "true", map[string]string{"srv/a": "f 0644"}, map[string]string{"srv/a": "pkg_1.0_all", "srv/b": "pkg_1.0_all"}},
		{"a file", "echo hi > /srv/new", map[string]string{"srv/new": "f 0644 @1735689600 3B"}, map[string]string{"srv/new": "kiln", "srv/a": "pkg_1.0_all"}},
		{"a folder", "mkdir -m 2750 /srv/new; chown 5:6 /srv/new", map[string]string{"srv/new": "d 2750 5:6"}, map[string]string{"srv/new": "kiln"}},
		{"a link", "ln -s a /srv/new", map[string]string{"srv/new": "l 0777 @1735689600 -> a"}, map[string]string{"srv/new": "kiln"}},
		{"hard link to a shipped file", "ln /srv/c /srv/new", map[string]string{"srv/new": "= /srv/c"}, map[string]string{"srv/new": "kiln", "srv/c": "kiln", "srv/a": "pkg_1.0_all"}},
		{"hard link to a file of two names", "ln /srv/a /srv/0", map[string]string{"srv/a": "= /srv/0", "srv/b": "= /srv/0"}, map[string]string{"srv/0": "kiln", "srv/a": "kiln", "srv/b": "kiln"}},
		{"hard links of its own", "echo 1 > /srv/n1; ln /srv/n1 /srv/n2", map[string]string{"srv/n2": "= /srv/n1"}, map[string]string{"srv/n1": "kiln", "srv/n2": "kiln"}},
		{"shipped files become one", "cp -p /srv/c /srv/new; ln -f /srv/a /srv/c", map[string]string{"srv/c": "= /srv/a"}, nil},
		{"names of one file are parted", "cp -p /srv/b /srv/t; mv /srv/t /srv/b", map[string]string{"srv/b": "f 0644 @1735689600 1B"}, map[string]string{"srv/b": "pkg_1.0_all"}},
		{"content", "echo more >> /srv/c", map[string]string{"srv/c": "6B"}, map[string]string{"srv/c": "kiln"}},
		{"content of a hard link", "echo more >> /srv/b", map[string]string{"srv/a": "6B", "srv/b": "= /srv/a"}, map[string]string{"srv/a": "kiln", "srv/b": "kiln"}},
		{"mode", "chmod 4711 /srv/c", map[string]string{"srv/c": "f 4711"}, map[string]string{"srv/c": "kiln"}},
		{"owner", "chown 7:8 /srv/c", map[string]string{"srv/c": "7:8"}, map[string]string{"srv/c": "kiln"}},
		{"owner of a link", "chown -h 7:8 /srv/l", map[string]string{"srv/l": "7:8"}, map[string]string{"srv/l": "kiln"}},
		{"capability is set", "touch /usr/sbin/setcap; chmod +x /usr/sbin/setcap; setcap cap_net_raw+ep /srv/c", map[string]string{"srv/c": "security.capability"}, map[string]string{"srv/c": "kiln"}},
		{"capability is kept", "true", map[string]string{"srv/cap": "security.capability"}, map[string]string{"srv/cap": "pkg_1.0_all"}},
		{"capability goes with a new owner", "chown 1 /srv/cap", map[string]string{"srv/cap": "f 0644 1:0 @1735689600 1B"}, map[string]string{"srv/cap": "kiln"}},
		{"time", "touch -d @5 /srv/c", map[string]string{"srv/c": "@5"}, map[string]string{"srv/c": "kiln"}},
		{"same again", "chmod 644 /srv/c; chown 0:0 /srv/c", nil, map[string]string{"srv/c": "pkg_1.0_all"}},
		{"removed", "rm /srv/c", map[string]string{"srv/c": ""}, map[string]string{"srv/c": ""}},
		{"first of two names removed", "rm /srv/a", map[string]string{"srv/a": "", "srv/b": "f 0644 @1735689600 1B"}, map[string]string{"srv/b": "pkg_1.0_all"}},
		{"moved", "mv /srv/c /srv/new", map[string]string{"srv/c": "", "srv/new": "1B"}, map[string]string{"srv/new": "kiln"}},
		{"folder moved", "mv /srv/d /srv/new", map[string]string{"srv/d": "", "srv/new/x": "1B", "srv/new/sub": "d 0700"}, map[string]string{"srv/new/x": "kiln", "srv/new/sub": "kiln"}},
		{"folder becomes a link", "mv /srv/d /srv/new; ln -s new /srv/d", map[string]string{"srv/d": "l", "srv/d/x": "", "srv/new/sub": "d 0700"}, map[string]string{"srv/d": "kiln"}},
		{"link becomes a folder", "rm /srv/l; mkdir -m 711 /srv/l; echo 1 > /srv/l/f", map[string]string{"srv/l": "d 0711", "srv/l/f": "2B"}, map[string]string{"srv/l": "kiln", "srv/l/f": "kiln"}},
		{"folder removed", "rmdir /srv/e; rm -r /srv/d", map[string]string{"srv/e": "", "srv/d": "", "srv/d/sub": ""}, nil},
		{"folder's mode", "chmod 1777 /srv/e; chown 3:4 /srv/e", map[string]string{"srv/e": "d 1777 3:4"}, map[string]string{"srv/e": "directories"}},
		{"folder becomes a file", "rmdir /srv/e; echo 1 > /srv/e", map[string]string{"srv/e": "f 0644"}, map[string]string{"srv/e": "kiln"}},
		{"fifo and device", "mkfifo -m 600 /srv/p; mknod -m 666 /srv/null c 1 3", map[string]string{"srv/p": "p 0600", "srv/null": "c 0666"}, map[string]string{"srv/p": "kiln"}},
		{"odd names", "touch '/srv/a b' '/srv/\\n' /srv/\"$(printf 'x\\ny')\" /srv/ä '/srv/*' /srv/-n '/srv/$x'", map[string]string{"srv/a b": "0B", "srv/x\ny": "0B", `srv/\n`: "0B", "srv/ä": "0B", "srv/*": "0B", "srv/-n": "0B", "srv/$x": "0B"}, nil},
		{"below the merged /usr", "mkdir -p /lib/x; echo 1 > /lib/x/f", map[string]string{"usr/lib/x/f": "2B", "lib": "-> usr/lib"}, map[string]string{"usr/lib/x/f": "kiln"}},
		{"stat override", "true", nil, nil},
		{"temporary whiteout", "touch /srv/.wh.a; rm /srv/.wh.a", nil, nil},
		{"diversion of its own file", "dpkg-divert --quiet --package other --rename --add /srv/c", map[string]string{"srv/c": "", "srv/c.distrib": "1B"}, map[string]string{"srv/c.distrib": "kiln"}},
		{"alternative", "update-alternatives --quiet --install /usr/bin/x x /srv/c 10", map[string]string{"usr/bin/x": "-> /etc/alternatives/x", "etc/alternatives/x": "-> /srv/c"}, map[string]string{"etc/alternatives/x": "kiln"}},
	} {
		t.Run(row.summary, func(t *testing.T) {
			b := newBench(t, oneLayer("pkg"))
			b.add(debtest.Spec{Entries: entries, Scripts: postinst(row.script)})
			check(t, b, row.want, row.member)
		})
	}
}

// check compares entries of the image, and the members of its last recipe layer
// that hold them.
func check(t *testing.T, b *bench, want, member map[string]string) {
	t.Helper()
	img := b.whole()
	for path, text := range want {
		e, ok := img.Tree.Lookup(path)
		got := e.String()
		for name := range e.Xattrs {
			got += " " + name
		}
		if ok != (text != "") || !strings.Contains(got, text) {
			t.Errorf("%q is %q, want %q", path, got, text)
		}
	}
	for path, want := range member {
		if got := holding(img, len(b.in.Recipe.Layers)-1, path); got != want {
			t.Errorf("%q is in the member %q, want %q", path, got, want)
		}
	}
}

// overLower is a layer with files and one above it whose script is given.
func overLower(t *testing.T, script []debtest.Script) *bench {
	b := newBench(t, &recipe.Recipe{Layers: []recipe.Layer{{Name: "low", Packages: wants("low")}, {Name: "up", Packages: wants("up")}}})
	b.add(debtest.Spec{Name: "low", Time: 10, Entries: []debtest.Entry{
		{Path: "srv/a", Content: "a"}, {Path: "srv/b", Type: 'h', Link: "srv/a"}, {Path: "srv/c", Content: "c"},
		{Path: "srv/d/x", Content: "x"}, {Path: "srv/d/sub/", Mode: 0o700}, {Path: "srv/e/"}, {Path: "srv/l", Link: "d"},
		{Path: "srv/deep/one/f", Content: "f"}, {Path: "srv/deep/one/g", Content: "g"}, {Path: "srv/h/1", Content: "h"}, {Path: "srv/i/1", Type: 'h', Link: "srv/h/1"},
	}, Scripts: postinst("echo made > /srv/made; ln -s made /srv/madelink; mkdir -m 700 /srv/maded; echo 1 > /srv/maded/f")})
	b.add(debtest.Spec{Name: "up", Time: 20, Entries: []debtest.Entry{{Path: "opt/up", Content: "up"}}, Scripts: script})
	return b
}

// What the script of a layer does to the files of the layer below.
func TestScriptsOverLowerLayers(t *testing.T) {
	for _, row := range []struct {
		summary, script string
		want            map[string]string
		member          map[string]string // of the upper layer
		removed         string
	}{
		{"nothing", "true", map[string]string{"srv/made": "@10 5B"}, map[string]string{"srv/made": "", "srv": ""}, ""},
		{"content", "echo more >> /srv/c", map[string]string{"srv/c": "@20 6B"}, map[string]string{"srv/c": "kiln", "srv": "kiln", "srv/d": ""}, ""},
		{"mode of a folder", "chmod 711 /srv/e", map[string]string{"srv/e": "d 0711"}, map[string]string{"srv/e": "kiln"}, ""},
		{"hard link changes", "echo more >> /srv/b", map[string]string{"srv/a": "6B", "srv/b": "= /srv/a"}, map[string]string{"srv/a": "kiln", "srv/b": "kiln"}, ""},
		{"hard link to it", "ln /srv/c /opt/c", map[string]string{"srv/c": "= /opt/c"}, map[string]string{"srv/c": "kiln", "opt/c": "kiln"}, ""},
		{"one name removed", "rm /srv/a", map[string]string{"srv/a": "", "srv/b": "f 0644 @10 1B"}, map[string]string{"srv/b": ""}, "srv/a"},
		{"names parted", "cp -p /srv/b /srv/t; mv /srv/t /srv/b", map[string]string{"srv/b": "f 0644 @10 1B"}, nil, ""},
		{"removed", "rm /srv/c /srv/made", map[string]string{"srv/c": "", "srv/made": ""}, map[string]string{"srv": "directories"}, "srv/c srv/made"},
		{"folder removed", "rm -r /srv/deep", map[string]string{"srv/deep": "", "srv/deep/one/f": ""}, map[string]string{"srv": "directories", "srv/deep": ""}, "srv/deep"},
		{"folder emptied", "rm /srv/deep/one/*", map[string]string{"srv/deep/one": "d 0755"}, map[string]string{"srv/deep/one": "directories", "srv/deep": "directories"}, "srv/deep/one/f srv/deep/one/g"},
		{"moved", "mv /srv/c /opt/c", map[string]string{"srv/c": "", "opt/c": "1B"}, map[string]string{"opt/c": "kiln"}, "srv/c"},
		{"folder moved", "mv /srv/d /opt/d", map[string]string{"srv/d": "", "opt/d/x": "1B", "opt/d/sub": "d 0700"}, map[string]string{"opt/d/sub": "kiln"}, "srv/d"},
		{"folder with one of two names moved", "mv /srv/i /srv/0", map[string]string{"srv/0/1": "1B", "srv/h/1": "= /srv/0/1"}, map[string]string{"srv/h/1": "kiln"}, "srv/i"},
		{"folder becomes a link", "mv /srv/d /srv/new; ln -s new /srv/d", map[string]string{"srv/d": "-> new", "srv/new/sub": "d 0700"}, map[string]string{"srv/d": "kiln"}, "srv/d"},
		{"link becomes a folder", "rm /srv/l; mkdir -m 711 /srv/l; echo 1 > /srv/l/f", map[string]string{"srv/l": "d 0711", "srv/l/f": "2B"}, nil, "srv/l"},
		{"file becomes a folder", "rm /srv/c; mkdir /srv/c", map[string]string{"srv/c": "d 0755"}, map[string]string{"srv/c": "kiln"}, "srv/c"},
		{"replaced", "rm /srv/c; ln -s x /srv/c", map[string]string{"srv/c": "-> x"}, nil, ""},
		{"diversion", "dpkg-divert --quiet --package up --rename --add /srv/c; echo new > /srv/c", map[string]string{"srv/c": "4B", "srv/c.distrib": "f 0644 @10 1B"}, map[string]string{"srv/c.distrib": "kiln"}, ""},
		{"made and made again alike", "echo made > /tmp-x; cp /tmp-x /srv/made; touch -d @10 /srv/made; rm /tmp-x", nil, map[string]string{"srv/made": ""}, ""},
	} {
		t.Run(row.summary, func(t *testing.T) {
			b := overLower(t, postinst(row.script))
			check(t, b, row.want, row.member)
			if got := strings.Join(b.assemble().Layers[1].Removed, " "); got != row.removed {
				t.Errorf("removed %q, want %q", got, row.removed)
			}
		})
	}
}
