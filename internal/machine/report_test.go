package machine

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// sample is a report as the second serial port has it: the firmware's words first, lines that end in CR LF.
const sample = "\x1b[2J\x1b[01;01HBdsDxe: loading Boot0001\r\n" + `KILN-REPORT state
running
KILN-REPORT failed
KILN-REPORT target
active
KILN-REPORT kernel
6.12.48+deb13-cloud-amd64
KILN-REPORT os
NAME="Debian GNU/Linux"
IMAGE_ID=system-minimal
IMAGE_VERSION="1"
KILN-REPORT mounts
/dev/mapper/root / erofs ro,relatime 0 0
tmpfs /var tmpfs rw 0 0
/dev/vda6 /var ext4 rw,nosuid 0 0
KILN-REPORT verity
CRYPT-VERITY-0011-root
KILN-REPORT labels
total 0
lrwxrwxrwx 1 root root 10 Nov 21 21:00 state -> ../../vda6
KILN-REPORT interfaces
total 0
lrwxrwxrwx 1 root root 0 Nov 21 21:00 enp0s4 -> ../../devices/pci0000:00/0000:00:04.0/virtio1/net/enp0s4
lrwxrwxrwx 1 root root 0 Nov 21 21:00 lo -> ../../devices/virtual/net/lo
KILN-REPORT ports
  sl  local_address rem_address   st tx_queue
   0: 00000000:0016 00000000:0000 0A 00000000:00000000
  sl  local_address                         remote_address                        st tx_queue
   0: 00000000000000000000000000000000:0016 00000000000000000000000000000000:0000 0A 00000000:00000000
   1: 0100007F:A1B2 0100007F:0016 01 00000000:00000000
   2: 00000000:0044 00000000:0000 07 00000000:00000000
KILN-REPORT secureboot
   6   0   0   0   1
KILN-REPORT times
Startup finished in 2.1s (kernel) + 3.2s (initrd) + 9.9s (userspace) = 15.2s
multi-user.target reached after 9s in userspace.
KILN-REPORT journal
KILN-REPORT check-0
active
KILN-REPORT check-1
regular file
KILN-REPORT run
KILN-REPORT check-4
Result=exit-code
ExecMainCode=1
ExecMainStatus=3
KILN-REPORT check-4-prints
out of order
KILN-REPORT end
`

func sampleFacts() Facts {
	return Facts{
		State: "running", Target: "active", Failed: []string{}, Kernel: "6.12.48+deb13-cloud-amd64", Name: "system-minimal", Version: "1",
		Interfaces: []string{"enp0s4"}, Root: Mount{"/dev/mapper/root", "", "erofs", true}, Var: Mount{"/dev/vda6", "state", "ext4", false},
		Verity: true, SecureBoot: true, Ports: []string{"tcp/22", "udp/68"}, Startup: "2.1s (kernel) + 3.2s (initrd) + 9.9s (userspace) = 15.2s",
	}
}

func TestReport(t *testing.T) {
	t.Parallel()
	parts, whole := sections(strings.ReplaceAll(sample, "\n", "\r\n"))
	if !whole {
		t.Fatal("it has no end")
	}
	if diff := cmp.Diff(sampleFacts(), factsOf(parts)); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	for cut := range len(sample) - len(reportMark+"end\n") {
		if _, whole := sections(sample[:cut]); whole {
			t.Fatalf("its first %d bytes are taken for the whole", cut)
		}
	}
}

// Nothing that the guest says makes reading its report fail: it may be broken, or hostile.
func FuzzReport(f *testing.F) {
	f.Add(sample)
	f.Add(strings.Repeat(reportMark+"failed\n\x00 \n", 3))
	f.Fuzz(func(t *testing.T, text string) {
		parts, _ := sections(text)
		for name, s := range parts {
			if strings.ContainsAny(s, "\x1b\x00\x07") {
				t.Errorf("%s has control characters: %q", name, s)
			}
		}
		facts := factsOf(parts)
		facts.judge(Options{SecureBoot: true})
		judgeAll([]Check{{Unit: "a"}, {Path: "/a"}, {Port: "tcp/1"}, {Interface: "a"}, {Command: []string{"a"}, Prints: "b"}}, parts, facts)
	})
}

// What is wrong with a system is found, each by itself.
func TestFindings(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		change func(*Facts)
		want   string
	}{
		{func(f *Facts) {}, ""},
		{func(f *Facts) { f.Target = "inactive" }, "multi-user.target is reached"},
		{func(f *Facts) { f.State, f.Failed = "degraded", []string{"a.service"} }, "no unit failed"},
		{func(f *Facts) { f.State = "starting" }, "no unit failed"},
		{func(f *Facts) { f.Root.ReadOnly = false }, "the root is read-only and verified"},
		{func(f *Facts) { f.Verity = false }, "the root is read-only and verified"},
		{func(f *Facts) { f.Var = Mount{} }, "/var can be written to"},
		{func(f *Facts) { f.Interfaces = nil }, "one network interface"},
		{func(f *Facts) { f.SecureBoot = false }, "Secure Boot is on"},
	} {
		f := sampleFacts()
		row.change(&f)
		var got []string
		for _, x := range f.judge(Options{SecureBoot: true}) {
			if !x.OK {
				got = append(got, x.Check)
			}
		}
		if s := strings.Join(got, "; "); s != row.want {
			t.Errorf("found %q, want %q", s, row.want)
		}
	}
}

func TestChecks(t *testing.T) {
	t.Parallel()
	checks, err := ParseChecks("checks.yaml", []byte(`test: v1
checks:
  - {unit: ssh.service, why: people log in}
  - {path: /etc/app.conf, why: the service reads it}
  - {port: tcp/22, why: people log in}
  - {interface: enp0s9, why: the second network}
  - {command: [app, --check, "$HOME 100%", 'a"b'], status: 3, prints: ^out of, why: it notices}
`))
	if err != nil {
		t.Fatal(err)
	}
	parts, _ := sections(sample)
	var got []bool
	for _, x := range judgeAll(checks, parts, factsOf(parts)) {
		got = append(got, x.OK)
	}
	if diff := cmp.Diff([]bool{true, true, true, false, true}, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	all := credentials("/dev/ttyS1", checks, true)
	for _, want := range []string{
		`systemd.extra-unit.kiln-check-4.service`, `ExecStart="app" "--check" "$$HOME 100%%" "a\"b"`,
		"ExecStopPost=-systemctl show --property=ActiveState --value -- ssh.service\n", "ExecStopPost=-stat -c %%F -- /etc/app.conf\n",
		"ExecStopPost=-systemctl start kiln-check-4.service\n", "StandardOutput=file:/dev/ttyS1\n",
	} {
		found := false
		for _, c := range all {
			found = found || strings.Contains(c.Name+"\n"+string(c.Data), want)
		}
		if !found {
			t.Errorf("no credential has %q", want)
		}
	}
}

func TestChecksThatCannotBe(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ text, want string }{
		{"checks: [{unit: a, why: b}]", "test"},
		{"test: v2\nchecks: [{unit: a, why: b}]", `no format "v2"`},
		{"test: v1\nchecks: [{unit: a}]", "why"},
		{"test: v1\nchecks: [{why: b}]", "a check is of one thing"},
		{"test: v1\nchecks: [{unit: a, path: /b, why: c}]", "a check is of one thing"},
		{"test: v1\nchecks: [{unit: \"a\\nExecStart=b\", why: c}]", "cannot be asked for"},
		{"test: v1\nchecks: [{path: etc, why: c}]", "cannot be asked for"},
		{"test: v1\nchecks: [{port: \"22\", why: c}]", "is no port"},
		{"test: v1\nchecks: [{unit: a, prints: b, why: c}]", "are of a command"},
		{"test: v1\nchecks: [{command: [a], status: \"256\", why: c}]", "is no status"},
		{"test: v1\nchecks: [{command: [a], prints: \"(\", why: c}]", "regular expression"},
		{"test: v1\nchecks: [{command: [a], shell: b, why: c}]", "shell"},
	} {
		if _, err := ParseChecks("checks.yaml", []byte(row.text)); err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: %v; want %q", row.text, err, row.want)
		}
	}
}

// Of what a machine says, the lines after which nothing comes are noticed, wherever its words are cut.
func TestLostMachines(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ text, want string }{
		{"[    1.2] Kernel panic - not syncing: VFS\n", "Kernel panic"},
		{"BdsDxe: No bootable option or device was found.\r\n", "No bootable"},
		{"UEFI Interactive Shell\r\nShell> ", "Shell>"},
		{"[  OK  ] Reached target\x1b[0m multi-user.target\r\nlogin: ", ""},
	} {
		for cut := range len(row.text) {
			w := &watcher{}
			said := w.console(row.text[:cut])
			if said == "" {
				said = w.console(row.text[cut:])
			}
			if (said == "") != (row.want == "") || !strings.Contains(said, row.want) {
				t.Errorf("%q cut at %d: %q", row.text, cut, said)
			}
		}
	}
}

// A console that says much takes no memory.
func TestConsoleIsBounded(t *testing.T) {
	t.Parallel()
	w := &watcher{}
	line := string(bytes.Repeat([]byte("x"), maxLine))
	for range 1000 {
		w.console(line)
	}
	for range 1000 {
		w.console("y\n")
	}
	if len(w.tail) != tailLines || w.line.Len() > 2*maxLine {
		t.Errorf("it keeps %d lines, and %d bytes of one", len(w.tail), w.line.Len())
	}
}
