package drills_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"kiln/internal/apt"
)

var update = flag.Bool("update", false, "write docs/parity.md")

// paritySet is a set of packages on top of minbase, which is Essential, Required and apt.
type paritySet struct{ name, packages string }

// paritySets are what fleets build images of.
func paritySets() []paritySet {
	return []paritySet{
		{"minbase", ""},
		{"apt", "apt,apt-utils"},
		{"python3", "python3"},
		{"perl", "perl"},
		{"openjdk-21-jre-headless", "openjdk-21-jre-headless"},
		{"nodejs", "nodejs"},
		{"postgresql", "postgresql"},
		{"nginx", "nginx"},
		{"openssh-server", "openssh-server"},
		{"systemd, dbus, udev", "systemd,systemd-sysv,dbus,udev"},
		{"server", serverPackages},
		{"git", "git"},
		{"curl, ca-certificates", "curl,ca-certificates"},
		{"ruby", "ruby"},
		{"php-fpm", "php-fpm"},
		{"redis", "redis-server"},
		{"haproxy", "haproxy"},
		{"rsyslog", "rsyslog"},
		{"cron", "cron"},
		{"chrony", "chrony"},
		{"nftables", "nftables"},
		{"sudo", "sudo"},
		{"locales", "locales"},
		{"fontconfig", "fontconfig"},
		{"gcc", "gcc"},
	}
}

// serverPackages is a machine to log in to, as Debian's standard task has it, with
// what its operators add first.
const serverPackages = "systemd,systemd-sysv,dbus,udev,openssh-server,cron,rsyslog,logrotate,sudo,chrony,nftables,locales,man-db,less,vim-tiny," +
	"iproute2,iputils-ping,bash-completion,ca-certificates,curl,wget,git,python3,perl,apt-listchanges,bind9-host,dmidecode,file,lsof,ncurses-term," +
	"pciutils,procps,psmisc,traceroute,ucf,xz-utils,tmux,htop,rsync,unattended-upgrades,ethtool,gnupg,netcat-openbsd,tcpdump"

// parityRow is a line of the table.
type parityRow struct {
	set                                              string
	packages, scripts, entries, equal, accepted, bad int
}

// For a set of packages, the tree that kiln makes is the tree that dpkg makes, path
// by path: type, mode, owner, link target, content and capabilities. mmdebstrap
// makes the other one, from the same archive; kiln has its rules off.
// testdata/parity.txt lists the differences that are accepted, each with its
// reason. KILN_PARITY_PEERS may name a folder in which the peers' tars are kept
// from one run to the next.
func TestParity(t *testing.T) {
	real(t)
	accepted := acceptedDifferences(t)
	var mutex sync.Mutex
	rows := map[string]parityRow{}
	t.Run("sets", func(t *testing.T) {
		for _, set := range paritySets() {
			t.Run(set.name, func(t *testing.T) {
				t.Parallel()
				row := parity(t, set, accepted)
				mutex.Lock()
				defer mutex.Unlock()
				rows[set.name] = row
			})
		}
	})
	var table strings.Builder
	table.WriteString("| set | packages | scripts run | entries | equal | accepted | unexplained |\n|---|---:|---:|---:|---:|---:|---:|\n")
	for _, set := range paritySets() {
		r := rows[set.name]
		fmt.Fprintf(&table, "| %s | %d | %d | %d | %d | %d | %d |\n", set.name, r.packages, r.scripts, r.entries, r.equal, r.accepted, r.bad)
	}
	t.Log("\n" + table.String())
	if *update {
		writeParity(t, table.String())
	}
}

const parityTable = "<!-- table -->\n"

// writeParity puts the table between the two marks of docs/parity.md.
func writeParity(t *testing.T, table string) {
	t.Helper()
	const path = "../docs/parity.md"
	old, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(string(old), parityTable)
	if len(parts) != 3 {
		t.Fatalf("%s does not hold the mark %q twice", path, parityTable)
	}
	write(t, path, parts[0]+parityTable+"\n"+table+"\n"+parityTable+parts[2])
}

// parity compares one set.
func parity(t *testing.T, set paritySet, accepted []string) parityRow {
	peer := readRoot(t, peerTar(t, set))
	installed := installedIn(peer.content["var/lib/dpkg/status"])
	dir := t.TempDir()
	write(t, filepath.Join(dir, "kiln.yaml"), parityRecipe(installed))
	r := build(t, dir, "-o", "tar:root.tar")
	own := readRoot(t, filepath.Join(dir, "root.tar"))
	row := parityRow{set: set.name, packages: r.Images[0].Packages, scripts: scriptsRun(t, dir), entries: len(peer.entries)}
	paths := map[string]bool{}
	for p := range peer.entries {
		paths[p] = true
	}
	for p := range own.entries {
		paths[p] = true
	}
	for _, p := range slices.Sorted(keys(paths)) {
		got, want := own.describe(p), peer.describe(p)
		switch {
		case strings.HasPrefix(p, "var/cache/apt/archives/") && strings.HasSuffix(p, ".deb"): // what the peer is made of
			row.entries--
		case got == want:
			row.equal++
		case slices.ContainsFunc(accepted, func(pattern string) bool {
			return matches(pattern, p) || matches(pattern, p+"->"+own.links[p]+peer.links[p])
		}):
			row.accepted++
		default:
			row.bad++
			t.Errorf("%s: kiln has %s, dpkg %s", p, got, want)
		}
	}
	return row
}

// scriptsRun counts the maintainer scripts, triggers' runs among them.
func scriptsRun(t *testing.T, dir string) int {
	t.Helper()
	var report struct {
		Summary struct {
			Run int `json:"run"`
		} `json:"summary"`
	}
	out := run(t, dir, kilnBinary(t), "scripts", dir, "--locked", "--json", "--store", sharedStore(t))
	if err := json.Unmarshal([]byte(out), &report); err != nil {
		t.Fatalf("kiln scripts --json: %v", err)
	}
	if report.Summary.Run == 0 {
		t.Error("kiln scripts tells of no script")
	}
	return report.Summary.Run
}

// parityRecipe wants just the packages that the peer has, with no rule on.
func parityRecipe(packages []string) string {
	var b strings.Builder
	b.WriteString("kiln: v1\nname: parity\nplatforms: [linux/amd64]\nessential: true\nsources:\n  - {archive: debian, suite: trixie, pockets: []}\nlayers:\n  - name: base\n    packages:\n")
	for _, p := range packages {
		fmt.Fprintf(&b, "      - %s: the peer has it\n", p)
	}
	b.WriteString("system:\n  services:\n    enable:\n      - {unit: \"*\", why: the peer enables all that ask for it}\nrules:\n  off:\n")
	for _, rule := range []string{"no-doc", "no-man", "no-info", "no-locale", "no-lintian", "no-traces"} {
		fmt.Fprintf(&b, "      - %s: the peer keeps all\n", rule)
	}
	return b.String()
}

// installedIn lists the packages of a status file.
func installedIn(status []byte) []string {
	var names []string
	for line := range strings.Lines(string(status)) {
		if name, ok := strings.CutPrefix(line, "Package: "); ok {
			names = append(names, strings.TrimSpace(name))
		}
	}
	return names
}

// peerTar returns the tar of the set that mmdebstrap makes.
func peerTar(t *testing.T, set paritySet) string {
	t.Helper()
	dir := os.Getenv("KILN_PARITY_PEERS")
	if dir == "" {
		dir = t.TempDir()
	}
	file := filepath.Join(dir, strings.NewReplacer(", ", "-", " ", "-").Replace(set.name)+".tar")
	if _, err := os.Stat(file); err == nil {
		return file
	}
	part := file + ".part.tar"
	args := []string{"--variant=minbase", "--skip=essential/unlink", "--quiet"}
	if set.packages != "" {
		args = append(args, "--include="+set.packages)
	}
	args = append(args, "trixie", part, "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] "+debianMirror(t)+" trixie main")
	cmd := exec.Command("mmdebstrap", args...)
	cmd.Env = append(os.Environ(), "SOURCE_DATE_EPOCH=1700000000")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("mmdebstrap: %v\n%s", err, out)
	}
	if err := os.Rename(part, file); err != nil {
		t.Fatal(err)
	}
	return file
}

func debianMirror(t *testing.T) string {
	t.Helper()
	mirrors, err := apt.FindMirrors(apt.MirrorOptions{Getenv: os.Getenv, Host: os.DirFS("/etc/apt")})
	if err != nil {
		t.Fatal(err)
	}
	main, err := mirrors.Of("debian")
	if err != nil {
		t.Fatal(err)
	}
	return main[0]
}

// acceptedDifferences reads testdata/parity.txt: a pattern, then the reason.
func acceptedDifferences(t *testing.T) []string {
	t.Helper()
	data, err := os.ReadFile("testdata/parity.txt")
	if err != nil {
		t.Fatal(err)
	}
	var patterns []string
	lines := bufio.NewScanner(bytes.NewReader(data))
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		pattern, why, _ := strings.Cut(line, " ")
		if strings.TrimSpace(why) == "" {
			t.Errorf("testdata/parity.txt: %q has no reason", pattern)
		}
		patterns = append(patterns, pattern)
	}
	return patterns
}
