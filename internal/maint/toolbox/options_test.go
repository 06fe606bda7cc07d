package toolbox_test

import (
	"strings"
	"testing"

	"kiln/internal/maint/toolbox/toolboxtest"
)

func FuzzOptions(f *testing.F) {
	f.Add("--system --group --home=/x name")
	f.Add("-W -f=${x} -- --y")
	f.Add("-")
	f.Fuzz(func(t *testing.T, line string) {
		for _, name := range []string{"adduser", "useradd", "groupadd", "dpkg-query", "dpkg-divert", "dpkg-statoverride", "update-alternatives", "dpkg-maintscript-helper",
			"dpkg-trigger", "dpkg", "deb-systemd-helper", "systemctl", "update-rc.d", "systemd-sysusers", "systemd-tmpfiles", "ucf", "ucfr", "update-ca-certificates",
			"sshd", "ssh-keygen", "chronyd", "pam_getenv", "pg_conftool", "pg_lsclusters", "pg_updatedicts", "ldconfig", "pam-auth-update", "usermod", "gpasswd", "getent", "invoke-rc.d", "update-locale", "db_set", "chage", "deluser"} {
			s := toolboxtest.New(t, map[string]string{"/etc/passwd": "root:x:0:0::/:/bin/sh\n", "/etc/group": "root:x:0:\n", "/usr/share/pam-configs/": ""})
			_, _, _ = s.CallWords(append([]string{name}, strings.Fields(line)...)...)
		}
	})
}
