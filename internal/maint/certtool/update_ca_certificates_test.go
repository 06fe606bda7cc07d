package certtool_test

import (
	"strings"
	"testing"

	"kiln/internal/maint/toolbox/toolboxtest"
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
	s := toolboxtest.New(t, map[string]string{
		"/etc/ca-certificates.conf": "# comment\nmozilla/Spaces.crt\n!mozilla/Gone.crt\nmozilla/missing.crt\n", "/usr/share/ca-certificates/mozilla/Spaces.crt": certificateSpaces,
		"/usr/local/share/ca-certificates/my (own), one.crt": strings.TrimSuffix(certificateSets, "\n"), "/usr/local/share/ca-certificates/again.crt": certificateSpaces,
		"/etc/ssl/certs/Gone.pem": "-> /usr/share/ca-certificates/mozilla/Gone.crt", "/etc/ssl/certs/00000000.0": "-> Gone.pem", "/etc/ca-certificates/update.d/hook": "#!", "/etc/ca-certificates/update.d/hook.bak": "#!",
	})
	toolboxtest.Must(t, s.FS.Chmod("/etc/ca-certificates/update.d/hook", 0o755))
	toolboxtest.Must(t, s.FS.Chmod("/etc/ca-certificates/update.d/hook.bak", 0o755))
	out := s.OK("update-ca-certificates")
	s.Links(map[string]string{
		"/etc/ssl/certs/Spaces.pem": "/usr/share/ca-certificates/mozilla/Spaces.crt", "/etc/ssl/certs/my_=own=__one.pem": "/usr/local/share/ca-certificates/my (own), one.crt",
		"/etc/ssl/certs/d7e2d6ee.0": "Spaces.pem", "/etc/ssl/certs/d7e2d6ee.1": "", "/etc/ssl/certs/b4c641d5.0": "my_=own=__one.pem",
		"/etc/ssl/certs/Gone.pem": "", "/etc/ssl/certs/00000000.0": "",
	})
	s.Is("/etc/ssl/certs/ca-certificates.crt", certificateSpaces+certificateSpaces+certificateSets)
	for _, want := range []string{"missing.crt not found", "3 added, 1 removed; done.", "exec /etc/ca-certificates/update.d/hook\n+/etc/ssl/certs/Spaces.pem\n", "-/etc/ssl/certs/Gone.pem\n"} {
		if !strings.Contains(out, want) {
			t.Errorf("it does not say %q:\n%s", want, out)
		}
	}
	if strings.Contains(out, "hook.bak") {
		t.Error("a hook ran that run-parts would not")
	}
	if out := s.OK("update-ca-certificates --hooksdir="); !strings.Contains(out, "0 added, 0 removed") {
		t.Errorf("a second run says %q", out)
	}
	s.Refuses("update-ca-certificates --sysroot=/x", "--sysroot")
}
