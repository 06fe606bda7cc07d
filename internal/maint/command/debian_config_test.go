package command_test

import (
	"strings"
	"testing"

	"kiln/internal/maint/command"
)

// Certificates made with openssl, and what "openssl x509 -hash" says of each:
// spaces and case do not count in a name, and a set has an order.
const (
	certificateSpaces = `-----BEGIN CERTIFICATE-----
MIIByzCCAXGgAwIBAgIULCyi/1TYlA9l2LeN2l+LFla/eYEwCgYIKoZIzj0EAwIw
OzELMAkGA1UEBhMCREUxFzAVBgNVBAoMDiAgVHdvICAgV09SRFMgMRMwEQYDVQQD
DArDnG7DryBDb2RlMB4XDTI2MTEyMTAwNDkwOVoXDTM2MTExODAwNDkwOVowOzEL
MAkGA1UEBhMCREUxFzAVBgNVBAoMDiAgVHdvICAgV09SRFMgMRMwEQYDVQQDDArD
nG7DryBDb2RlMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEB1HvV6tsNh2Qk/o8
i/qRbm26kQuJ3zCpyjfOCMeBmY8OFcDcsoK1TjVMikOLDKBZ3OG7wyQjCH7Ri2cE
0Sr1maNTMFEwHQYDVR0OBBYEFPKhzonHqblGkmNjv4a2MHxAUR+uMB8GA1UdIwQY
MBaAFPKhzonHqblGkmNjv4a2MHxAUR+uMA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZI
zj0EAwIDSAAwRQIhAN/q6C+HRClS/z6S0OxCOcRWLaw6gHoOxYi6ChMKULheAiAL
YUxZTvQWQ97LY6RBiQX3NZT1Dhy/bBl4bGeZ2kaFpQ==
-----END CERTIFICATE-----
`
	certificateSets = `-----BEGIN CERTIFICATE-----
MIIBsDCCAVWgAwIBAgIUQ0GFZD1y4scXzu5USUyYp8RidBMwCgYIKoZIzj0EAwIw
LTEOMAwGA1UEAwwFUGxhaW4xGzAKBgNVBAsMA1NldDANBgNVBAMMBlNlY29uZDAe
Fw0yNjExMjEwMDQ5MDlaFw0zNjExMTgwMDQ5MDlaMC0xDjAMBgNVBAMMBVBsYWlu
MRswCgYDVQQLDANTZXQwDQYDVQQDDAZTZWNvbmQwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAASgIOr9D/eQ9VJNgod0qec3wNZFhTjUDnx4/gLyWQW7TPmL1XOgMlcp
cqpreKCPvKYBYlj6cH51srYVLEtZDDE4o1MwUTAdBgNVHQ4EFgQUX50W/QJvJ5SO
tGx86PqLhSWEJxwwHwYDVR0jBBgwFoAUX50W/QJvJ5SOtGx86PqLhSWEJxwwDwYD
VR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNJADBGAiEAsIqnAbnYI38C2k2XutZN
qiMtOg9UrlS8XWsgzF/U81YCIQCXt7Dfy3OtOBG1lsYfsJqqkbDB2zwm6k6hY/2C
KEY2Vw==
-----END CERTIFICATE-----
`
)

func TestUpdateCACertificates(t *testing.T) {
	s := newSystem(t, map[string]string{
		"/etc/ca-certificates.conf": "# comment\nmozilla/Spaces.crt\n!mozilla/Gone.crt\nmozilla/missing.crt\n", "/usr/share/ca-certificates/mozilla/Spaces.crt": certificateSpaces,
		"/usr/local/share/ca-certificates/my (own), one.crt": strings.TrimSuffix(certificateSets, "\n"), "/usr/local/share/ca-certificates/again.crt": certificateSpaces,
		"/etc/ssl/certs/Gone.pem": "-> /usr/share/ca-certificates/mozilla/Gone.crt", "/etc/ssl/certs/00000000.0": "-> Gone.pem", "/etc/ca-certificates/update.d/hook": "#!", "/etc/ca-certificates/update.d/hook.bak": "#!",
	})
	must(t, s.fs.Chmod("/etc/ca-certificates/update.d/hook", 0o755))
	must(t, s.fs.Chmod("/etc/ca-certificates/update.d/hook.bak", 0o755))
	out := s.ok("update-ca-certificates")
	s.links(map[string]string{
		"/etc/ssl/certs/Spaces.pem": "/usr/share/ca-certificates/mozilla/Spaces.crt", "/etc/ssl/certs/my_=own=__one.pem": "/usr/local/share/ca-certificates/my (own), one.crt",
		"/etc/ssl/certs/d7e2d6ee.0": "Spaces.pem", "/etc/ssl/certs/d7e2d6ee.1": "", "/etc/ssl/certs/b4c641d5.0": "my_=own=__one.pem",
		"/etc/ssl/certs/Gone.pem": "", "/etc/ssl/certs/00000000.0": "",
	})
	s.is("/etc/ssl/certs/ca-certificates.crt", certificateSpaces+certificateSpaces+certificateSets)
	for _, want := range []string{"missing.crt not found", "3 added, 1 removed; done.", "exec /etc/ca-certificates/update.d/hook\n+/etc/ssl/certs/Spaces.pem\n", "-/etc/ssl/certs/Gone.pem\n"} {
		if !strings.Contains(out, want) {
			t.Errorf("it does not say %q:\n%s", want, out)
		}
	}
	if strings.Contains(out, "hook.bak") {
		t.Error("a hook ran that run-parts would not")
	}
	if out := s.ok("update-ca-certificates --hooksdir="); !strings.Contains(out, "0 added, 0 removed") {
		t.Errorf("a second run says %q", out)
	}
	s.refuses("update-ca-certificates --sysroot=/x", "--sysroot")
}

const pamSkeleton = `# local head
# here are the per-package modules (the "Primary" block)
# here's the fallback if no module succeeds
KIND	requisite	pam_deny.so
# and here are more per-package modules (the "Additional" block)
# end of pam-auth-update config
`

func pam(t *testing.T) *system {
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
	return newSystem(t, files)
}

func TestPamAuthUpdate(t *testing.T) {
	s := pam(t)
	s.ok("pam-auth-update --package --force")
	s.is("/etc/pam.d/common-auth", `# local head
# here are the per-package modules (the "Primary" block)
auth	[success=3 default=ignore]	pam_unix.so nullok
auth	[success=2 default=ignore]	pam_ldap.so use_first_pass
auth	[default=1]	pam_extra.so 
# here's the fallback if no module succeeds
auth	requisite	pam_deny.so
# and here are more per-package modules (the "Additional" block)
# end of pam-auth-update config
`)
	if got := s.file("/etc/pam.d/common-session"); !strings.Contains(got, "session\t[default=1]\t\t\tpam_permit.so\n") || !strings.Contains(got, "session\trequired\tpam_unix.so \nsession\toptional\tpam_ldap.so \n") {
		t.Errorf("common-session is\n%s", got)
	}
	if got := s.file("/etc/pam.d/common-session-noninteractive"); strings.Contains(got, "pam_ldap") {
		t.Errorf("common-session-noninteractive is\n%s", got)
	}
	s.is("/var/lib/pam/auth", "Module: unix\n[success=end default=ignore]\tpam_unix.so nullok\nModule: ldap\n[success=end default=ignore]\tpam_ldap.so use_first_pass\n[default=1]\tpam_extra.so\n")
	s.is("/var/lib/pam/seen", "off\nunix\nldap\n")
	s.ok("pam-auth-update --package --remove ldap")
	if got := s.file("/etc/pam.d/common-auth"); strings.Contains(got, "ldap") || !strings.Contains(got, "[success=1 default=ignore]\tpam_unix.so nullok\n") {
		t.Errorf("after --remove:\n%s", got)
	}
	s.ok("pam-auth-update --enable off")
	if got := s.file("/etc/pam.d/common-auth"); !strings.Contains(got, "auth\toptional pam_off.so \nauth\t[success=3") {
		t.Errorf("after --enable:\n%s", got)
	}
	s.refuses("pam-auth-update --frob", "--frob")
}

func TestPamKeepsLocalEdits(t *testing.T) {
	s := pam(t)
	s.ok("pam-auth-update --package --force")
	edited := strings.Replace(s.file("/etc/pam.d/common-auth"), "pam_unix.so nullok", "pam_unix.so", 1)
	must(t, s.fs.WriteFile("/etc/pam.d/common-auth", []byte(edited), 0o644))
	if out := s.ok("pam-auth-update --package"); !strings.Contains(out, "Local modifications") {
		t.Errorf("it says %q", out)
	}
	s.is("/etc/pam.d/common-auth", edited)
}

func TestDebconf(t *testing.T) {
	s := newSystem(t, map[string]string{
		"/var/lib/dpkg/info/app.templates": "Template: app/port\nType: string\nDefault: 80\nDescription: Port\n\nTemplate: app/sure\nType: boolean\nDefault: false\nDescription: Sure\n",
		"/var/lib/dpkg/info/app.config":    "#!/bin/sh\n", "/usr/share/debconf/frontend": "", "/opt/more.templates": "Template: more/x\nType: note\nDescription: X\n",
	})
	s.machine.Answers = map[string]string{"app/sure": "true"}
	if got := s.ok("_debconf_start configure 1.0"); got != "exec /var/lib/dpkg/info/app.config configure 1.0\n" {
		t.Errorf("starting runs %q", got)
	}
	for _, row := range []struct {
		line   string
		status int
		ret    string
	}{
		{"_debconf_talk GET app/port", 0, "80"}, {"_debconf_talk SET app/port 8080", 0, "value set"}, {"db_get app/port", 0, "8080"}, {"db_get app/none", 10, "app/none doesn't exist"},
		{"db_input high app/port", 30, "question skipped"}, {"db_go", 0, "ok"}, {"db_get app/sure", 0, "true"}, {"db_x_loadtemplatefile /opt/more.templates more", 0, ""},
		{"db_x_loadtemplatefile /opt/none.templates", 10, ""}, {"db_capb escape", 0, "multiselect escape"}, {"db_set app/port a\\nb", 0, "value set"}, {"db_get app/port", 0, "a\nb"},
		{"db_capb", 0, "multiselect escape"}, {"db_set app/port 8080", 0, "value set"}, {"db_stop", 0, ""},
	} {
		if status, out, err := s.call(row.line); status != row.status || out != row.ret || err != nil {
			t.Errorf("%s: %d, %q, %v", row.line, status, out, err)
		}
	}
	must(t, command.FinishDebconf(s.machine, s.fs))
	if got := s.file("/var/cache/debconf/config.dat"); !strings.Contains(got, "Name: app/port\nTemplate: app/port\nValue: 8080\nOwners: app\n") {
		t.Errorf("config.dat is\n%s", got)
	}
	if i, err := s.fs.Stat("/var/cache/debconf/passwords.dat"); err != nil || i.Perm() != 0o600 {
		t.Errorf("passwords.dat is %v, %v", i.Entry, err)
	}
	s.stdin = "# comment\nsome some/new string a \\\nb\nsome some/new seen false\n"
	s.ok("debconf-set-selections")
	if got := s.ok("debconf-show some"); got != "  some/new: a b\n" {
		t.Errorf("it shows %q", got)
	}
}

// The stand-in for confmodule has every function of the original.
func TestConfmodule(t *testing.T) {
	for _, c := range command.DebianCommands() {
		if strings.HasPrefix(c.Name, "db_") && !strings.Contains(command.Confmodule, "\n"+c.Name+" () {") {
			t.Errorf("confmodule has no %s", c.Name)
		}
	}
}
