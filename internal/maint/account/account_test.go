package account_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kiln/internal/maint/account"
)

func TestRoundTrip(t *testing.T) {
	passwd := "root:x:0:0:root:/root:/bin/bash\nnobody:*:65534:65534:n,o,b:/nonexistent:/usr/sbin/nologin\n"
	group := "root:x:0:\naudio:*:29:one,two\n"
	shadow := "root:*:20000:0:99999:7:::\nd:!*:20000:::::1:\n"
	gshadow := "root:*::\naudio:!:admin:one,two\n"
	users, err := account.ParseUsers([]byte(passwd))
	check(t, passwd, account.Print(users), err)
	groups, err := account.ParseGroups([]byte(group))
	check(t, group, account.Print(groups), err)
	shadows, err := account.ParseShadows([]byte(shadow))
	check(t, shadow, account.Print(shadows), err)
	gshadows, err := account.ParseGShadows([]byte(gshadow))
	check(t, gshadow, account.Print(gshadows), err)
}

func check(t *testing.T, want string, got []byte, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Error(diff)
	}
}

func TestBadLines(t *testing.T) {
	for _, line := range []string{"a:b:c", "a:x:-1:0:::", "a:x:4294967295:0:::", ":x:0:0:::", "a:x:0:0::::", "+::::::", "a:x:0x1:0:::"} {
		if users, err := account.ParseUsers([]byte(line + "\n")); err == nil {
			t.Errorf("%q is read as %v", line, users)
		}
	}
}

func TestCheckName(t *testing.T) {
	for name, good := range map[string]bool{
		"_apt": true, "Debian-exim": true, "systemd-network": true, "a.b": true, "mail$": true, "42": true,
		"": false, "-x": false, "+x": false, "~x": false, "a:b": false, "a b": false, "a/b": false, "a,b": false, "a\nb": false, strings.Repeat("a", 33): false,
	} {
		if err := account.CheckName(name); (err == nil) != good {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestAllocate(t *testing.T) {
	system, people := account.Range{Min: 101, Max: 110}, account.Range{Min: 1000, Max: 1005}
	for _, row := range []struct {
		name string
		get  func() (int, error)
		want int // 0: none is free
	}{
		{"lowest", func() (int, error) { return account.Lowest(system, []int{101, 103}) }, 102},
		{"lowest of pairs", func() (int, error) { return account.Lowest(system, []int{101}, []int{102}) }, 103},
		{"highest", func() (int, error) { return account.Highest(system, []int{110}) }, 109},
		{"system, none used", func() (int, error) { return account.System(system, []int{100, 999}) }, 110},
		{"system, below the lowest", func() (int, error) { return account.System(system, []int{105, 109}) }, 104},
		{"system, a run", func() (int, error) { return account.System(system, []int{108, 109, 110}) }, 107},
		{"system, the range's end is used", func() (int, error) { return account.System(system, []int{101, 110}) }, 109},
		{"people, none used", func() (int, error) { return account.Ordinary(people, []int{100}) }, 1000},
		{"people, above the highest", func() (int, error) { return account.Ordinary(people, []int{1000, 1003}) }, 1004},
		{"people, the range's end is used", func() (int, error) { return account.Ordinary(people, []int{1000, 1005}) }, 1001},
		{"full", func() (int, error) { return account.Lowest(account.Range{Min: 1, Max: 2}, []int{1, 2}) }, 0},
		{"65535 is no id", func() (int, error) { return account.Lowest(account.Range{Min: 65535, Max: 65536}) }, 65536},
	} {
		got, err := row.get()
		if got != row.want || (err == nil) != (row.want != 0) {
			t.Errorf("%s: %d, %v, want %d", row.name, got, err, row.want)
		}
	}
}

func TestLoginDefs(t *testing.T) {
	d := account.ParseLoginDefs([]byte("# UID_MIN 5\nUID_MIN\t 2000\nHOME_MODE 0700\nPASS_MAX_DAYS 99999\nUSERGROUPS_ENAB yes\n"))
	if d.UIDs != (account.Range{Min: 2000, Max: 60000}) || d.SysUIDs != (account.Range{Min: 101, Max: 1999}) || d.HomeMode != 0o700 || d.PassMax != "99999" || !d.UserGroups {
		t.Errorf("%+v", d)
	}
	d.Set("SYS_UID_MAX", "500")
	if d.SysUIDs.Max != 500 {
		t.Errorf("%+v", d.SysUIDs)
	}
}

func TestAdduserConf(t *testing.T) {
	if c := account.ParseAdduserConf(nil); c.SysUIDs != (account.Range{Min: 100, Max: 999}) || c.UIDs.Max != 59999 || c.Shell != "/bin/bash" || !c.UserGroups {
		t.Errorf("defaults are %+v", c)
	}
	c := account.ParseAdduserConf([]byte("#DSHELL=/bin/no\nDSHELL=/bin/sh\nFIRST_SYSTEM_UID=\"200\"\nDIR_MODE=0750\nUSERGROUPS=no\nUSERS_GROUP=staff\n"))
	if c.Shell != "/bin/sh" || c.SysUIDs.Min != 200 || c.HomeMode != 0o750 || c.UserGroups || c.UsersGroup != "staff" {
		t.Errorf("%+v", c)
	}
}

func TestFiles(t *testing.T) {
	f := &account.Files{Groups: []account.Group{{Name: "audio", GID: 29}}}
	f.AddUser(account.User{Name: "one", UID: 1}, account.Shadow{Password: "!"})
	if f.Users[0].Password != "!" || f.Shadows != nil {
		t.Errorf("without shadow: %v %v", f.Users, f.Shadows)
	}
	f.Shadows, f.GShadows = []account.Shadow{}, []account.GShadow{}
	f.AddUser(account.User{Name: "two", UID: 2}, account.Shadow{Password: "!"})
	f.AddGroup(account.Group{Name: "two", GID: 2}, "!")
	if f.Users[1].Password != "x" || f.Shadows[0].String() != "two:!:::::::" || f.GShadows[0].String() != "two:!::" {
		t.Errorf("with shadow: %v %v %v", f.Users, f.Shadows, f.GShadows)
	}
	if !f.AddMember("audio", "two") || f.AddMember("audio", "two") || f.AddMember("none", "two") {
		t.Error("members are not added once")
	}
	f.RemoveUser("two")
	if len(f.Users) != 1 || len(f.Shadows) != 0 || len(f.Groups[0].Members) != 0 {
		t.Errorf("after removing: %+v", f)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("root:x:0:0:root:/root:/bin/bash\n"))
	f.Add([]byte("audio:*:29:one,two\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if users, err := account.ParseUsers(text); err == nil {
			again, err := account.ParseUsers(account.Print(users))
			if err != nil || cmp.Diff(users, again) != "" {
				t.Errorf("%q changes on the way: %v", text, err)
			}
		}
		if groups, err := account.ParseGroups(text); err == nil {
			again, err := account.ParseGroups(account.Print(groups))
			if err != nil || cmp.Diff(groups, again) != "" {
				t.Errorf("%q changes on the way: %v", text, err)
			}
		}
	})
}
