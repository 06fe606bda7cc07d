package toolbox_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kiln"
	"kiln/internal/deb"
	"kiln/internal/maint/command"
	"kiln/internal/maint/toolbox/toolboxtest"
	"kiln/internal/maint/vfs"
	"kiln/internal/tree"
)

// realOnly skips where the tools of Debian are not there to judge.
func realOnly(t *testing.T) {
	t.Helper()
	if os.Getenv("KILN_TEST") != "real" {
		t.Skip("compares with Debian's own tools: KILN_TEST=real")
	}
}

// trixie returns a Debian 13 tree that the real tools may change, with /proc
// mounted. KILN_TRIXIE names one to copy; else one is made.
func trixie(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "trixie")
	if there := os.Getenv("KILN_TRIXIE"); there != "" {
		if out, err := exec.Command("cp", "-a", there, dir).CombinedOutput(); err != nil {
			t.Fatalf("cp: %v\n%s", err, out)
		}
	} else {
		makeTrixie(t, dir)
	}
	if out, err := exec.Command("mount", "-t", "proc", "proc", dir+"/proc").CombinedOutput(); err != nil {
		t.Fatalf("mount: %v\n%s", err, out)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir+"/proc", 0) })
	return dir
}

func makeTrixie(t *testing.T, dir string) {
	t.Helper()
	out, err := exec.Command("mmdebstrap", "--mode=root", "--variant=minbase", "--skip=output/dev",
		"--include=adduser,ca-certificates,openssl,systemd,systemd-sysv,dbus,udev,libpam-systemd,ucf,openssh-server,cron,nano,vim-tiny",
		"trixie", dir).CombinedOutput()
	if err != nil {
		t.Fatalf("mmdebstrap: %v\n%s", err, out)
	}
}

// scene is a run of commands that the real tools and kiln's must take to the same
// end. Paths under watch are compared, and are all that kiln gets to see besides
// input.
type scene struct {
	name         string
	watch, input []string
	prepare      string // a shell script, run in the tree first
	run          [][]string
	env          []string
	ignore       []string // globs of files that kiln does not keep
}

func scenes() []scene {
	accounts := []string{"/etc/passwd", "/etc/group", "/etc/shadow", "/etc/gshadow", "/etc/subuid", "/etc/subgid", "/home", "/var/lib"}
	config := []string{"/etc/login.defs", "/etc/adduser.conf", "/etc/default/useradd", "/etc/skel", "/usr/lib/sysusers.d"}
	backups := []string{"/etc/*-", "/etc/.pwd.lock", "/var/lib/dpkg/*-old"}
	alternatives := []string{"/etc/alternatives", "/var/lib/dpkg/alternatives", "/opt"}
	words := func(lines ...string) [][]string {
		var all [][]string
		for _, l := range lines {
			all = append(all, strings.Fields(l))
		}
		return all
	}
	return []scene{
		{name: "adduser", watch: accounts, input: config, ignore: backups, run: [][]string{
			{"adduser", "--system", "--group", "--home", "/var/lib/one", "--gecos", "One of them", "--quiet", "_one"},
			{"adduser", "--system", "--no-create-home", "--home", "/nonexistent", "--shell", "/bin/sh", "two"},
			{"addgroup", "--system", "three"}, {"adduser", "--quiet", "_one", "three"}, {"addgroup", "--quiet", "four"},
			{"adduser", "--system", "--ingroup", "three", "--home", "/var/lib/a/b", "--comment", "", "five"},
			{"adduser", "--disabled-password", "--gecos", "A Person", "person"},
			{"adduser", "--system", "--uid", "555", "--group", "six"}, {"adduser", "--system", "_one"},
			{"deluser", "--system", "two"}, {"delgroup", "four"}, {"deluser", "--quiet", "_one", "three"},
		}},
		{name: "useradd", watch: accounts, input: config, ignore: backups, run: [][]string{
			{"groupadd", "-r", "ga"}, {"groupadd", "gb"}, {"groupadd", "-g", "777", "gc"}, {"groupadd", "-f", "gc"},
			{"useradd", "-r", "-g", "ga", "-d", "/var/lib/ua", "-s", "/usr/sbin/nologin", "-c", "A comment", "ua"},
			{"useradd", "-r", "ub"}, {"useradd", "-m", "uc"}, {"useradd", "-M", "-G", "ga,gc", "ud"}, {"useradd", "-r", "-u", "300", "-U", "ue"},
			{"usermod", "-a", "-G", "gb,ga", "ub"}, {"usermod", "-s", "/bin/false", "-d", "/x", "-c", "new", "ua"}, {"usermod", "-L", "uc"},
			{"usermod", "-G", "gc", "ub"}, {"usermod", "-l", "uz", "ud"}, {"gpasswd", "-a", "uc", "gb"}, {"gpasswd", "-d", "uc", "gb"},
			{"passwd", "-q", "-l", "ua"}, {"chage", "-E", "-1", "-M", "99", "ua"}, {"chfn", "-f", "Full Name", "ua"}, {"chsh", "-s", "/bin/sh", "ua"},
			{"groupmod", "-n", "gbb", "gb"}, {"groupdel", "gbb"}, {"userdel", "ue"},
		}},
		{name: "sysusers", watch: accounts, input: config, ignore: backups,
			prepare: `cat > /usr/lib/sysusers.d/kiln-test.conf <<'X'
g kt-a 444
u kt-b 445 "Bee, \"quoted\"" /var/lib/bee /bin/sh
u kt-c - "Sea"
u! kt-d -:users - /nowhere
u kt-e 446:kt-a
m kt-b kt-a
m kt-c audio
m kt-f kt-g
u kt-h 447:100
g kt-i -
u kt-i -
X`, run: words("systemd-sysusers", "systemd-sysusers kt-none.conf")[:1]},
		{name: "shadowconfig", watch: accounts, input: config, ignore: backups,
			prepare: `rm -f /etc/shadow /etc/gshadow; sed -i 's/:x:/:*:/' /etc/passwd /etc/group`, run: words("shadowconfig on")},
		{name: "alternatives", watch: alternatives, prepare: `mkdir -p /opt/b /opt/m; for i in 1 2 3; do echo $i > /opt/b/t$i; echo $i > /opt/m/t$i.1; done`, run: words(
			"update-alternatives --install /opt/tool kt-tool /opt/b/t1 10 --slave /opt/tool.1 kt-tool.1 /opt/m/t1.1 --slave /opt/tool.x kt-tool.x /opt/m/missing",
			"update-alternatives --install /opt/tool kt-tool /opt/b/t2 30",
			"update-alternatives --quiet --install /opt/tool kt-tool /opt/b/t3 20 --slave /opt/tool.1 kt-tool.1 /opt/m/t3.1",
			"update-alternatives --set kt-tool /opt/b/t1", "update-alternatives --remove kt-tool /opt/b/t1",
			"update-alternatives --install /opt/other kt-other /opt/b/t1 5", "update-alternatives --remove kt-other /opt/b/t1",
			"update-alternatives --install /opt/moved kt-tool /opt/b/t2 -5", "update-alternatives --auto kt-tool",
			"update-alternatives --query kt-tool", "update-alternatives --display kt-tool", "update-alternatives --list kt-tool")},
		{name: "divert", watch: []string{"/var/lib/dpkg/diversions", "/opt"}, ignore: backups, prepare: `mkdir -p /opt; echo 1 > /opt/d1; echo 2 > /opt/d2`, run: words(
			"dpkg-divert --package app --add --rename --divert /opt/d1.real /opt/d1", "dpkg-divert --local --no-rename --add /opt/d2",
			"dpkg-divert --package app --no-rename --add /opt/d3", "dpkg-divert --package app --quiet --no-rename --divert /opt/zz --add /opt/d4",
			"dpkg-divert --package app --remove --no-rename /opt/d3", "dpkg-divert --package app --remove --rename --divert /opt/d1.real /opt/d1",
			"dpkg-divert --truename /opt/d2", "dpkg-divert --listpackage /opt/d4", "dpkg-divert --remove --no-rename /opt/none")},
		{name: "statoverride", watch: []string{"/var/lib/dpkg/statoverride", "/opt"}, input: []string{"/etc/passwd", "/etc/group"}, ignore: backups,
			prepare: `mkdir -p /opt/so; echo 1 > /opt/so1`, run: words(
				"dpkg-statoverride --update --add root mail 02755 /opt/so", "dpkg-statoverride --add www-data adm 640 /opt/so1",
				"dpkg-statoverride --quiet --update --add root #12 4750 /opt/none", "dpkg-statoverride --list /opt/so*", "dpkg-statoverride --remove /opt/so1")},
		{name: "shells", watch: []string{"/etc/shells", "/var/lib/shells.state"}, input: []string{"/usr/share/debianutils", "/bin"},
			prepare: `rm -f /etc/shells /var/lib/shells.state; mkdir -p /usr/share/debianutils/shells.d; echo /bin/zzz > /usr/share/debianutils/shells.d/zzz`,
			run:     words("update-shells", "add-shell /bin/qqq", "remove-shell /usr/bin/dash", "update-shells")},
		{name: "ldconfig", watch: []string{"/etc/ld.so.cache", "/usr/lib", "/lib", "/lib64", "/usr/local/lib"}, input: []string{"/etc/ld.so.conf", "/etc/ld.so.conf.d", "/usr/sbin/ldconfig"},
			prepare: `rm /usr/lib/*/libz.so.1; ln -s libgone.so.9 /usr/lib/x86_64-linux-gnu/libgone.so.8; cp /usr/lib/*/libbz2.so.1.0.4 /usr/local/lib/`, run: words("ldconfig")},
		{name: "ca-certificates", watch: []string{"/etc/ssl/certs"}, input: []string{"/etc/ca-certificates.conf", "/usr/share/ca-certificates", "/usr/local/share/ca-certificates"},
			prepare: `find /etc/ssl/certs -type l -delete; rm -f /etc/ssl/certs/ca-certificates.crt; sed -i 's,^mozilla/ACC,!&,' /etc/ca-certificates.conf
				mkdir -p "/usr/local/share/ca-certificates"; head -c -1 /usr/share/ca-certificates/mozilla/Certigna.crt > "/usr/local/share/ca-certificates/a (b), c.crt"`,
			run: words("update-ca-certificates --hooksdir /none")},
		{name: "helper", watch: []string{"/etc/systemd", "/var/lib/systemd/deb-systemd-helper-enabled", "/var/lib/systemd/deb-systemd-user-helper-enabled"},
			input: []string{"/usr/lib/systemd", "/usr/bin/systemctl", "/lib"}, env: []string{"DPKG_MAINTSCRIPT_PACKAGE=app"},
			prepare: `rm -rf /etc/systemd/system/* /etc/systemd/user/* /var/lib/systemd/deb-systemd-*`, run: words(
				"deb-systemd-helper unmask ssh.service", "deb-systemd-helper enable ssh.service", "deb-systemd-helper enable cron.service",
				"deb-systemd-helper --user enable ssh-agent.socket", "deb-systemd-helper update-state ssh.socket", "systemctl enable getty@tty1.service",
				"deb-systemd-helper mask cron.service", "deb-systemd-helper purge ssh.service", "systemctl enable systemd-pstore.service", "systemctl mask ssh.socket")},
		{name: "ucf", watch: []string{"/var/lib/ucf", "/opt"}, ignore: []string{"/var/lib/ucf/*.[0-9]"}, prepare: `rm -rf /var/lib/ucf; mkdir -p /opt/ucf; echo one > /opt/ucf/src; echo two > /opt/ucf/src2; chmod 600 /opt/ucf/src`,
			env: []string{"DEBIAN_FRONTEND=noninteractive"}, run: words(
				"ucf /opt/ucf/src /opt/ucf/dest", "ucf /opt/ucf/src2 /opt/ucf/dest", "ucfr app /opt/ucf/dest", "ucf --three-way /opt/ucf/src /opt/ucf/other", "ucfr app2 /opt/ucf/other",
				"ucfr --purge app2 /opt/ucf/other", "ucf --purge /opt/ucf/other")},
		{name: "pam", watch: []string{"/etc/pam.d", "/var/lib/pam"}, input: []string{"/usr/share/pam", "/usr/share/pam-configs", "/var/lib/dpkg/info/libpam-runtime.templates", "/var/cache/debconf"},
			env: []string{"DEBIAN_FRONTEND=noninteractive"}, prepare: `rm -f /etc/pam.d/common-* /var/lib/pam/*`, ignore: []string{"/etc/pam.d/*.pam-old"}, run: words(
				"pam-auth-update --package --force", "pam-auth-update --package", "pam-auth-update --enable mkhomedir", "pam-auth-update --package --remove systemd", "pam-auth-update --package")},
		{name: "tmpfiles", watch: []string{"/opt", "/var/spool/kt", "/var/lib/private", "/var/cache/private"}, input: []string{"/etc/passwd", "/etc/group", "/usr/lib/tmpfiles.d", "/usr/lib/os-release", "/usr/share/factory"},
			prepare: `mkdir -p /opt/kt /opt/adj/sub; echo x > /opt/adj/f; echo old > /opt/kt/old; chmod 755 /opt/adj/f; ln -s nowhere /opt/kt/l2; mkdir -p /usr/share/factory/opt/kt; echo fact > /usr/share/factory/opt/kt/fact
cat > /usr/lib/tmpfiles.d/kiln-test.conf <<'X'
d /opt/kt/a 0750 root mail
d /opt/kt/deep/er/dir 01777 daemon -
f /opt/kt/file 0640 www-data adm - line\none \x41
f+ /opt/kt/old - - - - new
f /opt/kt/keep:%% :0600 - - - "quoted text"
L /opt/kt/l1 - - - - ../target
L+ /opt/kt/l2 - - - - /elsewhere
L? /opt/kt/l3 - - - - /not/there
C /opt/kt/fact 0600 games games
C /opt/kt/nofact
z /opt/adj/* 0700 mail -
Z /opt/adj/sub ~2775 root mail
d /opt/kt/os-%o-%w
e /opt/adj 0711 - -
w /opt/adj/f - - - - written
d! /opt/kt/boot
d /run/kt-run
x /opt/kt/x*
r /opt/kt/old
d /var/spool/kt/:x :0700 :mail :mail
X
`, run: words("systemd-tmpfiles --create kiln-test.conf", "systemd-tmpfiles --create systemd.conf")},
		{name: "queries", input: []string{"/etc/passwd", "/etc/group", "/var/lib/dpkg/info", "/var/lib/dpkg/diversions", "/var/lib/dpkg/alternatives", "/etc/alternatives", "/usr/bin", "/usr/lib", "/lib", "/bin"}, prepare: `true`, run: [][]string{
			{"dpkg-query", "-W", "-f", `${binary:Package} ${Version} ${Status} [${Source}] ${source:Package}=${source:Version} ${Multi-Arch};${db:Status-Abbrev}|\n`, "libc6", "adduser", "cron"},
			{"dpkg-query", "-W", "-f=${Package;12}|${Version;-20}|\\t${Architecture}\\n", "cron", "libc6", "libc6:amd64"},
			{"dpkg-query", "-L", "base-passwd"}, {"dpkg", "-L", "cron"}, {"dpkg", "-S", "/usr/sbin/cron"}, {"dpkg-query", "-S", "bin/ls"},
			{"dpkg-query", "--control-path", "libc6:amd64", "templates"}, {"dpkg-query", "-W", "-f=${Conffiles}\n", "cron"},
			{"dpkg", "--print-architecture"}, {"dpkg-query", "-W"}, {"dpkg", "-s", "cron"},
			{"getent", "passwd", "root", "33"}, {"getent", "group"}, {"dpkg-realpath", "/bin/ls"}, {"dpkg-divert", "--list"},
			{"update-alternatives", "--get-selections"},
		}},
		{name: "rc", watch: []string{"/etc/rc0.d", "/etc/rc1.d", "/etc/rc2.d", "/etc/rc3.d", "/etc/rc4.d", "/etc/rc5.d", "/etc/rc6.d", "/etc/rcS.d"}, input: []string{"/etc/init.d"},
			prepare: `rm -f /etc/rc*/*`, run: words("update-rc.d ssh defaults", "update-rc.d cron defaults-disabled", "update-rc.d dbus defaults", "update-rc.d dbus remove", "update-rc.d ssh disable")},
	}
}

// TestAgainstTrixie takes scenes to their end twice: with the tools of a Debian 13
// tree, in a chroot, and with kiln's.
func TestAgainstTrixie(t *testing.T) {
	realOnly(t)
	root := trixie(t)
	for _, s := range scenes() {
		t.Run(s.name, func(t *testing.T) { s.judge(t, root) })
	}
}

func (s scene) judge(t *testing.T, root string) {
	s.chroot(t, root, "sh", "-ec", s.prepare)
	mine := s.load(t, root)
	for _, words := range s.run {
		realOut := s.chroot(t, root, words...)
		status, out, err := mine.CallWords(words...)
		if err != nil || status != 0 {
			t.Fatalf("%v: status %d, %v\n%s", words, status, err, out)
		}
		if shown(words) && out != realOut {
			t.Errorf("%v prints (-real +kiln)\n%s", words, cmp.Diff(strings.Split(realOut, "\n"), strings.Split(out, "\n")))
		}
	}
	s.compare(t, mine, s.load(t, root))
}

// shown reports whether what a command prints is compared too.
func shown(words []string) bool {
	line := strings.Join(words, " ") + " "
	return slices.ContainsFunc([]string{"dpkg-query ", "dpkg ", "getent ", "dpkg-realpath ", " --list ", " --query ", " --display ", " --truename ", " --listpackage "},
		func(part string) bool { return strings.Contains(line, part) })
}

// installed reads the packages of a tree from its dpkg database.
func installed(t *testing.T, root string) toolboxtest.Packages {
	t.Helper()
	file, err := os.Open(root + "/var/lib/dpkg/status")
	toolboxtest.Must(t, err)
	defer file.Close()
	all, r := toolboxtest.Packages{}, deb.NewReader(file)
	for {
		p, err := r.Next()
		if errors.Is(err, io.EOF) {
			return all
		}
		toolboxtest.Must(t, err)
		st := command.Status{
			Name: p.Get("Package"), Version: p.Get("Version"), Architecture: p.Get("Architecture"), MultiArch: p.Get("Multi-Arch"),
			State: strings.Fields(p.Get("Status"))[2], Fields: map[string]string{},
		}
		for _, f := range p.Names() {
			st.Fields[f] = p.Get(f)
		}
		for _, name := range []string{st.Name, st.Name + ":" + st.Architecture} {
			if list, err := os.ReadFile(root + "/var/lib/dpkg/info/" + name + ".list"); err == nil {
				st.Files = strings.Split(strings.TrimSuffix(string(list), "\n"), "\n")
			}
		}
		all[st.Name] = st
	}
}

func (s scene) chroot(t *testing.T, root string, words ...string) string {
	t.Helper()
	cmd := exec.Command("chroot", append([]string{root, "env", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8"}, append(slices.Clone(s.env), words...)...)...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, os.Stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("the real %v: %v\n%s", words, err, out.String())
	}
	return out.String()
}

// load reads what the scene concerns into a tree.
func (s scene) load(t *testing.T, root string) *toolboxtest.System {
	t.Helper()
	tr, contents := tree.New(), tree.Bytes{}
	for _, p := range append(slices.Clone(s.watch), s.input...) {
		s.loadPath(t, tr, contents, root, p)
	}
	now := kiln.Epoch(time.Now().Unix())
	m := &command.Machine{Arch: "amd64", Epoch: now, Packages: installed(t, root), Package: "app", Script: "postinst", Enable: func(string) bool { return true }}
	return &toolboxtest.System{T: t, FS: vfs.New(tr, contents, now), Machine: m}
}

func (s scene) loadPath(t *testing.T, tr *tree.Tree, contents tree.Bytes, root, p string) {
	t.Helper()
	for i := 1; i < len(p); i++ {
		if p[i] == '/' {
			s.insert(t, tr, contents, root, p[:i])
		}
	}
	if _, err := os.Lstat(root + p); err != nil {
		return
	}
	err := filepath.WalkDir(root+p, func(host string, _ fs.DirEntry, err error) error {
		if err == nil {
			s.insert(t, tr, contents, root, strings.TrimPrefix(host, root))
		}
		return err
	})
	toolboxtest.Must(t, err)
}

func (s scene) insert(t *testing.T, tr *tree.Tree, contents tree.Bytes, root, p string) {
	t.Helper()
	i, err := os.Lstat(root + p)
	if err != nil {
		return
	}
	st := i.Sys().(*syscall.Stat_t)
	e := tree.Entry{Path: strings.TrimPrefix(p, "/"), Mode: st.Mode & 0o7777, UID: int(st.Uid), GID: int(st.Gid), ModTime: kiln.Epoch(st.Mtim.Sec)}
	switch i.Mode().Type() {
	case 0:
		b, err := os.ReadFile(root + p)
		toolboxtest.Must(t, err)
		e.Type, e.Size, e.Content = tree.File, int64(len(b)), contents.Add(b)
	case fs.ModeDir:
		e.Type = tree.Dir
	case fs.ModeSymlink:
		e.Type, e.Mode = tree.Symlink, 0o777
		e.Link, err = os.Readlink(root + p)
		toolboxtest.Must(t, err)
	default:
		return
	}
	if old, ok := tr.Lookup(e.Path); ok && old.Type == e.Type {
		return
	}
	where, err := tr.Locate(e.Path)
	toolboxtest.Must(t, err)
	if where == e.Path {
		toolboxtest.Must(t, tr.Insert(e))
	}
}

// compare lists the differences under the watched paths: type, mode, owner, link
// and content.
func (s scene) compare(t *testing.T, mine, real *toolboxtest.System) {
	t.Helper()
	got, want := s.listing(t, mine), s.listing(t, real)
	names := map[string]bool{}
	for n := range got {
		names[n] = true
	}
	for n := range want {
		names[n] = true
	}
	for _, n := range slices.Sorted(maps.Keys(names)) {
		if got[n] == want[n] {
			continue
		}
		t.Errorf("%s is %s\nwant %s", n, got[n], want[n])
		if a, err := mine.FS.ReadFile("/" + n); err == nil && len(a) < 4000 {
			b, _ := real.FS.ReadFile("/" + n)
			t.Logf("mine:\n%s\nreal:\n%s", a, b)
		}
	}
}

func (s scene) listing(t *testing.T, sys *toolboxtest.System) map[string]string {
	t.Helper()
	tr, err := sys.FS.Tree()
	toolboxtest.Must(t, err)
	all := map[string]string{}
	for e := range tr.All() {
		watched := slices.ContainsFunc(s.watch, func(w string) bool { return "/"+e.Path == w || strings.HasPrefix("/"+e.Path, w+"/") })
		ignored := slices.ContainsFunc(s.ignore, func(g string) bool { ok, _ := filepath.Match(g, "/"+e.Path); return ok })
		if watched && !ignored {
			all[e.Path] = fmt.Sprintf("%s %04o %d:%d %s %s", e.Type, e.Mode, e.UID, e.GID, e.Link, e.Content.Short())
		}
	}
	return all
}
