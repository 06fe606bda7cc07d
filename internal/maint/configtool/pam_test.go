package configtool_test

import (
	"strings"
	"testing"

	"kiln/internal/maint/toolbox/toolboxtest"
)

const pamSkeleton = `# local head
# here are the per-package modules (the "Primary" block)
# here's the fallback if no module succeeds
KIND	requisite	pam_deny.so
# and here are more per-package modules (the "Additional" block)
# end of pam-auth-update config
`

func pam(t *testing.T) *toolboxtest.System {
	files := map[string]string{
		"/etc/pam.d/": "", "/var/lib/": "",
		"/usr/share/pam-configs/unix": `Name: Unix authentication
Default: yes
Priority: 256
Auth-Type: Primary
Auth:
	[success=end default=ignore]	pam_unix.so nullok try_first_pass
Auth-Initial:
	[success=end default=ignore]	pam_unix.so nullok
Session-Type: Additional
Session:
	required	pam_unix.so
`,
		"/usr/share/pam-configs/ldap": `Name: LDAP
Default: yes
Priority: 128
Auth-Type: Primary
Auth:
	[success=end default=ignore]	pam_ldap.so use_first_pass
	[default=1]	pam_extra.so
Session-Type: Additional
Session-Interactive-Only: yes
Session:
	optional	pam_ldap.so
`,
		"/usr/share/pam-configs/off": "Name: Off\nDefault: no\nPriority: 900\nAuth-Type: Primary\nAuth:\n\toptional pam_off.so\n",
	}
	for _, kind := range []string{"auth", "account", "password", "session", "session-noninteractive"} {
		files["/usr/share/pam/common-"+kind] = strings.ReplaceAll(pamSkeleton, "KIND", kind)
	}
	return toolboxtest.New(t, files)
}

func TestPamAuthUpdate(t *testing.T) {
	s := pam(t)
	s.OK("pam-auth-update --package --force")
	s.Is("/etc/pam.d/common-auth", `# local head
# here are the per-package modules (the "Primary" block)
auth	[success=3 default=ignore]	pam_unix.so nullok
auth	[success=2 default=ignore]	pam_ldap.so use_first_pass
auth	[default=1]	pam_extra.so 
# here's the fallback if no module succeeds
auth	requisite	pam_deny.so
# and here are more per-package modules (the "Additional" block)
# end of pam-auth-update config
`)
	if got := s.File("/etc/pam.d/common-session"); !strings.Contains(got, "session\t[default=1]\t\t\tpam_permit.so\n") || !strings.Contains(got, "session\trequired\tpam_unix.so \nsession\toptional\tpam_ldap.so \n") {
		t.Errorf("common-session is\n%s", got)
	}
	if got := s.File("/etc/pam.d/common-session-noninteractive"); strings.Contains(got, "pam_ldap") {
		t.Errorf("common-session-noninteractive is\n%s", got)
	}
	s.Is("/var/lib/pam/auth", "Module: unix\n[success=end default=ignore]\tpam_unix.so nullok\nModule: ldap\n[success=end default=ignore]\tpam_ldap.so use_first_pass\n[default=1]\tpam_extra.so\n")
	s.Is("/var/lib/pam/seen", "off\nunix\nldap\n")
	s.OK("pam-auth-update --package --remove ldap")
	if got := s.File("/etc/pam.d/common-auth"); strings.Contains(got, "ldap") || !strings.Contains(got, "[success=1 default=ignore]\tpam_unix.so nullok\n") {
		t.Errorf("after --remove:\n%s", got)
	}
	s.OK("pam-auth-update --enable off")
	if got := s.File("/etc/pam.d/common-auth"); !strings.Contains(got, "auth\toptional pam_off.so \nauth\t[success=3") {
		t.Errorf("after --enable:\n%s", got)
	}
	s.Refuses("pam-auth-update --frob", "--frob")
}

func TestPamKeepsLocalEdits(t *testing.T) {
	s := pam(t)
	s.OK("pam-auth-update --package --force")
	edited := strings.Replace(s.File("/etc/pam.d/common-auth"), "pam_unix.so nullok", "pam_unix.so", 1)
	toolboxtest.Must(t, s.FS.WriteFile("/etc/pam.d/common-auth", []byte(edited), 0o644))
	if out := s.OK("pam-auth-update --package"); !strings.Contains(out, "Local modifications") {
		t.Errorf("it says %q", out)
	}
	s.Is("/etc/pam.d/common-auth", edited)
}
