package command

import (
	"context"
	"strings"
)

// Treatment says what becomes of a command's calls.
type Treatment string

// The treatments.
const (
	Honour Treatment = "honoured" // its effect on the tree is that of the real command
	Record Treatment = "recorded" // a no-op, with a Note: an image is not the place
	Refuse Treatment = "refused"  // stops the build
)

// DebianCommand is one line of the table.
type DebianCommand struct {
	Name      string
	Treatment Treatment
	Run       Func
	Why       string // of what is recorded or refused; of what is honoured, its limits
}

// DebianTools is the table as the interpreter needs it.
func DebianTools() map[string]Func {
	m := map[string]Func{}
	for _, c := range DebianCommands() {
		m[c.Name] = c.Run
	}
	return m
}

// DebianCommands lists the commands of Debian's own tools, those of other packages
// that maintainer scripts call, and what kiln does with each.
func DebianCommands() []DebianCommand {
	var all []DebianCommand
	for _, part := range [][]DebianCommand{dpkgCommands(), accountCommands(), systemCommands(), debconfCommands(), registerCommands(), desktopCommands(), serverCommands(), recordedCommands(), refusedCommands()} {
		all = append(all, part...)
	}
	return all
}

func honoured(name string, run Func, why string) DebianCommand {
	return DebianCommand{name, Honour, run, why}
}

func dpkgCommands() []DebianCommand {
	return []DebianCommand{
		honoured("dpkg", Dpkg, "questions only; it installs nothing"),
		honoured("dpkg-query", DpkgQuery, ""),
		honoured("dpkg-divert", DpkgDivert, ""),
		honoured("dpkg-statoverride", DpkgStatoverride, ""),
		honoured("dpkg-trigger", DpkgTrigger, ""),
		honoured("dpkg-maintscript-helper", DpkgMaintscriptHelper, "what it does for upgrades is refused"),
		honoured("dpkg-realpath", DpkgRealpath, ""),
		honoured("update-alternatives", UpdateAlternatives, "--config is refused: nobody is asked"),
	}
}

func accountCommands() []DebianCommand {
	return []DebianCommand{
		honoured("adduser", Adduser, ""), honoured("addgroup", Adduser, ""),
		honoured("deluser", Deluser, "files stay"), honoured("delgroup", Deluser, ""),
		honoured("useradd", Useradd, ""), honoured("usermod", Usermod, "homes are not moved"), honoured("userdel", Userdel, "homes stay"),
		honoured("groupadd", Groupadd, ""), honoured("groupmod", Groupmod, ""), honoured("groupdel", Groupdel, ""),
		honoured("gpasswd", Gpasswd, "members only"),
		honoured("passwd", Passwd, "locking only; nobody types a password"),
		honoured("chpasswd", Chpasswd, "hashes only"),
		honoured("chage", Chage, ""), honoured("chfn", Chfn, ""), honoured("chsh", Chfn, ""),
		honoured("getent", Getent, "of the tree's files"),
		honoured("pwconv", Pwconv, ""), honoured("grpconv", Grpconv, ""), honoured("shadowconfig", Shadowconfig, ""),
		honoured("update-passwd", UpdatePasswd, ""),
		honoured("systemd-sysusers", SystemdSysusers, ""),
		honoured("update-shells", UpdateShells, ""), honoured("add-shell", AddShell, ""), honoured("remove-shell", AddShell, ""),
	}
}

func systemCommands() []DebianCommand {
	return []DebianCommand{
		honoured("deb-systemd-helper", DebSystemdHelper, "units are enabled only where the recipe says so"),
		honoured("systemctl", Systemctl, "as in a chroot; units are enabled only where the recipe says so"),
		honoured("update-rc.d", UpdateRcD, "without insserv; services start only where the recipe says so"),
		honoured("systemd-tmpfiles", SystemdTmpfiles, "--create, less what belongs to a running system"),
		honoured("systemd-machine-id-setup", MachineID, "the id stays empty: it is given at the first boot"),
		honoured("ldconfig", Ldconfig, "without glibc-hwcaps; no auxiliary cache"),
		honoured("pam-auth-update", PamAuthUpdate, ""),
		honoured("update-ca-certificates", UpdateCACertificates, ""),
		honoured("locale-gen", LocaleGen, "where no locale is asked for"),
		honoured("update-locale", UpdateLocale, ""),
		honoured("systemd-detect-virt", answerText("none", 1), "what it will run on is not known"),
		honoured("aa-enabled", answer(1), "no kernel runs"), honoured("busctl", answer(1), "no bus runs"), honoured("dbus-send", answer(1), "no bus runs"),
		honoured("runlevel", answerText("unknown", 1), "nothing runs"),
		honoured("policy-rc.d", PolicyRcD, "starting anything is denied"),
		honoured("invoke-rc.d", InvokeRcD, "nothing runs in an image; recorded"),
		honoured("service", InvokeRcD, "nothing runs in an image; recorded"),
		honoured("deb-systemd-invoke", DebSystemdInvoke, "nothing runs in an image; recorded"),
	}
}

func debconfCommands() []DebianCommand {
	all := []DebianCommand{
		honoured("_debconf_start", DebconfStart, "what sourcing confmodule does"),
		honoured("_debconf_talk", DebconfTalk, "the protocol"),
		honoured("debconf-set-selections", DebconfSetSelections, ""),
		honoured("debconf-show", DebconfShow, ""),
		honoured("debconf-escape", DebconfEscape, ""),
	}
	for verb := range strings.FieldsSeq("beginblock capb clear data endblock fget fset get go info input metaget progress purge register reset set " +
		"settitle stop subst title unregister version x_loadtemplatefile") {
		all = append(all, honoured("db_"+verb, Debconf, "defaults, overridden by the recipe's answers"))
	}
	return all
}

func registerCommands() []DebianCommand {
	return []DebianCommand{
		honoured("java", Java, "the program of ca-certificates-java alone"), honoured("keytool", Keytool, "listing of its store"),
		honoured("ucf", Ucf, "an edited file is kept; no numbered backups"),
		honoured("ucfr", Ucfr, "no numbered backups"),
	}
}

// recordedCommands are no-ops: what they make is for a running system, or a cache
// that the programs which read it do without.
func recordedCommands() []DebianCommand {
	const cache = "a cache; programs work without it, and it would hold times"
	const code = "byte code is not wanted: it holds times, and doubles the size"
	const kernel = "of the kernel that runs, and none does"
	const docs = "an index of documentation, which images drop"
	const keys = "makes a secret: an image must not hold one, and it would differ each time"
	const boot = "what boots is made with the disk, not by packages"
	var all []DebianCommand
	for _, c := range []struct{ names, why string }{
		{"py3compile py3clean pycompile pyclean pypy3compile pypy3clean", code},
		{"jed-script", "it compiles Jed's own scripts, which Jed reads as they are where they are not"},
		{"fc-cache gtk-update-icon-cache update-icon-caches gtk-update-icon-cache-3.0 update-desktop-database mandb update-menus", cache},
		{"install-info update-info-dir update-mime", docs},
		{"udevadm udevadm-trigger depmod modprobe rmmod sysctl apparmor_parser aa-status update-binfmts update-pciids update-usbids setupcon", kernel},
		{"journalctl systemd-hwdb systemd-notify systemd-run systemd-cat", "of a running system; rebuilt there when needed"},
		{"ssh-keygen make-ssl-cert", keys},
		{"update-initramfs update-grub update-grub2 grub-install bootctl kernel-install", boot},
		{"vgcfgbackup restorecon semodule nscd unscd dbus-uuidgen notify-reboot-required", "of a running system"},
		{"mkfontdir mkfontscale", "an index for X servers of their own fonts, which no server or container shows"},
		{"appstreamcli", cache},
		{"helpztags emacs-install emacs-remove emacs-package-install emacs-package-remove", docs},
	} {
		for name := range strings.FieldsSeq(c.names) {
			all = append(all, DebianCommand{name, Record, recorded, c.why})
		}
	}
	return all
}

// refusedCommands make content that programs need and that kiln cannot make yet, or
// ask questions.
func refusedCommands() []DebianCommand {
	const needed = "programs need what it makes, and kiln cannot make it"
	var all []DebianCommand
	for _, c := range []struct{ names, why string }{
		{"dpkg-reconfigure debconf debconf-communicate dpkg-preconfigure", "it asks questions of a configured system: answer them in the recipe"},
		{"gtk-query-immodules-3.0 update-mime-database", needed},
		{"localedef iconvconfig", needed},
		{"texhash mktexlsr updmap-sys fmtutil-sys update-texmf", needed},
		{"apt apt-cache aptitude", "packages come from the lock"},
	} {
		for name := range strings.FieldsSeq(c.names) {
			all = append(all, DebianCommand{name, Refuse, refusal(c.why), c.why})
		}
	}
	return all
}

// recorded is the Func of a no-op.
func recorded(_ context.Context, c *Call) (int, error) {
	note(c, c.Name, strings.Join(c.Args, " "))
	return 0, nil
}

// refusal is the Func of a command that stops the build.
func refusal(why string) Func {
	return func(_ context.Context, c *Call) (int, error) { return 1, unhonoured(c, "%s", why) }
}

// answer is the Func of a question with one answer.
func answer(status int) Func {
	return func(context.Context, *Call) (int, error) { return status, nil }
}

func answerText(text string, status int) Func {
	return func(_ context.Context, c *Call) (int, error) {
		say(c, "%s", text)
		return status, nil
	}
}
