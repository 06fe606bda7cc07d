package drills_test

import (
	"path/filepath"
	"strings"
	"testing"
)

const hardSystem = `kiln: v1
name: system
platforms: [linux/amd64]
essential: true
sources: [{archive: debian, suite: trixie}]
layers:
  - name: base
    packages:
      - systemd: starts the system
      - systemd-sysv: makes it the first process
      - openssh-server: operators log in
      - login: they do
      - passwd: accounts
      - sudo: operators become root
      - kmod: modules
      - procps: parameters of the kernel
    files:
      - {path: /srv/data, directory: true, mode: "0750", why: the service's state}
      - {path: /etc/ssh/sshd_config.d/50-own.conf, content: "PermitRootLogin yes\nMaxAuthTries 9\n", why: what the rule overrules}
users:
  - {name: op, uid: 1000, shell: /bin/bash, why: operates the system}
harden:
  - no-setuid: {except: [/usr/bin/sudo], why: operators become root}
  - no-docs
  - read-only-root: {writable: [/srv/data], why: the service keeps its state there}
  - noninteractive: {except: [op], why: operators log in}
  - root-locked
  - login-defs
  - sysctl
  - modules: {except: [udf], why: configuration comes on a disk of that kind}
  - sshd
`

// What the rules write, the programs that read it understand, and it counts.
func TestHardenedSystem(t *testing.T) {
	real(t)
	dir := t.TempDir()
	write(t, filepath.Join(dir, "kiln.yaml"), hardSystem)
	build(t, dir, "-o", "docker-archive:image.tar")
	podman := engines()[1]
	ref := podman.load(t, filepath.Join(dir, "image.tar"))
	defer podman.remove(t, ref)
	got := podman.change(t, ref, strings.Join([]string{
		"mkdir -p /run/sshd; ssh-keygen -A >/dev/null; sshd -t && echo sshd-understands",
		"sshd -T",
		"sysctl --dry-run -p /etc/sysctl.d/60-kiln-harden.conf",
		"modprobe -c | grep -E ' (cramfs|sctp|usb.storage|udf)( |$)'",
		"findmnt --verify --tab-file /etc/fstab | tail -1",
		"passwd -S root; passwd -S op; pwck -qr && echo accounts-fit",
		"find / -xdev -type f -perm /6000",
		"grep -E '^(UMASK|PASS_MAX)' /etc/login.defs",
		"/usr/lib/systemd/systemd-sysctl --cat-config | grep -c '^-' | sed 's/^/systemd reads /'",
		"useradd -m probe && stat -c 'home of mode %a' /home/probe; chage -l probe | grep ' days'; echo probe:Tr0ubadour | chpasswd && grep -o '^probe:.y.' /etc/shadow",
	}, "\n"))
	for _, want := range []string{
		"sshd-understands\n", "\npermitrootlogin no\n", "\npasswordauthentication no\n", "\nmaxauthtries 4\n", "\ndisableforwarding yes\n", "\nmaxstartups 10:30:60\n",
		"kernel.dmesg_restrict = 1\n", "net.ipv4.conf.all.accept_redirects = 0\n",
		"install cramfs /bin/false\n", "blacklist sctp\n",
		"root L ", "op L ", "accounts-fit\n", "\n/usr/bin/sudo\n", "UMASK\t027\n", "PASS_MAX_DAYS\t365\n",
		"home of mode 750\n", "between password change\t\t: 365\n", "probe:$y$\n", "systemd reads 34\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in what the system says", want)
		}
	}
	for _, no := range []string{"\n/usr/bin/su\n", "install udf", "parse error", "aes256-cbc", "hmac-sha1,", " [E] "} {
		if strings.Contains(got, no) {
			t.Errorf("%q in what the system says", no)
		}
	}
	if t.Failed() {
		t.Log(got)
	}
}

const hardContainer = `kiln: v1
name: hard
platforms: [linux/amd64]
essential: true
sources: [{archive: debian, suite: trixie}]
layers:
  - name: base
    packages:
      - apt: there is something to leave out
    files:
      - {path: /var/lib/app, directory: true, owner: app, why: the service's state}
users:
  - {name: app, uid: 10001, why: runs the service}
harden:
  - no-setuid
  - no-shells
  - no-package-manager
  - no-docs
  - read-only-root: {writable: [/var/lib/app], why: the service's state}
  - noninteractive
  - root-locked
container:
  user: app
  entrypoint: [/usr/bin/cp, -v]
`

// A container with all rules for containers runs its program, which can write where
// the recipe says and nowhere else; there is no shell to be had.
func TestHardenedContainer(t *testing.T) {
	real(t)
	dir := t.TempDir()
	write(t, filepath.Join(dir, "kiln.yaml"), hardContainer)
	build(t, dir, "-o", "docker-archive:image.tar", "-o", "folder:root")
	for _, e := range engines() {
		ref := e.load(t, filepath.Join(dir, "image.tar"))
		defer e.remove(t, ref)
		if got := e.start(t, ref, nil, "/etc/os-release", "/var/lib/app/x"); got != "'/etc/os-release' -> '/var/lib/app/x'\n" {
			t.Errorf("%s: %q", e.name, got)
		}
		got := e.start(t, ref, []string{"--entrypoint", "/usr/bin/find"}, "/usr/bin", "/usr/sbin", "/usr/lib", "(", "-perm", "/6000", "-o", "-name", "*sh", "-o", "-name", "apt*", "-o", "-name", "dpkg*", "-o", "-name", "libapt*", ")", "-not", "-type", "d", "-not", "-name", "*.sh")
		for line := range strings.Lines(got) {
			switch filepath.Base(strings.TrimSpace(line)) {
			case "chsh": // changes the shell of an account
			default:
				t.Errorf("%s: %s is left", e.name, strings.TrimSpace(line))
			}
		}
	}
}
