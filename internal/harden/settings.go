package harden

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"kiln/internal/tree"
)

// setting is one that a rule makes, and what it answers.
type setting struct {
	name, value string
	items       []Item
}

// settingRules write configuration.
func settingRules() []Rule {
	return []Rule{
		{
			Name: "login-defs", Why: "files of users are not for others to read, and passwords that there are do not live for ever",
			Does:   "sets umask, ages of passwords and their hash in /etc/login.defs, where the image has it.",
			Except: "settings", apply: applyLoginDefs, Sets: lines(loginDefs(), "\t"), Answers: answers(loginDefs()),
		},
		{
			Name: "sysctl", Why: "the kernel's defaults are for all machines, also for routers and for those who debug",
			Does:   "sets the kernel's parameters in " + sysctlFile + ", which systemd or procps reads when the system starts.",
			Except: "settings", apply: applySysctl, Sets: lines(sysctls(), " = "), Answers: answers(sysctls()),
			Notes: "Not for containers, whose kernel is the host's. CIS 3.3.11 (router advertisements) is left out: networks without DHCPv6 need them.",
		},
		{
			Name: "modules", Why: "code of the kernel that nothing needs is code that can be attacked",
			Does:   "forbids in " + modulesFile + " that old file systems, usb-storage and rare network protocols are loaded.",
			Except: "modules", apply: applyModules, Sets: lines(modules(), ""), Answers: answers(modules()),
			Notes: "overlay and squashfs (CIS 1.1.1.6, 1.1.1.7) are left alone: containers and many images of systems need them.",
		},
		{
			Name: "sshd", Why: "the ssh daemon is what the network sees of a system first",
			Does:   "sets the daemon's options in " + sshdFile + ", which comes before all others: of several values sshd takes the first.",
			Except: "settings", apply: applySSHD, Sets: lines(sshdOptions(), " "), Answers: answers(sshdOptions()),
			Notes: "Users need a key: passwords are refused. An image without sshd stays as it is.",
		},
	}
}

func lines(list []setting, between string) []string {
	var all []string
	for _, s := range list {
		all = append(all, s.name+between+s.value)
	}
	return all
}

func answers(list []setting) []Item {
	var all []Item
	for _, s := range list {
		for _, i := range s.items {
			if !slices.Contains(all, i) {
				all = append(all, i)
			}
		}
	}
	return all
}

func loginDefs() []setting {
	return []setting{
		{"UMASK", "027", cis("5.4.3.3", "Ensure default user umask is configured")},
		{"HOME_MODE", "0750", nil},
		{"PASS_MAX_DAYS", "365", cis("5.4.1.1", "Ensure password expiration is configured")},
		{"PASS_MIN_DAYS", "1", append(cis("5.4.1.2", "Ensure minimum password days is configured"), stig("UBTU-24-400300", "must enforce 24 hours/one day as the minimum password lifetime")...)},
		{"PASS_WARN_AGE", "7", cis("5.4.1.3", "Ensure password expiration warning days is configured")},
		{"ENCRYPT_METHOD", "YESCRYPT", cis("5.4.1.4", "Ensure strong password hashing algorithm is configured")},
	}
}

const loginDefsFile = "/etc/login.defs"

// applyLoginDefs edits login.defs(5): a line "NAME VALUE" each.
func applyLoginDefs(c *change) error {
	text, ok, err := c.read(loginDefsFile)
	if err != nil || !ok {
		return err
	}
	for _, s := range loginDefs() {
		if !c.excepts(s.name) {
			text = setLine(text, s.name, s.value)
		}
	}
	return c.write(loginDefsFile, text, 0o644)
}

// setLine gives the first line of name its value, and takes out further ones, which
// would count instead; where there is none it comes last.
func setLine(text, name, value string) string {
	form := regexp.MustCompile(`^\s*` + regexp.QuoteMeta(name) + `\s`)
	want := name + "\t" + value + "\n"
	var b strings.Builder
	done := false
	for line := range strings.Lines(text) {
		switch {
		case !form.MatchString(line):
			b.WriteString(line)
			if !strings.HasSuffix(line, "\n") {
				b.WriteString("\n")
			}
		case !done:
			b.WriteString(want)
			done = true
		}
	}
	if !done {
		b.WriteString(want)
	}
	return b.String()
}

const sysctlFile = "/etc/sysctl.d/60-kiln-harden.conf"

func sysctls() []setting {
	redirects := cis("3.3.5", "Ensure icmp redirects are not accepted")
	secure := cis("3.3.6", "Ensure secure icmp redirects are not accepted")
	send := cis("3.3.2", "Ensure packet redirect sending is disabled")
	forward := cis("3.3.1", "Ensure ip forwarding is disabled")
	reverse := cis("3.3.7", "Ensure reverse path filtering is enabled")
	source := cis("3.3.8", "Ensure source routed packets are not accepted")
	martians := cis("3.3.9", "Ensure suspicious packets are logged")
	return []setting{
		{"dev.tty.ldisc_autoload", "0", nil},
		{"fs.protected_fifos", "2", nil},
		{"fs.protected_hardlinks", "1", nil},
		{"fs.protected_regular", "2", nil},
		{"fs.protected_symlinks", "1", nil},
		{"fs.suid_dumpable", "0", nil}, // CIS 1.5.3 asks for limits of sessions besides
		{"kernel.dmesg_restrict", "1", stig("UBTU-24-600140", "must restrict access to the kernel message buffer")},
		{"kernel.kexec_load_disabled", "1", nil},
		{"kernel.kptr_restrict", "2", nil},
		{"kernel.randomize_va_space", "2", append(cis("1.5.1", "Ensure address space layout randomization is enabled"), stig("UBTU-24-700310", "must implement address space layout randomization")...)},
		{"kernel.unprivileged_bpf_disabled", "1", nil},
		{"kernel.yama.ptrace_scope", "1", cis("1.5.2", "Ensure ptrace_scope is restricted")},
		{"net.core.bpf_jit_harden", "2", nil},
		{"net.ipv4.conf.all.accept_redirects", "0", redirects},
		{"net.ipv4.conf.all.accept_source_route", "0", source},
		{"net.ipv4.conf.all.log_martians", "1", martians},
		{"net.ipv4.conf.all.rp_filter", "1", reverse},
		{"net.ipv4.conf.all.secure_redirects", "0", secure},
		{"net.ipv4.conf.all.send_redirects", "0", send},
		{"net.ipv4.conf.default.accept_redirects", "0", redirects},
		{"net.ipv4.conf.default.accept_source_route", "0", source},
		{"net.ipv4.conf.default.log_martians", "1", martians},
		{"net.ipv4.conf.default.rp_filter", "1", reverse},
		{"net.ipv4.conf.default.secure_redirects", "0", secure},
		{"net.ipv4.conf.default.send_redirects", "0", send},
		{"net.ipv4.icmp_echo_ignore_broadcasts", "1", cis("3.3.4", "Ensure broadcast icmp requests are ignored")},
		{"net.ipv4.icmp_ignore_bogus_error_responses", "1", cis("3.3.3", "Ensure bogus icmp responses are ignored")},
		{"net.ipv4.ip_forward", "0", forward},
		{"net.ipv4.tcp_syncookies", "1", append(cis("3.3.10", "Ensure tcp syn cookies is enabled"), stig("UBTU-24-600190", "must be configured to use TCP syncookies")...)},
		{"net.ipv6.conf.all.accept_redirects", "0", redirects},
		{"net.ipv6.conf.all.accept_source_route", "0", source},
		{"net.ipv6.conf.all.forwarding", "0", forward},
		{"net.ipv6.conf.default.accept_redirects", "0", redirects},
		{"net.ipv6.conf.default.accept_source_route", "0", source},
	}
}

// head begins a file that a rule makes.
func (c *change) head(what string) string {
	return "# " + what + ": rule " + c.use.Rule.Name + " of the image's recipe (kiln harden).\n"
}

func applySysctl(c *change) error {
	if !c.there("/usr/lib/systemd/systemd-sysctl", "/usr/sbin/sysctl") {
		return c.refuse("nothing in the image sets the kernel's parameters: neither systemd nor procps is in it")
	}
	text := c.head("Parameters of the kernel")
	for _, s := range sysctls() {
		if !c.excepts(s.name) {
			// A leading minus: a kernel without the parameter is no failure (sysctl.d(5)).
			text += "-" + s.name + " = " + s.value + "\n"
		}
	}
	return c.write(sysctlFile, text, 0o644)
}

const modulesFile = "/etc/modprobe.d/kiln-harden.conf"

func modules() []setting {
	var list []setting
	for _, m := range []struct{ name, id string }{
		{"cramfs", "1.1.1.1"}, {"freevxfs", "1.1.1.2"}, {"hfs", "1.1.1.3"}, {"hfsplus", "1.1.1.4"}, {"jffs2", "1.1.1.5"}, {"udf", "1.1.1.8"}, {"usb-storage", "1.1.1.9"},
		{"dccp", "3.2.1"}, {"tipc", "3.2.2"}, {"rds", "3.2.3"}, {"sctp", "3.2.4"},
	} {
		s := setting{m.name, "", cis(m.id, "Ensure "+m.name+" kernel module is not available")}
		if m.name == "usb-storage" {
			s.items = append(s.items, stig("UBTU-24-300039", "must disable automatic mounting of Universal Serial Bus (USB) mass storage driver")...)
		}
		list = append(list, s)
	}
	return list
}

// applyModules writes modprobe.d(5): a module on the list is not loaded by its alias,
// nor by its name.
func applyModules(c *change) error {
	text := c.head("Modules that are not loaded")
	for _, s := range modules() {
		if !c.excepts(s.name) {
			text += fmt.Sprintf("blacklist %s\ninstall %s /bin/false\n", s.name, s.name)
		}
	}
	return c.write(modulesFile, text, 0o644)
}

const (
	sshdFile   = "/etc/ssh/sshd_config.d/00-kiln-harden.conf"
	sshdConfig = "/etc/ssh/sshd_config"
)

func sshdOptions() []setting {
	empty := stig("UBTU-24-300031", "must not allow unattended or automatic login via SSH")
	return []setting{
		{"PermitRootLogin", "no", cis("5.1.20", "Ensure sshd PermitRootLogin is disabled")},
		{"PasswordAuthentication", "no", nil},
		{"KbdInteractiveAuthentication", "no", nil},
		{"PermitEmptyPasswords", "no", append(cis("5.1.19", "Ensure sshd PermitEmptyPasswords is disabled"), empty...)},
		{"PermitUserEnvironment", "no", append(cis("5.1.21", "Ensure sshd PermitUserEnvironment is disabled"), empty...)},
		{"HostbasedAuthentication", "no", cis("5.1.10", "Ensure sshd HostbasedAuthentication is disabled")},
		{"IgnoreRhosts", "yes", cis("5.1.11", "Ensure sshd IgnoreRhosts is enabled")},
		{"GSSAPIAuthentication", "no", cis("5.1.9", "Ensure sshd GSSAPIAuthentication is disabled")},
		{"UsePAM", "yes", cis("5.1.22", "Ensure sshd UsePAM is enabled")},
		{"DisableForwarding", "yes", cis("5.1.8", "Ensure sshd DisableForwarding is enabled")},
		{"X11Forwarding", "no", nil},
		{"Ciphers", "-3des-cbc,aes128-cbc,aes192-cbc,aes256-cbc", cis("5.1.6", "Ensure sshd Ciphers are configured")},
		{"KexAlgorithms", "-diffie-hellman-group1-sha1,diffie-hellman-group14-sha1,diffie-hellman-group-exchange-sha1", cis("5.1.12", "Ensure sshd KexAlgorithms is configured")},
		{"MACs", "-hmac-md5,hmac-md5-96,hmac-ripemd160,hmac-sha1,hmac-sha1-96,umac-64@openssh.com,hmac-md5-etm@openssh.com,hmac-md5-96-etm@openssh.com,hmac-ripemd160-etm@openssh.com,hmac-sha1-etm@openssh.com,hmac-sha1-96-etm@openssh.com,umac-64-etm@openssh.com", cis("5.1.15", "Ensure sshd MACs are configured")},
		{"ClientAliveInterval", "15", cis("5.1.7", "Ensure sshd ClientAliveInterval and ClientAliveCountMax are configured")},
		{"ClientAliveCountMax", "3", nil},
		{"LoginGraceTime", "60", cis("5.1.13", "Ensure sshd LoginGraceTime is configured")},
		{"LogLevel", "VERBOSE", cis("5.1.14", "Ensure sshd LogLevel is configured")},
		{"MaxAuthTries", "4", cis("5.1.16", "Ensure sshd MaxAuthTries is configured")},
		{"MaxSessions", "10", cis("5.1.17", "Ensure sshd MaxSessions is configured")},
		{"MaxStartups", "10:30:60", cis("5.1.18", "Ensure sshd MaxStartups is configured")},
	}
}

var sshdInclude = regexp.MustCompile(`(?mi)^\s*Include\s+/etc/ssh/sshd_config\.d/\*\.conf\s*$`)

func applySSHD(c *change) error {
	if !c.there("/usr/sbin/sshd") {
		return nil
	}
	main, ok, err := c.read(sshdConfig)
	if err != nil {
		return err
	}
	if !ok || !sshdInclude.MatchString(main) {
		return c.refuse("%s does not include /etc/ssh/sshd_config.d/*.conf, so that sshd would not read %s", sshdConfig, sshdFile)
	}
	text := c.head("Options of the ssh daemon")
	for _, s := range sshdOptions() {
		if !c.excepts(s.name) {
			text += s.name + " " + s.value + "\n"
		}
	}
	return c.write(sshdFile, text, 0o644)
}

// tmpOptions are those of a file system for what is not kept.
const tmpOptions = "nosuid,nodev,noexec"

const fstab = "/etc/fstab"

// applyReadOnly gives a system its writable folders. A container's are volumes, which
// are no matter of files.
func applyReadOnly(c *change) error {
	for _, dir := range c.use.Writable {
		if e, ok := c.entry(dir); !ok || e.Type != tree.Dir {
			return c.refuse("the image has no folder %s to be writable: make it under files", dir)
		}
	}
	if !c.there("/usr/lib/systemd/systemd") {
		return nil
	}
	text, _, err := c.read(fstab)
	if err != nil {
		return err
	}
	if text != "" && !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	add := func(dir, options string) {
		for line := range strings.Lines(text) {
			if f := strings.Fields(line); len(f) > 1 && f[1] == dir && !strings.HasPrefix(f[0], "#") {
				return // as it is
			}
		}
		text += "tmpfs " + dir + " tmpfs " + options + " 0 0\n"
	}
	add("/tmp", tmpOptions+",mode=1777")
	add("/dev/shm", tmpOptions+",mode=1777")
	for _, dir := range c.use.Writable {
		e, _ := c.entry(dir)
		add(dir, fmt.Sprintf("nosuid,nodev,mode=%04o,uid=%d,gid=%d", e.Mode, e.UID, e.GID))
	}
	return c.write(fstab, text, 0o644)
}
