package compare_test

import (
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"kiln/internal/compare"
	"kiln/internal/oci"
	"kiln/internal/tree"
)

// capability is the value of security.capability that permits the numbered ones.
func capability(effective bool, numbers ...int) map[string]string {
	magic, permitted := uint32(0x02000000), uint64(0)
	if effective {
		magic |= 1
	}
	for _, n := range numbers {
		permitted |= 1 << n
	}
	b := binary.LittleEndian.AppendUint32(nil, magic)
	for _, word := range []uint64{permitted, 0, permitted >> 32, 0} {
		b = binary.LittleEndian.AppendUint32(b, uint32(word))
	}
	return map[string]string{"security.capability": string(b)}
}

// side is an image of the entries; files have the content that stands in their Origin.Why.
func side(t *testing.T, entries ...tree.Entry) *compare.Side {
	t.Helper()
	s := &compare.Side{Name: "x", Kind: "image", Tree: tree.New()}
	contents := tree.Bytes{}
	for _, e := range entries {
		var missing []string
		for dir := tree.Parent(e.Path); ; dir = tree.Parent(dir) {
			if _, ok := s.Tree.Lookup(dir); ok {
				break
			}
			missing = append(missing, dir)
		}
		for _, dir := range slices.Backward(missing) {
			if err := s.Tree.Insert(tree.Entry{Path: dir, Type: tree.Dir, Mode: 0o755}); err != nil {
				t.Fatal(err)
			}
		}
		if e.Type == tree.File {
			e.Size, e.Content = int64(len(e.Origin.Why)), contents.Add([]byte(e.Origin.Why))
		}
		if err := s.Tree.Insert(e); err != nil {
			t.Fatal(err)
		}
	}
	s.Contents = contents
	var err error
	if s.Packages, err = s.Installed(); err != nil {
		t.Fatal(err)
	}
	return s
}

func file(path, text string) tree.Entry {
	return tree.Entry{Path: path, Type: tree.File, Mode: 0o644, Origin: tree.Origin{Why: text}}
}

func link(path, to string) tree.Entry {
	return tree.Entry{Path: path, Type: tree.Symlink, Mode: 0o777, Link: to}
}

func with(e tree.Entry, change func(*tree.Entry)) tree.Entry {
	change(&e)
	return e
}

func mode(m uint32) func(*tree.Entry) { return func(e *tree.Entry) { e.Mode = m } }

func compared(t *testing.T, a, b *compare.Side) *compare.Report {
	t.Helper()
	r, err := compare.Sides(a, b)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// passwd and shadow are lines of these files.
func passwd(lines ...string) tree.Entry { return file("etc/passwd", strings.Join(lines, "\n")+"\n") }
func shadow(lines ...string) tree.Entry { return file("etc/shadow", strings.Join(lines, "\n")+"\n") }

const root = "root:x:0:0:root:/root:/bin/bash"

// Each risk is found in the difference that makes it, and in none that does not.
func TestRisks(t *testing.T) {
	tool := file("usr/bin/tool", "program")
	socket := file("usr/lib/systemd/system/x.socket", "[Socket]\nListenStream=22\n")
	wants := func(dir, name string) tree.Entry {
		return link("etc/systemd/system/"+dir+"/"+name, "/usr/lib/systemd/system/"+name)
	}
	user := func(name string) *oci.Config { return &oci.Config{User: name} }
	for _, row := range []struct {
		summary       string
		before, after []tree.Entry
		config        [2]*oci.Config
		want          string // kinds and subjects
	}{
		{summary: "setuid", before: []tree.Entry{tool}, after: []tree.Entry{with(tool, mode(0o4755))}, want: "setuid /usr/bin/tool"},
		{summary: "setgid of a new file", after: []tree.Entry{with(tool, mode(0o2755))}, want: "setuid /usr/bin/tool"},
		{summary: "setuid of another user", before: []tree.Entry{with(tool, func(e *tree.Entry) { e.Mode, e.UID = 0o4755, 5 })}, after: []tree.Entry{with(tool, mode(0o4755))}, want: "setuid /usr/bin/tool"},
		{summary: "setuid as before, with another content", before: []tree.Entry{with(tool, mode(0o4755))}, after: []tree.Entry{with(file("usr/bin/tool", "newer"), mode(0o4755))}},
		{summary: "no more setuid", before: []tree.Entry{with(tool, mode(0o4755))}, after: []tree.Entry{tool}},
		{summary: "setgid of a folder", after: []tree.Entry{{Path: "var/mail", Type: tree.Dir, Mode: 0o2775}}},
		{summary: "a capability", before: []tree.Entry{tool}, after: []tree.Entry{with(tool, func(e *tree.Entry) { e.Xattrs = capability(true, 13) })}, want: "capability /usr/bin/tool"},
		{summary: "a further capability", before: []tree.Entry{with(tool, func(e *tree.Entry) { e.Xattrs = capability(true, 13) })}, after: []tree.Entry{with(tool, func(e *tree.Entry) { e.Xattrs = capability(true, 13, 21) })}, want: "capability /usr/bin/tool"},
		{summary: "one capability less", before: []tree.Entry{with(tool, func(e *tree.Entry) { e.Xattrs = capability(true, 13, 21) })}, after: []tree.Entry{with(tool, func(e *tree.Entry) { e.Xattrs = capability(true, 13) })}},
		{summary: "a second root", before: []tree.Entry{passwd(root)}, after: []tree.Entry{passwd(root, "toor:*:0:0::/root:/usr/sbin/nologin")}, want: "root-account toor"},
		{summary: "an account with a shell", before: []tree.Entry{passwd(root)}, after: []tree.Entry{passwd(root, "a:*:1:1::/:/bin/sh", "b:*:2:2::/:/usr/sbin/nologin", "c:*:3:3::/:/bin/false")}, want: "login-shell a"},
		{summary: "a shell for an account", before: []tree.Entry{passwd("a:*:1:1::/:/usr/sbin/nologin")}, after: []tree.Entry{passwd("a:*:1:1::/:")}, want: "login-shell a"},
		{summary: "a password", before: []tree.Entry{passwd(root), shadow("root:*:1::::::")}, after: []tree.Entry{passwd(root), shadow("root:$6$x:1::::::")}, want: "password root"},
		{summary: "no password", before: []tree.Entry{passwd(root), shadow("root:!:1::::::")}, after: []tree.Entry{passwd(root), shadow("root::1::::::")}, want: "password root"},
		{summary: "another password is no news", before: []tree.Entry{passwd(root), shadow("root:$6$y:1::::::")}, after: []tree.Entry{passwd(root), shadow("root:$6$x:1::::::")}},
		{summary: "a listening unit", before: []tree.Entry{socket}, after: []tree.Entry{socket, wants("sockets.target.wants", "x.socket")}, want: "listens x.socket"},
		{summary: "a socket that is not enabled", after: []tree.Entry{socket}},
		{summary: "a further address", before: []tree.Entry{socket, wants("sockets.target.wants", "x.socket")},
			after: []tree.Entry{file("usr/lib/systemd/system/x.socket", "ListenStream=22\nListenStream = 23\n"), wants("sockets.target.wants", "x.socket")}, want: "listens x.socket"},
		{summary: "an enabled unit", before: []tree.Entry{file("usr/lib/systemd/system/x.service", "[Service]\n")},
			after: []tree.Entry{file("usr/lib/systemd/system/x.service", "[Service]\n"), wants("multi-user.target.wants", "x.service")}, want: "unit-enabled x.service"},
		{summary: "a masked unit", after: []tree.Entry{link("etc/systemd/system/x.service", "/dev/null"), wants("multi-user.target.wants", "x.service")}},
		{summary: "an unmasked unit", before: []tree.Entry{link("etc/systemd/system/x.service", "/dev/null"), wants("multi-user.target.wants", "x.service")}, after: []tree.Entry{wants("multi-user.target.wants", "x.service")}, want: "unit-enabled x.service"},
		{summary: "an alias", after: []tree.Entry{file("usr/lib/systemd/system/x.service", "[Service]\n"), link("etc/systemd/system/y.service", "/usr/lib/systemd/system/x.service")}, want: "unit-enabled x.service"},
		{summary: "links that packages ship", after: []tree.Entry{file("usr/lib/systemd/system/x.service", "[Service]\n"), link("usr/lib/systemd/system/y.service", "x.service"), link("usr/lib/systemd/system/basic.target.wants/x.service", "../x.service")}},
		{summary: "a device", after: []tree.Entry{{Path: "dev/sda", Type: tree.BlockDev, Mode: 0o600, Major: 8}}, want: "device /dev/sda"},
		{summary: "a file for all to write", before: []tree.Entry{tool}, after: []tree.Entry{with(tool, mode(0o666))}, want: "world-writable /usr/bin/tool"},
		{summary: "a sticky folder", after: []tree.Entry{{Path: "tmp", Type: tree.Dir, Mode: 0o1777}}},
		{summary: "a folder for all to write", after: []tree.Entry{{Path: "tmp", Type: tree.Dir, Mode: 0o777}}, want: "world-writable /tmp"},
		{summary: "root in the container", config: [2]*oci.Config{user("65532"), user("")}, want: "runs-as-root user"},
		{summary: "root with a group", config: [2]*oci.Config{user("app"), user("0:5")}, want: "runs-as-root user"},
		{summary: "root as before", config: [2]*oci.Config{user(""), user("root")}},
		{summary: "a port", config: [2]*oci.Config{{User: "a"}, {User: "a", ExposedPorts: []string{"80/tcp"}}}, want: "port 80/tcp"},
		{summary: "an older package", before: []tree.Entry{status("a 2.0")}, after: []tree.Entry{status("a 1.0", "b 1")}, want: "downgrade a"},
		{summary: "the gravest first", before: []tree.Entry{status("a 2.0")}, after: []tree.Entry{status("a 1.0"), with(tool, mode(0o4755))}, want: "setuid /usr/bin/tool, downgrade a"},
	} {
		t.Run(row.summary, func(t *testing.T) {
			a, b := side(t, row.before...), side(t, row.after...)
			a.Config, b.Config = row.config[0], row.config[1]
			r := compared(t, a, b)
			var got []string
			for _, x := range r.Risks {
				got = append(got, string(x.Kind)+" "+x.Subject)
				if !strings.Contains(x.Text, x.Subject) && x.Kind != compare.RiskConfigRoot {
					t.Errorf("%q does not name %q", x.Text, x.Subject)
				}
			}
			if strings.Join(got, ", ") != row.want {
				t.Errorf("risks %q, want %q", got, row.want)
			}
			if r.Equal {
				t.Errorf("they are called equal")
			}
			if same := compared(t, a, a); !same.Equal || len(same.Risks) > 0 {
				t.Errorf("compared with itself: %+v", same)
			}
		})
	}
}

// status is dpkg's status file with the given packages.
func status(packages ...string) tree.Entry {
	var b strings.Builder
	for _, p := range packages {
		name, version, _ := strings.Cut(p, " ")
		b.WriteString("Package: " + name + "\nStatus: install ok installed\nArchitecture: amd64\nVersion: " + version + "\nSource: src-" + name + " (9)\nInstalled-Size: 10\n\n")
	}
	b.WriteString("Package: gone\nStatus: deinstall ok config-files\nArchitecture: amd64\nVersion: 1\n\n")
	return file("var/lib/dpkg/status", b.String())
}

func lines[T interface{ String() string }](list []T) []string {
	var all []string
	for _, x := range list {
		all = append(all, x.String())
	}
	return all
}

func TestReport(t *testing.T) {
	list := func(name, paths string) tree.Entry { return file("var/lib/dpkg/info/"+name+".list", paths) }
	free := "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\nFiles: *\nLicense: "
	a := side(t, status("a 1.0", "b 1", "c 1"), list("a", "/.\n/usr/bin/a\n"), list("b", "/usr/bin/b\n"), list("c:amd64", "/usr/share/c\n"),
		passwd(root, "old:*:5:5::/:/usr/sbin/nologin"), file("etc/group", "root:x:0:\nteam:x:7:b,a\n"),
		file("usr/bin/a", "1"), file("usr/bin/b", "twelve bytes"), file("usr/share/c", "moves"), with(file("usr/bin/stays", "x"), func(e *tree.Entry) { e.ModTime = 5 }),
		file("usr/share/doc/a/copyright", free+"MIT\n text\n\nFiles: b\nLicense: GPL-2+\n"), file("usr/share/doc/b/copyright", "Some words. License: of its own\n"))
	b := side(t, status("a 1.1", "c 1", "d 2"), list("a", "/.\n/usr/bin/a\n"), list("c:amd64", "/usr/lib/c\n"), list("d", "/usr/bin/d\n"),
		passwd(root, "new:*:6:6::/:/usr/sbin/nologin"), file("etc/group", "root:x:0:\nteam:x:7:a,b,c\n"),
		with(file("usr/bin/a", "123"), mode(0o755)), file("usr/lib/c", "moves"), file("usr/bin/d", "d"), file("usr/bin/stays", "x"),
		file("usr/share/doc/a/copyright", free+"GPL-2+\n\nFiles: b\nLicense:  Apache-2.0  \n"))
	a.Config = &oci.Config{User: "1", Env: []string{"B=2", "A=1"}, Labels: map[string]string{"org.opencontainers.image.created": "1"}}
	b.Config = &oci.Config{User: "1", Env: []string{"A=1", "B=3"}, Entrypoint: []string{"/usr/bin/a", "-x"}, Labels: map[string]string{"org.opencontainers.image.created": "2"}}
	a.Scripts = []compare.Script{{Name: "a.postinst", Effects: []string{"makes /etc/x"}}, {Name: "b.postinst", Effects: []string{"makes /etc/b"}}}
	b.Scripts = []compare.Script{{Name: "a.postinst", Effects: []string{"makes /etc/x", "makes /etc/y"}}}
	r := compared(t, a, b)
	check := func(what string, want, got []string) {
		t.Helper()
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", what, diff)
		}
	}
	check("packages", []string{"~ a 1.0 -> 1.1 amd64", "- b 1 amd64", "+ d 2 amd64"}, lines(r.Packages))
	check("accounts", []string{"+ user new: uid 6, gid 6, home /, shell /usr/sbin/nologin, password locked", "- user old: uid 5, gid 5, home /, shell /usr/sbin/nologin, password locked",
		"~ group team: members a b -> a b c"}, lines(r.Accounts))
	check("configuration", []string{`+ entrypoint ["/usr/bin/a" "-x"]`, `~ env B "2" -> "3"`}, lines(r.Config))
	check("licences", []string{"Apache-2.0"}, r.Licences.Added)
	check("licences gone", []string{"MIT"}, r.Licences.Removed)
	check("licences of packages", []string{"~ a: + Apache-2.0, - MIT"}, lines(r.Licences.Packages))
	check("modes", []string{"~ /usr/bin/a: mode 0644 -> 0755, size 1 -> 3, content"}, lines(r.Modes))
	var files, packages []string
	for _, f := range r.Files {
		if !strings.HasPrefix(f.Path, "/var/lib/dpkg") && !strings.HasPrefix(f.Path, "/etc") && !strings.Contains(f.Path, "doc") {
			files = append(files, f.String())
			packages = append(packages, f.Package)
		}
	}
	check("files", []string{"- /usr/bin/b", "+ /usr/bin/d", "~ /usr/bin/stays: mtime", "+ /usr/lib/", "> /usr/share/c -> /usr/lib/c"}, files)
	check("packages of files", []string{"b", "d", "", "", "c"}, packages)
	if s := r.Sizes; s.Measure != "content" || len(s.Packages) != 3 || s.Packages[0].Name != "b" || s.Packages[0].Delta() != -12 || s.Packages[1].Delta() != 2 {
		t.Errorf("sizes %+v", s)
	}
	want := []compare.ScriptChange{
		{Script: "a.postinst", Change: "changed", Now: []string{"makes /etc/y"}, Before: []string{}},
		{Script: "b.postinst", Change: "removed", Now: []string{}, Before: []string{"makes /etc/b"}},
	}
	if diff := cmp.Diff(want, r.Scripts); diff != "" {
		t.Errorf("scripts (-want +got):\n%s", diff)
	}
	if last := r.Risks[len(r.Risks)-1]; last.Kind != compare.RiskScript || !strings.Contains(last.Text, "newly makes /etc/y") {
		t.Errorf("risks %+v", r.Risks)
	}
	if r.Skipped != nil || a.Packages[0].SourceVersion != "9" || a.Packages[0].Source != "src-a" {
		t.Errorf("%+v, %+v", r.Skipped, a.Packages[0])
	}
}

// An image without dpkg may have a file for each package.
func TestStatusFolder(t *testing.T) {
	s := side(t, file("var/lib/dpkg/status.d/b", "Package: b\nVersion: 1\nArchitecture: all\n"),
		file("var/lib/dpkg/status.d/a", "Package: a\nVersion: 2-1+b1\nArchitecture: amd64\nSource: c (2-1)\n\n"), file("var/lib/dpkg/status.d/a.md5sums", "x y\n"))
	want := []compare.Package{
		{Name: "a", Version: "2-1+b1", Architecture: "amd64", Source: "c", SourceVersion: "2-1", Content: -1},
		{Name: "b", Version: "1", Architecture: "all", Source: "b", SourceVersion: "1", Content: -1},
	}
	if diff := cmp.Diff(want, s.Packages); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	bad := &compare.Side{Tree: s.Tree, Contents: tree.Bytes{}}
	if _, err := bad.Installed(); err == nil || !strings.Contains(err.Error(), "/var/lib/dpkg/status.d/a") {
		t.Errorf("without contents: %v", err)
	}
}

// Of a lock only packages are compared, and the report says so.
func TestLocks(t *testing.T) {
	lock := func(version string) *compare.Side {
		return &compare.Side{Name: "l", Kind: "lock", Packages: []compare.Package{{Name: "a", Version: version, Architecture: "all", Download: 100 * int64(len(version)), Content: -1}}}
	}
	r := compared(t, lock("1"), lock("1.1"))
	if r.Equal || len(r.Skipped) != 1 || r.Sizes.Measure != "download" || r.Sizes.After != 300 || r.Packages[0].Change != "upgraded" {
		t.Errorf("%+v", r)
	}
	if r = compared(t, lock("1"), side(t, status("a 1"))); len(r.Packages) != 2 || r.Sizes.Measure != "" {
		t.Errorf("with an image: %+v", r)
	}
	if !compared(t, lock("1"), lock("1")).Equal {
		t.Error("the same lock differs")
	}
}

// Owners of a folder that an ordinary user unpacked tell nothing.
func TestUnowned(t *testing.T) {
	a := side(t, file("x", "1"), file("y", "1"))
	b := side(t, with(file("x", "1"), func(e *tree.Entry) { e.UID, e.GID = 1000, 1000 }), with(file("y", "1"), func(e *tree.Entry) { e.UID, e.Mode = 1000, 0o600 }))
	b.Unowned = true
	r := compared(t, a, b)
	if len(r.Files) != 0 || len(r.Modes) != 1 || r.Modes[0].Path != "/y" || !strings.Contains(strings.Join(r.Skipped, " "), "owners") {
		t.Errorf("%+v", r)
	}
}

// Files of accounts that are in no known form keep nothing else from being compared.
func TestStrangeAccounts(t *testing.T) {
	r := compared(t, side(t, passwd(root)), side(t, passwd(root, "+::::::"), with(file("x", "1"), mode(0o4755))))
	if len(r.Risks) != 1 || len(r.Accounts) != 0 || !strings.Contains(strings.Join(r.Skipped, "\n"), `users and groups: cannot read line 2 of passwd`) {
		t.Errorf("%+v", r)
	}
}

func TestCapabilities(t *testing.T) {
	for want, value := range map[string]string{
		"cap_net_raw=ep":              capability(true, 13)["security.capability"],
		"cap_chown,cap_net_admin=p":   capability(false, 0, 12)["security.capability"],
		"cap_perfmon,41=ep":           capability(true, 38, 41)["security.capability"],
		"=":                           capability(false)["security.capability"],
		"unknown:78":                  "x",
		"cap_kill=ip [rootid=100000]": "\x00\x00\x00\x03\x20\x00\x00\x00\x20\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xa0\x86\x01\x00",
	} {
		if got := compare.Capabilities(value); got != want {
			t.Errorf("%x is %q, want %q", value, got, want)
		}
	}
}

// libcap is asked for its opinion.
func TestGetcapAgrees(t *testing.T) {
	if os.Getenv("KILN_TEST") != "real" {
		t.Skip("asks setcap and getcap as root: set KILN_TEST=real")
	}
	if os.Geteuid() != 0 {
		t.Fatal("only root can set capabilities")
	}
	path := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(path, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	for _, caps := range []string{"cap_net_bind_service=ep", "cap_chown,cap_sys_admin=eip", "cap_net_raw=p", "cap_net_raw=i cap_kill=p", "cap_bpf,cap_checkpoint_restore=ep"} {
		if out, err := exec.Command("setcap", caps, path).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		value := make([]byte, 64)
		n, err := unix.Getxattr(path, "security.capability", value)
		if err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command("getcap", path).Output()
		if err != nil {
			t.Fatal(err)
		}
		// It writes "+" in place of "=" in clauses that follow others.
		want := strings.Fields(strings.ReplaceAll(strings.TrimPrefix(string(out), path+" "), "+", "="))
		got := strings.Fields(compare.Capabilities(string(value[:n])))
		slices.Sort(want)
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("%q, getcap says %q", got, want)
		}
	}
}

func TestNeeds(t *testing.T) {
	for path, want := range map[string]bool{
		"etc/passwd": true, "etc/shadow": true, "etc/hosts": false, "var/lib/dpkg/status": true, "var/lib/dpkg/info/a.list": true, "var/lib/dpkg/info/a.md5sums": false,
		"usr/share/doc/a/copyright": true, "usr/share/doc/a/changelog.Debian.gz": true, "usr/share/doc/a/README": false,
		"etc/systemd/system/x.socket": true, "usr/lib/systemd/system/x.service": false, "usr/bin/passwd": false,
	} {
		if got := compare.Needs(tree.Entry{Path: path, Type: tree.File, Size: 1}); got != want {
			t.Errorf("%s: %v", path, got)
		}
	}
	if compare.Needs(tree.Entry{Path: "etc/passwd", Size: 1 << 40}) {
		t.Error("a file of a terabyte is read whole")
	}
}
