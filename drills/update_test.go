package drills_test

import (
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// updates serves update folders to machines, one at a time.
type updates struct {
	*httptest.Server
	mu     sync.Mutex
	folder string
	left   int64  // bytes until cut is called; negative: it is not
	cut    func() //
}

// serveUpdates serves at a port of the host, which machines know as 10.0.2.2. A request of /switch/NAME has it serve the folder
// dir/NAME from then on.
func serveUpdates(t *testing.T, dir string) *updates {
	t.Helper()
	u := &updates{left: -1}
	u.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, isSwitch := strings.CutPrefix(r.URL.Path, "/switch/")
		u.mu.Lock()
		if isSwitch {
			u.folder = filepath.Join(dir, name)
		}
		folder := u.folder
		u.mu.Unlock()
		if isSwitch {
			fmt.Fprintln(w, "from now on", name)
			return
		}
		http.FileServer(http.Dir(folder)).ServeHTTP(counted{w, u}, r)
	}))
	t.Cleanup(u.Close)
	return u
}

// counted tells of the bytes that go out.
type counted struct {
	http.ResponseWriter
	u *updates
}

func (c counted) Write(b []byte) (int, error) {
	c.u.mu.Lock()
	before := c.u.left
	if before >= 0 {
		c.u.left = max(0, before-int64(len(b)))
	}
	if before > 0 && c.u.left == 0 {
		go c.u.cut()
	}
	c.u.mu.Unlock()
	return c.ResponseWriter.Write(b)
}

// guestURL is the server, as machines know it.
func (u *updates) guestURL() string {
	_, port, _ := net.SplitHostPort(u.Listener.Addr().String())
	return "http://10.0.2.2:" + port
}

// versions builds the disk of version 1 and the update folders of the versions, the last of which restarts before it has come up.
func versions(t *testing.T, u *updates, dir string, names ...string) (disk string) {
	t.Helper()
	home := t.TempDir()
	gpg := func(args ...string) {
		run(t, dir, "gpg", append([]string{"--homedir", home, "--batch", "--quiet", "--pinentry-mode", "loopback", "--passphrase", ""}, args...)...)
	}
	gpg("--quick-generate-key", "drill", "rsa2048", "sign", "never")
	gpg("--output", filepath.Join(dir, "update.key"), "--export-secret-keys", "drill")
	gpg("--output", filepath.Join(dir, "update.gpg"), "--export", "drill")
	for _, v := range names {
		cmdline := ""
		if v == "3" {
			cmdline = "  cmdline: [{arg: rd.systemd.unit=reboot.target, why: this version is broken on purpose}]\n"
		}
		at := system(t, "system-minimal", "version: \"1\"\n", "version: \""+v+"\"\n", "      - kmod:", "      - gpg: checks signatures of updates\n      - kmod:",
			profileLine, cmdline+stateDisk+"    update: {url: \""+u.guestURL()+"\", keyring: update.gpg, key: update.key, why: the drill serves them}\n")
		run(t, dir, "cp", "update.key", "update.gpg", at)
		outputs := []string{"--platform", "linux/amd64", "-o", "update:" + filepath.Join(dir, v)}
		if disk == "" {
			disk = filepath.Join(dir, "disk.raw")
			outputs = append(outputs, "-o", "raw:"+disk)
		}
		build(t, at, outputs...)
	}
	st, err := os.Stat(disk)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(disk, st.Size()+1<<30); err != nil { // room for the state
		t.Fatal(err)
	}
	return disk
}

const (
	sysupdate   = "/usr/lib/systemd/systemd-sysupdate"
	systemdPull = "/usr/lib/systemd/systemd-pull"
	online      = "  - {command: [/usr/lib/systemd/systemd-networkd-wait-online, --any], why: the update comes over the network}\n"
)

// checksFile writes a file of checks.
func checksFile(t *testing.T, lines ...string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "checks.yaml")
	write(t, file, "test: v1\nchecks:\n"+strings.Join(lines, ""))
	return file
}

// Version 1 takes version 2 and boots it; an older version, and one whose signature is bad, is not taken; version 3, which does not
// come up, gives way to 2 by itself; what was written to the state is there all along.
func TestUpdates(t *testing.T) {
	real(t)
	t.Parallel()
	dir := t.TempDir()
	u := serveUpdates(t, dir)
	disk := versions(t, u, dir, "1", "2", "3")
	run(t, dir, "cp", "-r", "3", "bad")
	sums, err := os.ReadFile(filepath.Join(dir, "bad", "SHA256SUMS"))
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "bad", "SHA256SUMS"), string(sums)+"# somebody else's\n")
	serve := func(name string) string {
		return "  - {command: [" + systemdPull + ", --direct, --verify=no, raw, \"" + u.guestURL() + "/switch/" + name + "\", /run/switched-" + name + "], why: the drill}\n"
	}
	update := func(status int) string {
		return fmt.Sprintf("  - {command: [%s, update], status: \"%d\", why: the drill}\n", sysupdate, status)
	}
	const kept = "/var/lib/drill"
	stage := func(want string, reboot bool, lines ...string) {
		t.Helper()
		args := []string{"--network", "--snapshot=false", "--checks", checksFile(t, append([]string{online}, lines...)...)}
		if reboot {
			args = append(args, "--reboot")
		}
		m := kilnTest(t, 0, disk, args...)
		if !m.OK || m.Facts.Version != want {
			t.Fatalf("want version %s: %+v: %s\n%s", want, m.Facts, m.wrong(), strings.Join(m.Console, "\n"))
		}
	}
	stage("1", false, "  - {command: [touch, "+kept+"], why: the drill}\n", serve("2"), update(0))
	survives := "  - {path: " + kept + ", why: state survives}\n"
	has := func(versions string) string { // tells whether the boot partition has these and no others
		return "  - {command: [ls, /boot/EFI/Linux], prints: '" + `^` + versions + `$` + "', why: the drill}\n"
	}
	both := `system-minimal_1\S*\s+system-minimal_2\S*\s+`
	stage("2", false, survives, serve("1"), update(0), has(both), serve("bad"), update(1), has(both),
		serve("3"), update(0), has(`system-minimal_2\S*\s+system-minimal_3\S*\s+`))
	stage("2", true, survives)
}

// Killed at any moment of an update, a machine starts afterwards, in one of the two versions. KILN_POWER_CUTS says how
// often (2), KILN_POWER_SEED where. The disk was not started before, so that start makes the state, too.
func TestPowerCuts(t *testing.T) {
	real(t)
	t.Parallel()
	dir := t.TempDir()
	u := serveUpdates(t, dir)
	disk := versions(t, u, dir, "1", "2")
	u.folder = filepath.Join(dir, "2")
	var total int64
	files, err := os.ReadDir(u.folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		st, err := f.Info()
		if err != nil {
			t.Fatal(err)
		}
		total += st.Size()
	}
	cuts, seed := number(t, "KILN_POWER_CUTS", 2), number(t, "KILN_POWER_SEED", 7)
	chance := rand.New(rand.NewPCG(uint64(seed), 0))
	for i := range cuts {
		at := 1 + chance.Int64N(total)
		late := time.Duration(0)
		if i%2 == 1 { // when all was fetched, and the kernel image gets its name
			at, late = total*99/100, time.Duration(chance.Int64N(int64(20*time.Second)))
		}
		copied := filepath.Join(dir, fmt.Sprintf("cut-%d.raw", i))
		run(t, dir, "cp", "--sparse=always", disk, copied)
		u.cutDuring(t, copied, at, late)
		m := kilnTest(t, 0, copied)
		if !m.OK || m.Facts.Version != "1" && m.Facts.Version != "2" {
			t.Errorf("cut %s after %d of %d bytes (seed %d): %+v: %s\n%s", late, at, total, seed, m.Facts, m.wrong(), strings.Join(m.Console, "\n"))
		} else {
			t.Logf("RESULT cut %s after %d of %d bytes: version %s", late, at, total, m.Facts.Version)
		}
		if err := os.Remove(copied); err != nil {
			t.Fatal(err)
		}
	}
}

// cutDuring starts an update, and kills the machine some time after so many bytes of it went out.
func (u *updates) cutDuring(t *testing.T, image string, at int64, late time.Duration) {
	t.Helper()
	machines <- struct{}{}
	defer func() { <-machines }()
	cmd := exec.Command(kilnBinary(t), "test", image, "--network", "--snapshot=false", "--silence", "15m", "--checks",
		checksFile(t, online, "  - {command: ["+sysupdate+", update], why: the drill}\n"))
	u.mu.Lock()
	u.left, u.cut = at, func() { time.AfterFunc(late, func() { _ = cmd.Process.Kill() }) } // qemu dies with kiln
	u.mu.Unlock()
	out, _ := cmd.CombinedOutput()
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.left != 0 {
		t.Fatalf("the update did not get that far: %s", out)
	}
	u.left = -1
}

func number(t *testing.T, name string, without int) int {
	t.Helper()
	s := os.Getenv(name)
	if s == "" {
		return without
	}
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatalf("%s=%q: %v", name, s, err)
	}
	return n
}
