package rootfs_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kiln"
	"kiln/internal/deb/debtest"
	"kiln/internal/recipe"
)

func TestAccounts(t *testing.T) {
	r := oneLayer()
	r.Users = []recipe.User{
		{Name: "web", UID: 200, Group: "www", Gecos: "Web", Home: "/srv", Shell: "/bin/sh", Why: "test"},
		{Name: "app", UID: 100, Why: "test"},
	}
	r.Groups = []recipe.Group{{Name: "www", GID: 33, Members: []string{"app", "web"}, Why: "test"}}
	r.Container.User = "web"
	img := newBench(t, r).assemble()
	wantPasswd := "root:x:0:0:root:/root:/usr/sbin/nologin\napp:x:100:100::/nonexistent:/usr/sbin/nologin\n" +
		"web:x:200:33:Web:/srv:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n"
	if diff := cmp.Diff(wantPasswd, content(t, img, "etc/passwd")); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff("root:x:0:\nwww:x:33:app,web\napp:x:100:\nnogroup:x:65534:\n", content(t, img, "etc/group")); diff != "" {
		t.Error(diff)
	}
	if img.User != "200:33" {
		t.Errorf("user %q", img.User)
	}
}

func TestRootCanBeRedefined(t *testing.T) {
	r := oneLayer()
	r.Users = []recipe.User{{Name: "root", Shell: "/bin/sh", Home: "/", Why: "test"}}
	img := newBench(t, r).assemble()
	if got := content(t, img, "etc/passwd"); !strings.HasPrefix(got, "root:x:0:0::/:/bin/sh\nnobody:") {
		t.Errorf("passwd %q", got)
	}
}

func TestContainerUser(t *testing.T) {
	for _, row := range []struct{ user, want string }{
		{"", ""}, {"root", "0:0"}, {"nobody", "65534:65534"}, {"app", "100:7"}, {"100", "100:7"}, {"12345", "12345:0"},
		{"app:nogroup", "100:65534"}, {"app:3", "100:3"}, {"0:www", "0:7"},
	} {
		r := oneLayer()
		r.Users = []recipe.User{{Name: "app", UID: 100, Group: "www", Why: "test"}}
		r.Groups = []recipe.Group{{Name: "www", GID: 7, Why: "test"}}
		r.Container.User = row.user
		if got := newBench(t, r).assemble().User; got != row.want {
			t.Errorf("user %q is %q, want %q", row.user, got, row.want)
		}
	}
}

func TestAccountErrors(t *testing.T) {
	for _, row := range []struct {
		summary string
		users   []recipe.User
		groups  []recipe.Group
		user    string
		want    string
	}{
		{"uid twice", []recipe.User{{Name: "a", UID: 5}, {Name: "b", UID: 5}}, nil, "", `users[1]: the number 5 of the user "b" is taken: users[0]`},
		{"uid of nobody", []recipe.User{{Name: "a", UID: 65534, Group: "root"}}, nil, "", `the number 65534 of the user`},
		{"uid of root", []recipe.User{{Name: "a", Group: "root"}}, nil, "", `the number 0 of the user`},
		{"name twice", []recipe.User{{Name: "a", UID: 5}, {Name: "a", UID: 6, Group: "root"}}, nil, "", `there is a user "a" already`},
		{"gid twice", nil, []recipe.Group{{Name: "a", GID: 5}, {Name: "b", GID: 5}}, "", `groups[1]: the number 5 of the group "b" is taken: groups[0]`},
		{"group twice", nil, []recipe.Group{{Name: "a", GID: 5}, {Name: "a", GID: 6}}, "", `there is a group "a" already`},
		{"own group has another gid", []recipe.User{{Name: "a", UID: 5}}, []recipe.Group{{Name: "a", GID: 6}}, "", `has the gid 6 (groups[0]), not 5`},
		{"own group's gid is taken", []recipe.User{{Name: "a", UID: 5}}, []recipe.Group{{Name: "b", GID: 5}}, "", `the number 5 of the group`},
		{"no such group", []recipe.User{{Name: "a", UID: 5, Group: "b"}}, nil, "", `primary group "b", which there is not`},
		{"no such member", nil, []recipe.Group{{Name: "a", GID: 5, Members: []string{"b"}}}, "", `member "b", who is no user`},
		{"bad name", []recipe.User{{Name: "a b", UID: 5}}, nil, "", `"a b" is no name for a user`},
		{"bad number", []recipe.User{{Name: "a", UID: -5}}, nil, "", "number -5"},
		{"colon", []recipe.User{{Name: "a", UID: 5, Gecos: "x:y"}}, nil, "", `"x:y" holds a colon`},
		{"line break", []recipe.User{{Name: "a", UID: 5, Home: "/x\nroot::0:0"}}, nil, "", "holds a colon or a line break"},
		{"relative home", []recipe.User{{Name: "a", UID: 5, Home: "x"}}, nil, "", "must start with a slash"},
		{"container.user", nil, nil, "app", `cannot resolve container.user: there is no user "app" in the image: want a number or one of root, nobody`},
		{"container.user's group", nil, nil, "root:app", `there is no group "app"`},
	} {
		t.Run(row.summary, func(t *testing.T) {
			r := oneLayer()
			r.Users, r.Groups, r.Container.User = row.users, row.groups, row.user
			newBench(t, r).fails(kiln.User, row.want)
		})
	}
}

func TestPackageThatShipsPasswd(t *testing.T) {
	b := newBench(t, oneLayer("pkg"))
	b.add(debtest.Spec{Entries: []debtest.Entry{{Path: "etc/passwd", Content: "x"}}})
	b.fails(kiln.User, `the rule "accounts" cannot make "/etc/passwd"`, `- pkg: {why: ..., drop: ["/etc/passwd"]}`)

	b = newBench(t, oneLayer("pkg"))
	b.add(debtest.Spec{Entries: []debtest.Entry{{Path: "var/lib/dpkg/status", Content: "x"}}})
	b.fails(kiln.User, `the rule "dpkg-database" cannot make "/var/lib/dpkg/status"`)
}
