package toolbox

import (
	"context"
	"strings"

	"kiln/internal/maint/accounttool"
	"kiln/internal/maint/certtool"
	"kiln/internal/maint/command"
	"kiln/internal/maint/configtool"
	"kiln/internal/maint/debconftool"
	"kiln/internal/maint/dpkgtool"
	"kiln/internal/maint/dropintool"
	"kiln/internal/maint/hosttool"
	"kiln/internal/maint/servertool"
	"kiln/internal/maint/servicetool"
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
	Run       command.Func
	Why       string // of what is recorded or refused; of what is honoured, its limits
}

// DebianTools is the table as the interpreter needs it.
func DebianTools() map[string]command.Func {
	m := map[string]command.Func{}
	for _, c := range DebianCommands() {
		m[c.Name] = c.Run
	}
	return m
}

// DebianCommands lists the commands of Debian's own tools, those of other packages
// that maintainer scripts call, and what kiln does with each.
func DebianCommands() []DebianCommand {
	var all []DebianCommand
	for _, part := range [][]DebianCommand{dpkgCommands(), accountCommands(), systemCommands(), debconfCommands(), registerCommands(), desktopCommands(), catalogCommands(), serverCommands(), webCommands(), checkCommands(), recordedCommands(), refusedCommands()} {
		all = append(all, part...)
	}
	return all
}

func honoured(name string, run command.Func, why string) DebianCommand {
	return DebianCommand{name, Honour, run, why}
}

func dpkgCommands() []DebianCommand {
	return []DebianCommand{
		honoured("dpkg", dpkgtool.Dpkg, "questions only; it installs nothing"),
		honoured("dpkg-query", dpkgtool.DpkgQuery, ""),
		honoured("dpkg-divert", dpkgtool.DpkgDivert, ""),
		honoured("dpkg-statoverride", dpkgtool.DpkgStatoverride, ""),
		honoured("dpkg-trigger", dpkgtool.DpkgTrigger, ""),
		honoured("dpkg-maintscript-helper", dpkgtool.DpkgMaintscriptHelper, "what it does for upgrades is refused"),
		honoured("dpkg-realpath", dpkgtool.DpkgRealpath, ""),
		honoured("update-alternatives", dpkgtool.UpdateAlternatives, "--config is refused: nobody is asked"),
	}
}

func accountCommands() []DebianCommand {
	return []DebianCommand{
		honoured("adduser", accounttool.Adduser, ""), honoured("addgroup", accounttool.Adduser, ""),
		honoured("deluser", accounttool.Deluser, "files stay"), honoured("delgroup", accounttool.Deluser, ""),
		honoured("useradd", accounttool.Useradd, ""), honoured("usermod", accounttool.Usermod, "homes are not moved"), honoured("userdel", accounttool.Userdel, "homes stay"),
		honoured("groupadd", accounttool.Groupadd, ""), honoured("groupmod", accounttool.Groupmod, ""), honoured("groupdel", accounttool.Groupdel, ""),
		honoured("gpasswd", accounttool.Gpasswd, "members only"),
		honoured("passwd", accounttool.Passwd, "locking only; nobody types a password"),
		honoured("chpasswd", accounttool.Chpasswd, "hashes only"),
		honoured("chage", accounttool.Chage, ""), honoured("chfn", accounttool.Chfn, ""), honoured("chsh", accounttool.Chfn, ""),
		honoured("getent", accounttool.Getent, "of the tree's files"),
		honoured("pwconv", accounttool.Pwconv, ""), honoured("grpconv", accounttool.Grpconv, ""), honoured("shadowconfig", accounttool.Shadowconfig, ""),
		honoured("update-passwd", accounttool.UpdatePasswd, ""),
		honoured("systemd-sysusers", dropintool.SystemdSysusers, ""),
		honoured("update-shells", configtool.UpdateShells, ""), honoured("add-shell", configtool.AddShell, ""), honoured("remove-shell", configtool.AddShell, ""),
	}
}

func systemCommands() []DebianCommand {
	return []DebianCommand{
		honoured("deb-systemd-helper", servicetool.DebSystemdHelper, "units are enabled only where the recipe says so"),
		honoured("systemctl", servicetool.Systemctl, "as in a chroot; units are enabled only where the recipe says so"),
		honoured("update-rc.d", servicetool.UpdateRcD, "without insserv; services start only where the recipe says so"),
		honoured("systemd-tmpfiles", dropintool.SystemdTmpfiles, "--create, less what belongs to a running system"),
		honoured("systemd-machine-id-setup", configtool.MachineID, "the id stays empty: it is given at the first boot"),
		honoured("ldconfig", configtool.Ldconfig, "without glibc-hwcaps; no auxiliary cache"),
		honoured("pam-auth-update", configtool.PamAuthUpdate, ""),
		honoured("update-ca-certificates", certtool.UpdateCACertificates, ""),
		honoured("locale-gen", configtool.LocaleGen, "where no locale is asked for"),
		honoured("update-locale", configtool.UpdateLocale, ""),
		honoured("systemd-hwdb", configtool.SystemdHwdb, "update only"),
		honoured("depmod", configtool.Depmod, "for a release that is named; symbols that nothing has are not told"),
		honoured("journalctl", configtool.Journalctl, "--update-catalog only; what is about a running system is recorded"),
		honoured("systemd-detect-virt", answerText("none", 1), "what it will run on is not known"),
		honoured("aa-enabled", answer(1), "no kernel runs"), honoured("busctl", unreached, "no bus runs; recorded"), honoured("dbus-send", unreached, "no bus runs; recorded"),
		honoured("runlevel", answerText("unknown", 1), "nothing runs"),
		honoured("policy-rc.d", servicetool.PolicyRcD, "starting anything is denied"),
		honoured("linux-run-hooks", hosttool.LinuxRunHooks, ""),
		honoured("invoke-rc.d", servicetool.InvokeRcD, "nothing runs in an image; recorded"),
		honoured("service", servicetool.InvokeRcD, "nothing runs in an image; recorded"),
		honoured("deb-systemd-invoke", servicetool.DebSystemdInvoke, "nothing runs in an image; recorded"),
	}
}

func debconfCommands() []DebianCommand {
	all := []DebianCommand{
		honoured("_debconf_start", debconftool.DebconfStart, "what sourcing confmodule does"),
		honoured("_debconf_talk", debconftool.DebconfTalk, "the protocol"),
		honoured("debconf-set-selections", debconftool.DebconfSetSelections, ""),
		honoured("debconf-show", debconftool.DebconfShow, ""),
		honoured("debconf-escape", debconftool.DebconfEscape, ""),
	}
	for verb := range strings.FieldsSeq("beginblock capb clear data endblock fget fset get go info input metaget progress purge register reset set " +
		"settitle stop subst title unregister version x_loadtemplatefile") {
		all = append(all, honoured("db_"+verb, debconftool.Debconf, "defaults, overridden by the recipe's answers"))
	}
	return all
}

func registerCommands() []DebianCommand {
	return []DebianCommand{
		honoured("java", certtool.Java, "the program of ca-certificates-java alone"), honoured("keytool", certtool.Keytool, "listing of its store"),
		honoured("ucf", dpkgtool.Ucf, "an edited file is kept; no numbered backups"),
		honoured("ucfr", dpkgtool.Ucfr, "no numbered backups"),
	}
}

// serverCommands are programs of servers that the scripts of their own packages call.
func serverCommands() []DebianCommand {
	return []DebianCommand{
		honoured("sshd", servertool.Sshd, "-G, and of it the host keys"),
		{"ssh-keygen", Record, servertool.SSHKeygen, "makes a secret: an image must not hold one; host keys are made on the machine"},
		honoured("chronyd", servertool.Chronyd, "-p alone"),
		honoured("pam_getenv", servertool.PamGetenv, "of /etc/environment"),
		honoured("pg_lsclusters", servertool.PgLsclusters, "where there is none"),
		honoured("pg_conftool", servertool.PgConftool, "show, of a file that is named in full"),
		honoured("pg_updatedicts", servertool.PgUpdatedicts, ""),
		honoured("pg_checksystem", answer(0), "it warns of drives of the machine that databases are on, and none is"),
		{"pg_createcluster", Record, recorded, "a cluster has a random identifier, and belongs to a machine: make it there"},
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
		{"udevadm udevadm-trigger modprobe rmmod sysctl apparmor_parser aa-status update-binfmts update-pciids update-usbids setupcon", kernel},
		{"systemd-notify systemd-run systemd-cat", "of a running system; rebuilt there when needed"},
		{"make-ssl-cert", keys},
		{"update-initramfs update-grub update-grub2 grub-install bootctl kernel-install linux-update-symlinks", boot},
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
		{"gtk-query-immodules-3.0", needed},
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
func recorded(_ context.Context, c *command.Call) (int, error) {
	c.Note(c.Name, strings.Join(c.Args, " "))
	return 0, nil
}

// unreached is the Func of a message to a running system: it fails, since there is
// none, and leaves a Note.
func unreached(_ context.Context, c *command.Call) (int, error) {
	c.Note(c.Name, strings.Join(c.Args, " "))
	return 1, nil
}

// refusal is the Func of a command that stops the build.
func refusal(why string) command.Func {
	return func(_ context.Context, c *command.Call) (int, error) { return 1, c.Unhonoured("%s", why) }
}

// answer is the Func of a question with one answer.
func answer(status int) command.Func {
	return func(context.Context, *command.Call) (int, error) { return status, nil }
}

func answerText(text string, status int) command.Func {
	return func(_ context.Context, c *command.Call) (int, error) {
		c.Say("%s", text)
		return status, nil
	}
}
