package resolve_test

import (
	"cmp"
	"context"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"kiln/internal/deb"
	"kiln/internal/resolve"
)

// needReal skips unless real archives and tools are asked for.
func needReal(t *testing.T) {
	t.Helper()
	if os.Getenv("KILN_TEST") != "real" {
		t.Skip("needs Debian's archive and tools: set KILN_TEST=real")
	}
}

// TestRealApt holds the resolver against the host's apt-get install -s
// --no-install-recommends on an empty system, over trixie main.
// testdata/apt-differences.txt names the sets that differ, each with its reason.
func TestRealApt(t *testing.T) {
	needReal(t)
	path := packagesFile(t)
	packages := readPackages(t, path)
	ix := resolve.NewIndex(asCandidates(packages))
	apt := newApt(t, path)
	known := differences(t)
	requests := realRequests(packages)
	if len(requests) < 200 {
		t.Fatalf("only %d requests", len(requests))
	}
	answers := apt.installAll(requests)
	same, refused := 0, 0
	for i, names := range requests {
		verdict := compareWithApt(t, ix, names, answers[i])
		key := strings.Join(names, " ")
		switch {
		case verdict == "same":
			same++
		case verdict == "refused":
			refused++
		case known[key] == "":
			t.Errorf("%s: %s: not in testdata/apt-differences.txt", key, verdict)
		case !strings.HasPrefix(known[key], verdict+" # "):
			t.Errorf("%s: %s: testdata/apt-differences.txt says %s", key, verdict, known[key])
		}
	}
	t.Logf("%d requests: %d same set, %d refused by both, %d different", len(requests), same, refused, len(requests)-same-refused)
}

// compareWithApt returns "same", "refused" by both, or the difference.
func compareWithApt(t *testing.T, ix *resolve.Index, request []string, apt answer) string {
	req := resolve.Request{Arch: "amd64"}
	for _, n := range request {
		req.Wants = append(req.Wants, resolve.Want{Name: n})
	}
	sol, err := resolve.Resolve(context.Background(), ix, req)
	switch {
	case err != nil && apt.err != nil:
		return "refused"
	case err != nil:
		return "refused here: " + err.Error()
	case apt.err != nil:
		return "refused by apt"
	}
	checkBoth(t, ix, req)
	var here []string
	for _, p := range sol.Packages {
		here = append(here, p.Name+"="+p.Version)
	}
	var diff []string
	for _, p := range apt.set {
		if !slices.Contains(here, p) {
			diff = append(diff, "-"+p)
		}
	}
	for _, p := range here {
		if !slices.Contains(apt.set, p) {
			diff = append(diff, "+"+p)
		}
	}
	if len(diff) == 0 {
		return "same"
	}
	for i := range diff {
		diff[i], _, _ = strings.Cut(diff[i], "=")
	}
	return strings.Join(diff, " ")
}

// realRequests are packages of every section, and groups as images have them.
func realRequests(packages []*deb.Package) [][]string {
	groups := []string{
		"nginx", "postgresql", "postgresql postgresql-client", "python3 python3-pip", "python3 python3-venv", "openjdk-21-jre-headless",
		"openjdk-21-jdk", "systemd dbus udev", "systemd systemd-sysv systemd-resolved dbus", "openssh-server", "openssh-client rsync",
		"gcc libc6-dev make", "g++ cmake", "git", "git git-lfs", "ca-certificates curl", "wget ca-certificates", "php-fpm",
		"php-fpm php-mysql php-curl nginx", "ruby", "ruby-full", "redis", "haproxy", "mariadb-server", "mariadb-client", "memcached",
		"apache2", "apache2 libapache2-mod-php", "nodejs", "nodejs npm", "perl", "golang", "rustc cargo", "erlang-base", "elixir", "lua5.4",
		"r-base-core", "tomcat10", "varnish", "squid", "bind9", "unbound", "dnsmasq", "chrony", "rsyslog", "cron", "logrotate", "sudo",
		"bash coreutils", "busybox", "dash", "zsh", "tzdata", "locales", "gnupg", "openssl", "libc6 ca-certificates tzdata",
		"libssl3t64 zlib1g", "iproute2 iputils-ping", "nftables", "iptables", "tcpdump", "strace gdb", "vim", "nano", "less", "jq",
		"ffmpeg", "imagemagick", "ghostscript", "libreoffice-core", "chromium", "firefox-esr", "texlive-base", "pandoc",
		"docker.io", "podman", "buildah skopeo", "qemu-system-x86", "qemu-utils", "libvirt-daemon-system", "lxc", "containerd runc",
		"postfix", "exim4", "dovecot-imapd", "rabbitmq-server", "mosquitto", "prometheus", "prometheus-node-exporter", "grub-efi-amd64",
		"linux-image-amd64", "linux-image-cloud-amd64 initramfs-tools", "dracut", "cryptsetup lvm2", "btrfs-progs e2fsprogs dosfstools",
		"network-manager", "wpasupplicant", "bluez", "cups", "samba", "nfs-kernel-server", "slapd", "krb5-kdc", "freeradius", "openvpn",
		"wireguard-tools", "strongswan", "fail2ban", "snmpd", "zabbix-agent", "collectd", "sqlite3", "python3-django gunicorn",
		"python3-numpy python3-scipy", "python3-flask uwsgi", "build-essential", "debhelper", "devscripts", "gnome-core", "xfce4",
		"kde-plasma-desktop", "xserver-xorg", "gdm3", "sway", "pipewire", "pulseaudio", "mutt", "irssi", "tmux screen", "ansible",
		"puppet-agent", "task-ssh-server", "cloud-init", "default-jdk maven", "gradle", "ant", "sbcl", "ghc", "ocaml", "swi-prolog",
		"octave", "gnuplot", "graphviz", "subversion", "mercurial", "bzr", "inkscape", "gimp", "blender", "vlc", "mpv",
		"base-files base-passwd libc-bin", "apt", "dpkg", "apt-utils unattended-upgrades", "debootstrap", "mmdebstrap", "mail-transport-agent",
		"default-mta", "awk", "httpd", "java-runtime", "no-such-package", "exim4 postfix", "webext-xnotepp",
	}
	var list [][]string
	seen := map[string]bool{}
	add := func(words string) {
		if !seen[words] {
			seen[words] = true
			list = append(list, strings.Fields(words))
		}
	}
	for _, g := range groups {
		add(g)
	}
	for _, name := range bySection(packages) {
		add(name)
	}
	return list
}

// bySection picks of every section the first package, the last one, and the one
// with the most dependencies.
func bySection(packages []*deb.Package) []string {
	sections := map[string][]*deb.Package{}
	var order []string
	for _, p := range packages {
		if sections[p.Section] == nil {
			order = append(order, p.Section)
		}
		sections[p.Section] = append(sections[p.Section], p)
	}
	slices.Sort(order)
	var names []string
	for _, s := range order {
		list := sections[s]
		most := slices.MaxFunc(list, func(a, b *deb.Package) int {
			return cmp.Or(cmp.Compare(len(a.Depends), len(b.Depends)), cmp.Compare(a.Name, b.Name))
		})
		for _, p := range []*deb.Package{list[0], list[len(list)-1], most} {
			names = append(names, p.Name)
		}
	}
	return names
}

// differences reads testdata/apt-differences.txt: "request: difference # reason".
func differences(t *testing.T) map[string]string {
	b, err := os.ReadFile("testdata/apt-differences.txt")
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]string{}
	for _, line := range strings.Split(strings.TrimSpace(string(b)), "\n") {
		if request, rest, ok := strings.Cut(line, ": "); ok && !strings.HasPrefix(line, "#") {
			known[request] = rest
		}
	}
	return known
}

// TestRealDose holds the resolver against dose-debcheck: which packages of
// trixie main can be installed at all.
func TestRealDose(t *testing.T) {
	needReal(t)
	path := packagesFile(t)
	packages := readPackages(t, path)
	list, err := resolve.NewIndex(asCandidates(packages)).Uninstallable(context.Background(), "amd64")
	if err != nil {
		t.Fatal(err)
	}
	here := []string{}
	for _, c := range list {
		here = append(here, c.Name+"="+c.Version)
	}
	dose := doseBroken(t, path)
	t.Logf("%d packages: %d not installable here, %d by dose-debcheck", len(packages), len(here), len(dose))
	if !slices.Equal(dose, here) {
		t.Errorf("not installable by dose-debcheck: %v, here: %v", dose, here)
	}
}

var doseLine = regexp.MustCompile(`(?m)^  package: (\S+)\n  version: (\S+)\n`)

// doseBroken returns name=version of what dose-debcheck finds broken. Its exit
// status says that there is something.
func doseBroken(t *testing.T, path string) []string {
	out, err := exec.Command("dose-debcheck", "--failures", path).Output()
	if len(out) == 0 {
		t.Fatalf("cannot run dose-debcheck (Debian's dose-extra): %v", err)
	}
	broken := []string{}
	for _, m := range doseLine.FindAllStringSubmatch(strings.ReplaceAll(string(out), "\n -\n", "\n"), -1) {
		broken = append(broken, m[1]+"="+m[2])
	}
	slices.Sort(broken)
	return broken
}
