package dpkgtool_test

import (
	"strings"
	"testing"

	"kiln/internal/maint/dpkgtool"
	"kiln/internal/maint/toolbox/toolboxtest"
)

func TestAlternatives(t *testing.T) {
	s := toolboxtest.New(t, map[string]string{
		"/usr/bin/mawk": "m", "/usr/bin/gawk": "g", "/usr/share/man/mawk.1": "m", "/etc/alternatives/": "", "/var/lib/dpkg/alternatives/": "",
	})
	s.OK("update-alternatives --install /usr/bin/awk awk /usr/bin/mawk 5 --slave /usr/share/man/awk.1 awk.1 /usr/share/man/mawk.1 --slave /usr/bin/nawk nawk /usr/bin/mawk")
	s.Is("/var/lib/dpkg/alternatives/awk", "auto\n/usr/bin/awk\nawk.1\n/usr/share/man/awk.1\nnawk\n/usr/bin/nawk\n\n/usr/bin/mawk\n5\n/usr/share/man/mawk.1\n/usr/bin/mawk\n\n")
	s.Links(map[string]string{
		"/usr/bin/awk": "/etc/alternatives/awk", "/etc/alternatives/awk": "/usr/bin/mawk", "/etc/alternatives/awk.1": "/usr/share/man/mawk.1", "/usr/bin/nawk": "/etc/alternatives/nawk",
	})
	s.OK("update-alternatives --quiet --install /usr/bin/awk awk /usr/bin/gawk 10 --slave /usr/bin/nawk nawk /usr/bin/gawk")
	s.Links(map[string]string{"/etc/alternatives/awk": "/usr/bin/gawk", "/etc/alternatives/nawk": "/usr/bin/gawk", "/etc/alternatives/awk.1": "", "/usr/share/man/awk.1": ""})
	s.OK("update-alternatives --set awk /usr/bin/mawk")
	if !strings.HasPrefix(s.File("/var/lib/dpkg/alternatives/awk"), "manual\n") {
		t.Error("--set does not make it manual")
	}
	s.OK("update-alternatives --remove awk /usr/bin/mawk")
	s.Links(map[string]string{"/etc/alternatives/awk": "/usr/bin/gawk"})
	s.OK("update-alternatives --remove-all awk")
	s.Links(map[string]string{"/etc/alternatives/awk": "", "/usr/bin/awk": "", "/usr/bin/nawk": ""})
	s.Fails("update-alternatives --list awk", 2)
	s.Fails("update-alternatives --install /usr/bin/x x /usr/bin/missing 5", 2)
	s.Refuses("update-alternatives --config awk", "nobody")
	s.Refuses("update-alternatives --instal /a b /c 1", "--instal")
}

// An image without dpkg has neither of dpkg's folders for them, and one without
// manual pages has none for the links to these.
func TestAlternativesWithoutDpkg(t *testing.T) {
	s := toolboxtest.New(t, map[string]string{"/usr/bin/mawk": "m", "/usr/lib/mawk/mawk.1": "m"})
	s.OK("update-alternatives --install /usr/bin/awk awk /usr/bin/mawk 5 --slave /usr/share/man/man1/awk.1 awk.1 /usr/lib/mawk/mawk.1")
	s.Links(map[string]string{
		"/usr/bin/awk": "/etc/alternatives/awk", "/etc/alternatives/awk": "/usr/bin/mawk",
		"/usr/share/man/man1/awk.1": "/etc/alternatives/awk.1", "/etc/alternatives/awk.1": "/usr/lib/mawk/mawk.1",
	})
	s.Is("/var/lib/dpkg/alternatives/awk", "auto\n/usr/bin/awk\nawk.1\n/usr/share/man/man1/awk.1\n\n/usr/bin/mawk\n5\n/usr/lib/mawk/mawk.1\n\n")
}

func TestAlternativeKeepsForeignFile(t *testing.T) {
	s := toolboxtest.New(t, map[string]string{"/usr/bin/vi": "a real file", "/usr/bin/nvi": "n", "/etc/alternatives/": "", "/var/lib/dpkg/alternatives/": ""})
	out := s.OK("update-alternatives --install /usr/bin/vi vi /usr/bin/nvi 5")
	s.Is("/usr/bin/vi", "a real file")
	if !strings.Contains(out, "not replacing /usr/bin/vi with a link") {
		t.Errorf("it says %q", out)
	}
}

func TestDivert(t *testing.T) {
	s := toolboxtest.New(t, map[string]string{"/bin/sh": "dash", "/var/lib/dpkg/": "", "/usr/bin/own": "own"})
	s.Machine.Packages = toolboxtest.Packages{"app": {Name: "app", Files: []string{"/usr/bin/own"}}}
	s.OK("dpkg-divert --add --rename --divert /bin/sh.real /bin/sh")
	s.Is("/bin/sh.real", "dash")
	s.OK("dpkg-divert --rename --add /usr/bin/own")
	s.Is("/usr/bin/own", "own") // the file of the package that diverts stays
	for line, want := range map[string]string{
		"dpkg-divert --truename /bin/sh": "/bin/sh.real\n", "dpkg-divert --truename /bin/ls": "/bin/ls\n", "dpkg-divert --listpackage /bin/sh": "app\n",
		"dpkg-divert --list /bin/*": "diversion of /bin/sh to /bin/sh.real by app\n", "dpkg-divert --add --rename --divert /bin/sh.real /bin/sh": "Leaving 'diversion of /bin/sh to /bin/sh.real by app'\n",
		"dpkg-divert --no-rename --remove /bin/none": "No diversion 'diversion of /bin/none by app', none removed.\n",
	} {
		if got := s.OK(line); got != want {
			t.Errorf("%s: %q, want %q", line, got, want)
		}
	}
	s.Fails("dpkg-divert --package other --no-rename --add /bin/sh", 2)
	s.Fails("dpkg-divert --package other --no-rename --remove /bin/sh", 2)
	s.OK("dpkg-divert --rename --remove /bin/sh")
	s.Is("/bin/sh", "dash")
	s.Refuses("dpkg-divert --root=/x --list", "other roots")
	s.Refuses("dpkg-divert --frob /x", "--frob")
}

// The order is that of dpkg's hash table, as real trees have it.
func TestDiversionsOrder(t *testing.T) {
	text := ""
	for _, f := range []string{"/lib64/ld-linux-x86-64.so.2", "/libx32", "/lib32", "/libo32"} {
		text += f + "\n" + f + ".x\npkg\n"
	}
	all, err := dpkgtool.ParseDiversions([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if got := string(dpkgtool.PrintDiversions([]dpkgtool.Diversion{all[3], all[1], all[0], all[2]})); got != text {
		t.Errorf("got\n%s", got)
	}
	if _, err := dpkgtool.ParseDiversions([]byte("one\ntwo\n")); err == nil {
		t.Error("two lines are no diversion")
	}
}

func TestStatOverride(t *testing.T) {
	s := toolboxtest.New(t, map[string]string{"/etc/passwd": "root:x:0:0::/:/bin/sh\nweb:x:33:33::/:/bin/sh\n", "/etc/group": "root:x:0:\nadm:x:4:\n", "/var/lib/dpkg/": "", "/var/log/web/": ""})
	s.OK("dpkg-statoverride --update --add web #4 2750 /var/log/web/")
	s.Is("/var/lib/dpkg/statoverride", "web adm 2750 /var/log/web\n")
	if i, err := s.FS.Stat("/var/log/web"); err != nil || i.Perm() != 0o2750 || i.UID != 33 || i.GID != 4 {
		t.Errorf("the folder is %v", i.Entry)
	}
	if got := s.OK("dpkg-statoverride --list /var/*"); got != "web adm 2750 /var/log/web\n" {
		t.Errorf("the list is %q", got)
	}
	s.Fails("dpkg-statoverride --list /none", 1)
	s.Fails("dpkg-statoverride --add web adm 2750 /var/log/web", 2)
	s.Fails("dpkg-statoverride --add messagebus adm 2750 /x", 2)
	s.OK("dpkg-statoverride --quiet --remove /var/log/web")
	s.Is("/var/lib/dpkg/statoverride", "")
	s.OK("dpkg-statoverride --update --add man staff 2755 /var/log/web") // dpkg could not read the names: they are not the tree's
	s.Is("/var/lib/dpkg/statoverride", "#6 #50 2755 /var/log/web\n")
}

func TestMaintscriptHelper(t *testing.T) {
	s := toolboxtest.New(t, nil)
	for _, words := range [][]string{
		{"supports", "rm_conffile"}, {"rm_conffile", "/etc/old", "1.0~", "--", "configure", ""}, {"rm_conffile", "/etc/old", "--", "install"},
		{"mv_conffile", "/etc/a", "/etc/b", "2", "pkg", "--", "configure"}, {"dir_to_symlink", "/usr/x", "y", "3", "--", "configure", ""},
		{"symlink_to_dir", "/usr/x", "y", "3", "--", "configure", "4"},
	} {
		if status, out, err := s.CallWords(append([]string{"dpkg-maintscript-helper"}, words...)...); status != 0 || err != nil {
			t.Errorf("%v: %d %v %s", words, status, err, out)
		}
	}
	s.OK("dpkg-maintscript-helper symlink_to_dir /old /new 2.0 app -- triggered /usr/lib/app")
	s.Fails("dpkg-maintscript-helper supports frob", 1)
	s.Fails("dpkg-maintscript-helper rm_conffile /etc/old 1.0", 1)
	s.Refuses("dpkg-maintscript-helper rm_conffile /etc/old 2.0 -- configure 1.0", "upgrade")
	s.Refuses("dpkg-maintscript-helper frob /x -- configure", "frob")
}

func TestTrigger(t *testing.T) {
	s := toolboxtest.New(t, nil)
	for _, line := range []string{"dpkg-trigger --no-await ldconfig", "dpkg-trigger --by-package=x ca", "dpkg-trigger ldconfig", "dpkg-trigger --check-supported", "dpkg-trigger --no-act zzz"} {
		s.OK(line)
	}
	if got := strings.Join(s.Machine.Triggers, " "); got != "ldconfig ca" {
		t.Errorf("triggers are %q", got)
	}
	s.Fails("dpkg-trigger", 2)
	s.Refuses("dpkg-trigger --awake x", "--awake")
}

func TestCompareVersions(t *testing.T) {
	s := toolboxtest.New(t, nil)
	for _, row := range []struct {
		a, op, b string
		want     int
	}{
		{"1", "lt", "2", 0}, {"2", "lt", "1", 1}, {"1", "<=", "1", 0}, {"1:0", ">>", "9", 0}, {"1", "eq", "1-0", 0}, {"1", "ne", "2", 0}, {"1~", "<<", "1", 0},
		{"", "lt", "1", 0}, {"", "lt-nl", "1", 1}, {"1", "ge-nl", "", 1}, {"", "eq", "", 0}, {"", "gt-nl", "1", 0}, {"1", "gt", "", 0}, {"1", "like", "1", 2}, {"1", "eq-nl", "1", 2},
	} {
		if got, _, err := s.CallWords("dpkg", "--compare-versions", row.a, row.op, row.b); got != row.want || err != nil {
			t.Errorf("%q %s %q: %d, %v, want %d", row.a, row.op, row.b, got, err, row.want)
		}
	}
	s.Fails("dpkg --validate-pkgname a_b", 0)
	s.Fails("dpkg --validate-pkgname -x", 1)
	s.Fails("dpkg --validate-version 1:2-3", 0)
	s.OK("dpkg --assert-multi-arch")
	s.Refuses("dpkg --assert-flying", "flying")
	s.Refuses("dpkg -i x.deb", "-i")
}

func TestQuery(t *testing.T) {
	s := toolboxtest.New(t, map[string]string{"/var/lib/dpkg/info/libc6:amd64.templates": "t", "/var/lib/dpkg/info/libc6:amd64.list": "l"})
	s.Machine.Packages = toolboxtest.Packages{
		"libc6": {Name: "libc6", Version: "2.41-12+b1", Architecture: "amd64", MultiArch: "same", State: "installed", Files: []string{"/.", "/lib/libc.so.6"},
			Fields: map[string]string{"Source": "glibc (2.41-12)", "Conffiles": "\n /etc/a 0", "Section": "libs"}},
		"app": {Name: "app", Version: "1", Architecture: "all", State: "unpacked", Files: []string{"/lib/app"}},
	}
	for _, row := range [][]string{
		{"libc6:amd64 2.41-12 install ok installed [ii ] glibc 2.41\n", "dpkg-query", "-W", "-f", `${binary:Package} ${source:Version} ${Status} [${db:Status-Abbrev}] ${source:Package} ${source:Upstream-Version}\n`, "libc6"},
		{"   app|1   |\tall", "dpkg-query", "--showformat=${Package;6}|${Version;-4}|\\t${Architecture}", "--show", "app"},
		{"app\t1\nlibc6:amd64\t2.41-12+b1\n", "dpkg-query", "-W"},
		{"app\t1\nlibc6:amd64\t2.41-12+b1\n", "dpkg-query", "-W", "lib*", "app"},
		{"/.\n/lib/libc.so.6\n", "dpkg", "-L", "libc6:amd64"},
		{"libc6:amd64: /lib/libc.so.6\n", "dpkg", "-S", "libc.so"},
		{"/var/lib/dpkg/info/libc6:amd64.templates\n", "dpkg-query", "--control-path", "libc6", "templates"},
		{"templates\n", "dpkg-query", "--control-list", "libc6"},
		{" /etc/a 0", "dpkg-query", "-f=${Conffiles}", "-W", "libc6"},
		{"Package: libc6\nStatus: install ok installed\nSection: libs\nArchitecture: amd64\nMulti-Arch: same\nSource: glibc (2.41-12)\nVersion: 2.41-12+b1\nConffiles:\n /etc/a 0\n", "dpkg", "-s", "libc6"},
		{"amd64\n", "dpkg", "--print-architecture"}, {"", "dpkg", "--print-foreign-architectures"},
	} {
		if status, out, err := s.CallWords(row[1:]...); status != 0 || err != nil || out != row[0] {
			t.Errorf("%q: %d, %v, %q", row[1:], status, err, out)
		}
	}
	for _, line := range []string{"dpkg-query -W none", "dpkg -s none", "dpkg -L none", "dpkg -S /none"} {
		s.Fails(line, 1)
	}
	s.Refuses("dpkg-query --admindir=/x -W", "one database")
}

func FuzzDpkgFiles(f *testing.F) {
	f.Add([]byte("/a\n/a.x\npkg\n"), []byte("root adm 640 /x\n"))
	f.Fuzz(func(t *testing.T, diversions, overrides []byte) {
		if all, err := dpkgtool.ParseDiversions(diversions); err == nil {
			if again, err := dpkgtool.ParseDiversions(dpkgtool.PrintDiversions(all)); err != nil || len(again) != len(all) {
				t.Errorf("%q changes on the way: %v", diversions, err)
			}
		}
		if all, err := dpkgtool.ParseStatOverrides(overrides); err == nil {
			if again, err := dpkgtool.ParseStatOverrides(dpkgtool.PrintStatOverrides(all)); err != nil || len(again) != len(all) {
				t.Errorf("%q changes on the way: %v", overrides, err)
			}
		}
	})
}

func FuzzAlternatives(f *testing.F) {
	f.Add("auto\n/usr/bin/awk\nnawk\n/usr/bin/nawk\n\n/usr/bin/mawk\n5\n/usr/bin/mawk\n\n")
	f.Fuzz(func(t *testing.T, admin string) {
		s := toolboxtest.New(t, map[string]string{"/var/lib/dpkg/alternatives/awk": admin, "/etc/alternatives/": "", "/usr/bin/x": ""})
		if status, _, err := s.Call("update-alternatives --install /usr/bin/awk awk /usr/bin/x 1"); status != 0 || err != nil {
			return
		}
		if _, _, err := s.Call("update-alternatives --query awk"); err != nil && !strings.Contains(admin, "\r") {
			t.Errorf("what was written cannot be read back: %v\n%q", err, s.File("/var/lib/dpkg/alternatives/awk"))
		}
	})
}
