package drills_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const whyRecipe = `kiln: v1
name: why
platforms: [linux/amd64]
essential: true
sources:
  - {archive: debian, suite: trixie, pockets: []}
layers:
  - name: base
    packages:
      - apt: people install more
  - name: ssh
    packages:
      - openssh-server: operators log in
system:
  services:
    enable:
      - {unit: ssh.service, why: operators log in}
`

// made is the chain that kiln why --json gives for what made a thing.
type made struct {
	Recipe   *struct{ Part string }
	Required *struct {
		Recipe struct {
			Part, File string
			Line       int
		}
		Packages []string
	}
	Package *struct{ Name, Version, Archive string }
	Script  string
	Changed *made
}

type whyAnswer struct {
	Subject string
	Path    *struct {
		Path    string
		Through []string
		Layers  []string
		Entry   struct {
			Type, Mode, Leads string
			Size              int64
		}
		Made made
	}
	Account *struct {
		ID, GID     int
		Home, Shell string
		Made        made
	}
	Unit *struct {
		Files   []struct{ Path string }
		Enabled bool
		Wanted  []struct{ Script string } `json:"wanted_by"`
		Recipe  *struct{ Part string }
		Links   []struct {
			Path string
			Made made
		}
	}
	Package *struct {
		Packages []struct {
			Version, Layer, Digest string
			Files                  int
			Chains                 []struct {
				Recipe   struct{ Part string }
				Packages []string
			}
			Scripts []struct{ Script string }
		}
	}
}

// why asks about the image of the recipe in dir.
func why(t *testing.T, dir string, subjects ...string) map[string]whyAnswer {
	t.Helper()
	cmd := exec.Command(kilnBinary(t), append([]string{"why", "--json", "--locked", "--store", sharedStore(t), "."}, subjects...)...)
	cmd.Dir = dir
	var report struct{ Answers []whyAnswer }
	if err := json.Unmarshal([]byte(output(t, cmd)), &report); err != nil {
		t.Fatal(err)
	}
	all := map[string]whyAnswer{}
	for _, a := range report.Answers {
		all[a.Subject] = a
	}
	if len(all) != len(subjects) {
		t.Fatalf("%d answers to %d questions", len(all), len(subjects))
	}
	return all
}

// scriptLine is the line that "sshd.postinst:12" names, of the script in the
// image's own dpkg database.
func scriptLine(t *testing.T, root, place string) string {
	t.Helper()
	m := regexp.MustCompile(`^(.+):(\d+)$`).FindStringSubmatch(place)
	if m == nil {
		t.Fatalf("%q is no place in a script", place)
	}
	text, err := os.ReadFile(filepath.Join(root, "var/lib/dpkg/info", m[1]))
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(m[2])
	lines := strings.Split(string(text), "\n")
	if err != nil || n < 1 || n > len(lines) {
		t.Fatalf("%q: the script has %d lines", place, len(lines))
	}
	return lines[n-1]
}

// What kiln why says of Debian's own packages is what their scripts, dpkg and the
// unpacked image say.
func TestWhyOfRealPackages(t *testing.T) {
	real(t)
	dir := t.TempDir()
	write(t, filepath.Join(dir, "kiln.yaml"), whyRecipe)
	build(t, dir, "-o", "folder:root")
	root := filepath.Join(dir, "root")
	all := why(t, dir, "user:_apt", "user:sshd", "unit:ssh.service", "/etc/passwd", "/usr/bin/perl", "/bin/sh", "package:libc6")

	passwd, err := os.ReadFile(filepath.Join(root, "etc/passwd"))
	if err != nil {
		t.Fatal(err)
	}
	for name, by := range map[string]string{"_apt": "base-passwd", "sshd": "openssh-server"} {
		a := all["user:"+name].Account
		line := regexp.MustCompile(`(?m)^` + name + `:[^:]*:(\d+):(\d+):[^:]*:([^:]*):([^:\n]*)$`).FindStringSubmatch(string(passwd))
		if line == nil || line[1] != strconv.Itoa(a.ID) || line[2] != strconv.Itoa(a.GID) || line[3] != a.Home || line[4] != a.Shell {
			t.Errorf("user:%s is %+v, in /etc/passwd %q", name, a, line)
		}
		if a.Made.Package == nil || a.Made.Package.Name != by || !strings.HasPrefix(a.Made.Script, by+".") {
			t.Errorf("user:%s is made by %+v, want %s", name, a.Made, by)
		}
	}
	if line := scriptLine(t, root, all["user:sshd"].Account.Made.Script); !strings.Contains(line, "sysusers") && !strings.Contains(line, "adduser") && !strings.Contains(line, "useradd") {
		t.Errorf("the line that made the user sshd is %q", line)
	}
	if c := all["user:sshd"].Account.Made.Required; c == nil || c.Recipe.Part != "layers[ssh].packages[0]" || c.Recipe.Line != 13 {
		t.Errorf("openssh-server is there for %+v", c)
	}

	unit := all["unit:ssh.service"].Unit
	if !unit.Enabled || unit.Recipe == nil || unit.Recipe.Part != "system.services.enable[0]" || len(unit.Wanted) == 0 {
		t.Fatalf("ssh.service is %+v", unit)
	}
	for _, w := range unit.Wanted {
		if line := scriptLine(t, root, w.Script); !strings.Contains(line, "deb-systemd-helper") && !strings.Contains(line, "update-rc.d ssh") {
			t.Errorf("%s, which wants ssh.service, is %q", w.Script, line)
		}
	}
	var links []string
	for _, l := range unit.Links {
		links = append(links, l.Path)
		if _, err := os.Readlink(root + l.Path); err != nil {
			t.Error(err)
		}
	}
	if !slices.Contains(links, "/etc/systemd/system/multi-user.target.wants/ssh.service") {
		t.Errorf("links of ssh.service: %q", links)
	}

	file := all["/etc/passwd"].Path
	if file.Entry.Size != int64(len(passwd)) || file.Made.Package.Name != "base-passwd" || file.Made.Changed == nil || file.Made.Changed.Package.Name != "openssh-server" ||
		!slices.Equal(file.Layers, []string{"base", "ssh"}) {
		t.Errorf("/etc/passwd is %+v", file)
	}
	owner := strings.Split(run(t, dir, "dpkg-query", "--admindir=root/var/lib/dpkg", "-S", "/usr/bin/perl"), ":")[0]
	if p := all["/usr/bin/perl"].Path; p.Made.Package.Name != owner || p.Made.Required.Recipe.Part != "essential" {
		t.Errorf("/usr/bin/perl is of %+v, dpkg says %s", p.Made.Package, owner)
	}
	sh := all["/bin/sh"].Path
	if sh.Path != "/usr/bin/sh" || !slices.Equal(sh.Through, []string{"/bin -> usr/bin"}) || sh.Entry.Leads != "/usr/bin/dash" || sh.Made.Package.Name != "dash" {
		t.Errorf("/bin/sh is %+v", sh)
	}
	checkLibc(t, dir, all["package:libc6"])
}

func checkLibc(t *testing.T, dir string, a whyAnswer) {
	t.Helper()
	libc := a.Package.Packages[0]
	version := run(t, dir, "dpkg-query", "--admindir=root/var/lib/dpkg", "-W", "-f", "${Version}", "libc6")
	if libc.Version != version || libc.Layer != "base" || libc.Files < 100 {
		t.Errorf("libc6 is %+v, dpkg says %s", libc, version)
	}
	lock, err := os.ReadFile(filepath.Join(dir, "kiln.lock"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(lock), strings.TrimPrefix(libc.Digest, "sha256:")) {
		t.Errorf("the lock does not have %s", libc.Digest)
	}
	var roots []string
	for _, c := range libc.Chains {
		roots = append(roots, c.Recipe.Part)
		if last := c.Packages[len(c.Packages)-1]; last != "libc6" {
			t.Errorf("the chain %v does not end at libc6", c.Packages)
		}
		for i := range c.Packages[1:] {
			depends := run(t, dir, "dpkg-query", "--admindir=root/var/lib/dpkg", "-W", "-f", "${Depends}, ${Pre-Depends}", c.Packages[i])
			if !strings.Contains(depends, c.Packages[i+1]) {
				t.Errorf("%s depends on %s, not on %s", c.Packages[i], depends, c.Packages[i+1])
			}
		}
	}
	slices.Sort(roots)
	if want := []string{"essential", "layers[base].packages[0]", "layers[ssh].packages[0]"}; !slices.Equal(roots, want) {
		t.Errorf("libc6 is required by %q, want %q", roots, want)
	}
	var scripts []string
	for _, s := range libc.Scripts {
		scripts = append(scripts, s.Script)
	}
	if !slices.Contains(scripts, "preinst") || !slices.Contains(scripts, "postinst") {
		t.Errorf("of libc6 ran %q", scripts)
	}
}
