package drills_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// systemRecipe is Debian's minbase in two layers, with users and a service of its own.
const systemRecipe = `kiln: v1
name: system
platforms: [linux/amd64, linux/arm64]
essential: true
sources:
  - {archive: debian, suite: trixie}
layers:
  - name: base
    packages:
      - apt: people install more
      - passwd: people make users
      - mount: people mount
      - ca-certificates: TLS roots
      - tzdata: local time
  - name: tools
    packages:
      - nano: people edit
      - openssh-server: people log in
      - adduser: people make users
    files:
      - {path: /etc/app.conf, content: "x\n", owner: sshd, why: read by the service only}
users:
  - {name: app, uid: 10001, shell: /bin/sh, why: runs the service}
debconf:
  - {question: tzdata/Areas, value: Europe, why: the operators sit there}
  - {question: tzdata/Zones/Europe, value: Vienna, why: the operators sit there}
system:
  services:
    enable: [{unit: ssh.service, why: people log in}]
`

// A Debian system made without running anything passes what Debian's own tools
// say of a system, in its own dpkg's hands: nothing is half done, no file differs
// from what its package shipped, and packages can be removed and configured anew.
func TestDebianSystem(t *testing.T) {
	real(t)
	dir := t.TempDir()
	write(t, filepath.Join(dir, "kiln.yaml"), systemRecipe)
	build(t, dir, "--platform", "linux/amd64", "-o", "docker-archive:image.tar", "-o", "oci:image.oci")
	for _, e := range engines() {
		ref := e.load(t, filepath.Join(dir, "image.tar"))
		defer e.remove(t, ref)
		for _, row := range []struct{ command, want string }{
			{"dpkg --audit; dpkg --verify", ""},
			{"dpkg -l | grep -vc ^ii", "5\n"},
			{"date -d @1700000000 +%Z; readlink /etc/localtime", "CET\n/usr/share/zoneinfo/Europe/Vienna\n"},
			{"su app -c 'id -u; id -gn'", "10001\napp\n"},
			{"stat -c '%U %a' /etc/app.conf", "sshd 644\n"},
			{"systemctl is-enabled ssh.service apt-daily.timer", "enabled\ndisabled\n"},
			{"update-alternatives --query editor | sed -n 's/^Value: //p'", "/bin/nano\n"},
			{"openssl version >/dev/null && openssl verify -CApath /etc/ssl/certs /etc/ssl/certs/ISRG_Root_X1.pem", "/etc/ssl/certs/ISRG_Root_X1.pem: OK\n"},
			{"ldconfig -p | head -1 | grep -c 'libs found'", "1\n"},
			{"perl -e 'print 6*7'", "42"},
			{"pwck -rq; grpck -rq; echo $?", "0\n"},
			{"sshd -t 2>&1 | grep -o 'no hostkeys available'", "no hostkeys available\n"},
		} {
			if got := e.shell(t, ref, row.command); got != row.want {
				t.Errorf("%s: %s: printed %q, want %q", e.name, row.command, got, row.want)
			}
		}
		if got := e.change(t, ref, "dpkg --configure -a; apt-get check -qq"); got != "" {
			t.Errorf("%s: dpkg and apt say %s", e.name, got)
		}
		if got := e.change(t, ref, "dpkg --purge nano >/dev/null && dpkg --audit && dpkg -l nano 2>/dev/null | grep -c ^ii; update-alternatives --query editor 2>&1 | tail -1; DEBIAN_FRONTEND=noninteractive dpkg-reconfigure tzdata 2>&1 | grep -o Vienna | head -1"); !strings.HasPrefix(got, "0\n") || !strings.HasSuffix(got, "Vienna\n") {
			t.Errorf("%s: after purging nano: %q", e.name, got)
		}
	}
}

// For another architecture the same scripts are interpreted: nothing is run.
func TestDebianSystemOfAnotherArchitecture(t *testing.T) {
	real(t)
	dir := t.TempDir()
	write(t, filepath.Join(dir, "kiln.yaml"), systemRecipe)
	build(t, dir, "--platform", "linux/arm64", "-o", "oci:image.oci")
	run(t, dir, "umoci", "unpack", "--rootless", "--image", "image.oci:"+refName(t, dir), "bundle")
	root := filepath.Join(dir, "bundle", "rootfs")
	want := lockedPackages(t, filepath.Join(dir, "kiln.lock"), "linux/arm64")
	if got := listed(t, root); !slices.Equal(got, want) {
		t.Errorf("dpkg lists\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if out := run(t, dir, "dpkg", "--root="+root, "--verify"); out != "" {
		t.Errorf("dpkg --verify says %s", out)
	}
	if out := run(t, dir, "/sbin/ldconfig", "-p", "-C", filepath.Join(root, "etc", "ld.so.cache")); !strings.Contains(out, "/lib/aarch64-linux-gnu/libc.so.6") {
		t.Errorf("ldconfig reads of the cache\n%s", out)
	}
}
