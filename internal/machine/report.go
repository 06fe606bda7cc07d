package machine

import (
	"fmt"
	"strconv"
	"strings"
)

// reportMark stands before each part of what the guest says; the firmware writes to the same port.
const reportMark = "KILN-REPORT "

// part is a part of the report: its name and the command whose output it is. There is no shell among
// them: an image may have none.
type part struct {
	name    string
	command string // as ExecStart= has it
}

// standard are the parts that are the same for every image.
func standard() []part {
	return []part{
		{"state", "systemctl is-system-running"},
		{"failed", "systemctl list-units --all --state=failed --plain --no-legend --full --no-pager"},
		{"target", "systemctl show --property=ActiveState --value multi-user.target"},
		{"kernel", "cat /proc/sys/kernel/osrelease"},
		{"cmdline", "cat /proc/cmdline"},
		{"os", "cat /etc/os-release"},
		{"mounts", "cat /proc/self/mounts"},
		{"verity", "cat /sys/class/block/dm-0/dm/uuid /sys/class/block/dm-1/dm/uuid /sys/class/block/dm-2/dm/uuid"},
		{"labels", "ls -l /dev/disk/by-partlabel"},
		{"interfaces", "ls -l /sys/class/net"},
		{"ports", "cat /proc/net/tcp /proc/net/tcp6 /proc/net/udp /proc/net/udp6"},
		{"secureboot", "od -An -tu1 /sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"},
		{"times", "systemd-analyze time"},
		{"journal", "journalctl -b -p warning -o short-monotonic --no-pager -n 60"},
	}
}

// credentials are the units that make the report, and what starts them. Where an emergency ends the machine, it is
// reported, too; else it is the system's own.
func credentials(port string, checks []Check, ends bool) []Credential {
	parts := append(standard(), checkParts(checks)...)
	var b strings.Builder
	fmt.Fprintf(&b, `[Unit]
Description=Report to kiln
ConditionPathExists=!/etc/initrd-release
After=multi-user.target
SuccessAction=poweroff-force
FailureAction=poweroff-force
[Service]
Type=exec
TimeoutStopSec=infinity
StandardOutput=file:%s
StandardError=null
Environment=SYSTEMD_COLORS=0 LC_ALL=C.UTF-8
ExecStart=-systemctl is-system-running --wait
`, port)
	for _, p := range parts {
		fmt.Fprintf(&b, "ExecStopPost=-echo '%s%s'\nExecStopPost=-%s\n", reportMark, p.name, p.command)
	}
	fmt.Fprintf(&b, "ExecStopPost=-echo '%send'\n", reportMark)
	list := []Credential{
		{"systemd.extra-unit.kiln-report.service", []byte(b.String())},
		{"systemd.unit-dropin.multi-user.target", []byte("[Unit]\nWants=kiln-report.service\n")},
	}
	if ends {
		list = append(list, emergency(port)...)
	}
	for i, c := range checks {
		if len(c.Command) > 0 {
			list = append(list, Credential{"systemd.extra-unit." + checkUnit(i), []byte(c.unit(i))})
		}
	}
	return list
}

// emergency is the unit that reports where the system goes into emergency mode, be it in the initrd.
func emergency(port string) []Credential {
	unit := fmt.Sprintf(`[Unit]
Description=Report the emergency to kiln
Before=emergency.service
DefaultDependencies=no
SuccessAction=poweroff-force
FailureAction=poweroff-force
[Service]
Type=oneshot
StandardOutput=file:%s
StandardError=null
Environment=SYSTEMD_COLORS=0 LC_ALL=C.UTF-8
ExecStart=-systemctl list-units --all --state=failed --plain --no-legend --full --no-pager
ExecStart=-journalctl -b -p warning -o short-monotonic --no-pager -n 60
`, port)
	return []Credential{
		{"systemd.extra-unit.kiln-emergency.service", []byte(unit)},
		{"systemd.unit-dropin.emergency.target", []byte("[Unit]\nWants=kiln-emergency.service\n")},
	}
}

// sections cuts a report into its parts. whole tells whether its end is there.
func sections(text string) (parts map[string]string, whole bool) {
	parts = map[string]string{}
	name := ""
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		if _, after, ok := strings.Cut(line, reportMark); ok {
			name = after
			whole = name == "end"
			continue
		}
		if name != "" {
			parts[name] += plain(line) + "\n"
		}
	}
	return parts, whole
}

// Facts are what a machine said of itself.
type Facts struct {
	State      string   `json:"state"`      // of systemd: running, or degraded where a unit failed
	Target     string   `json:"target"`     // of multi-user.target: active
	Failed     []string `json:"failed"`     // units
	Kernel     string   `json:"kernel"`     // its release
	Name       string   `json:"name"`       // IMAGE_ID, and IMAGE_VERSION, of os-release
	Version    string   `json:"version"`    //
	Interfaces []string `json:"interfaces"` // of the network, that are devices
	Root       Mount    `json:"root"`       // what is mounted at /
	Var        Mount    `json:"var"`        // at /var; empty where it is a part of the root
	Verity     bool     `json:"verity"`     // the root is checked by dm-verity
	SecureBoot bool     `json:"secureBoot"` // as the firmware says
	Ports      []string `json:"ports"`      // that something listens on: tcp/22
	Startup    string   `json:"startup"`    // how long it took, as systemd-analyze says
	Journal    []string `json:"journal,omitempty"`
}

// Mount is something that is mounted.
type Mount struct {
	Device   string `json:"device,omitempty"`
	Label    string `json:"label,omitempty"` // of the partition
	Type     string `json:"type,omitempty"`
	ReadOnly bool   `json:"readOnly"`
}

// factsOf reads the standard parts.
func factsOf(parts map[string]string) Facts {
	one := func(name string) string { return strings.TrimSpace(parts[name]) }
	f := Facts{State: one("state"), Target: one("target"), Kernel: one("kernel"), Failed: []string{}, Interfaces: []string{}, Ports: []string{}}
	for _, line := range lines(parts["failed"]) {
		f.Failed = append(f.Failed, strings.Fields(line)[0])
	}
	for _, line := range lines(parts["os"]) {
		switch key, value, _ := strings.Cut(line, "="); key {
		case "IMAGE_ID":
			f.Name = strings.Trim(value, `"'`)
		case "IMAGE_VERSION":
			f.Version = strings.Trim(value, `"'`)
		}
	}
	for _, line := range lines(parts["interfaces"]) {
		if name, to, ok := link(line); ok && !strings.Contains(to, "/virtual/") {
			f.Interfaces = append(f.Interfaces, name)
		}
	}
	labels := map[string]string{}
	for _, line := range lines(parts["labels"]) {
		if name, to, ok := link(line); ok {
			labels["/dev/"+to[strings.LastIndex(to, "/")+1:]] = name
		}
	}
	f.Root, f.Var = mountAt(parts["mounts"], "/", labels), mountAt(parts["mounts"], "/var", labels)
	f.Verity = f.Root.Device == "/dev/mapper/root" && strings.Contains(parts["verity"], "CRYPT-VERITY-")
	if bytes := strings.Fields(parts["secureboot"]); len(bytes) == 5 {
		f.SecureBoot = bytes[4] == "1" // after four bytes of attributes
	}
	f.Ports = listening(parts["ports"])
	f.Startup, _, _ = strings.Cut(strings.TrimPrefix(one("times"), "Startup finished in "), "\n")
	f.Journal = lines(parts["journal"])
	return f
}

// lines are the lines that are not empty.
func lines(text string) (list []string) {
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			list = append(list, line)
		}
	}
	return list
}

// link reads a line of ls -l of a link.
func link(line string) (name, to string, ok bool) {
	before, to, ok := strings.Cut(line, " -> ")
	return before[strings.LastIndex(before, " ")+1:], to, ok
}

// mountAt reads a line of fstab(5) off a list of mounts; the last on a place is what is seen there.
func mountAt(text, place string, labels map[string]string) (m Mount) {
	for _, line := range lines(text) {
		if f := strings.Fields(line); len(f) >= 4 && f[1] == place {
			m = Mount{Device: f[0], Label: labels[f[0]], Type: f[2], ReadOnly: f[3] == "ro" || strings.HasPrefix(f[3], "ro,")}
		}
	}
	return m
}

// listening reads ports off the kernel's lists, one for each protocol: what waits for connections (state 0A), or, for
// datagrams, is bound and has no other end (07).
func listening(text string) []string {
	list, seen := []string{}, map[string]bool{}
	for _, line := range lines(text) {
		f := strings.Fields(line)
		if len(f) < 4 || f[0] == "sl" {
			continue
		}
		protocol := map[string]string{"0A": "tcp", "07": "udp"}[f[3]]
		port, err := strconv.ParseUint(f[1][strings.LastIndex(f[1], ":")+1:], 16, 16)
		if protocol == "" || err != nil {
			continue
		}
		if name := protocol + "/" + strconv.FormatUint(port, 10); !seen[name] {
			seen[name] = true
			list = append(list, name)
		}
	}
	return list
}
